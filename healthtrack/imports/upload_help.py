"""What the upload page tells of a kind of file: its columns as the resource plans them, and example rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from healthtrack.imports.resources import SetResource


@dataclass(frozen=True)
class ColumnHelp:
    header: str
    required: bool
    holds: str
    example: str


def columns_of(resource: SetResource) -> list[ColumnHelp]:
    first = resource.examples[0]
    return [
        ColumnHelp(column.header, column.required, column.widget.in_words(column.field), first[column.name])
        for column in resource.plan.columns
    ]


def header_of(resource: SetResource) -> list[str]:
    return [column.header for column in resource.plan.columns]


def example_rows(resource: SetResource) -> list[list[str]]:
    return [_in_order(resource, row) for row in resource.examples]


def _in_order(resource: SetResource, row: Mapping[str, str]) -> list[str]:
    return [row[column.name] for column in resource.plan.columns]

"""What the upload page tells of a kind of file: its columns as the resource plans them, and example rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Model
from django.urls import reverse

from healthtrack.imports.resources import SetResource

TEMPLATE_FORMATS = ("csv", "xlsx")


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


def template_page(model: type[Model]) -> str:
    """Return the name of the page that has the files to fill in for a model."""
    return f"{model._meta.app_label}_{model._meta.model_name}_import_template"


def template_addresses(model: type[Model]) -> dict[str, str]:
    """Return the address of the file to fill in, by the name of its format."""
    page = reverse(f"admin:{template_page(model)}")
    return {name.upper(): f"{page}?format={name}" for name in TEMPLATE_FORMATS}

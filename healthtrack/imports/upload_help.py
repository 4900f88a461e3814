"""What the upload page says about a type of file: its columns and example rows, as the resource declares them."""

from dataclasses import dataclass

from django.db.models import Model
from django.urls import reverse

from healthtrack.imports.resources import BulkModelResource

TEMPLATE_FORMATS = ("csv", "xlsx")


@dataclass(frozen=True)
class ColumnHelp:
    """What the upload page says about a column."""

    header: str
    required: bool
    holds: str
    example: str


def describe_columns(resource: BulkModelResource) -> list[ColumnHelp]:
    first = resource.examples[0]
    return [
        ColumnHelp(column.header, column.required, column.widget.describe_values(column.field), first[column.name])
        for column in resource.plan.columns
    ]


def list_headers(resource: BulkModelResource) -> list[str]:
    return [column.header for column in resource.plan.columns]


def list_example_rows(resource: BulkModelResource) -> list[list[str]]:
    return [[row[column.name] for column in resource.plan.columns] for row in resource.examples]


def template_page(model: type[Model]) -> str:
    """Return the name of the page that has the files to fill in for a model."""
    return f"{model._meta.app_label}_{model._meta.model_name}_import_template"


def template_addresses(model: type[Model]) -> dict[str, str]:
    """Return the address of the file to fill in, by the name of its format."""
    page = reverse(f"admin:{template_page(model)}")
    return {name.upper(): f"{page}?format={name}" for name in TEMPLATE_FORMATS}

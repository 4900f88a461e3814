"""What the upload page says about a type of file: its columns and example rows, as the resource declares them."""

from dataclasses import dataclass

from django.db.models import Model
from django.urls import reverse

from healthtrack.imports.columns.dates import DateWidget
from healthtrack.imports.tables.resources import BulkModelResource

TEMPLATE_FORMATS = ("csv", "xlsx")


@dataclass(frozen=True)
class ColumnHelp:
    """What the upload page says about a column."""

    header: str
    required: bool
    holds: str
    example: str


def describe_columns(resource: BulkModelResource) -> list[ColumnHelp]:
    """Return what the upload page says about each column, in the order of the file."""
    first = resource.examples[0]
    return [
        ColumnHelp(column.header, column.required, column.widget.describe_values(column.field), first[column.name])
        for column in resource.plan.columns
    ]


def list_headers(resource: BulkModelResource) -> list[str]:
    """Return the header of a template, which states the order of dates, so that filled templates leave no question."""
    return [f"{each.header}{' (MM/DD/YYYY)' * isinstance(each.widget, DateWidget)}" for each in resource.plan.columns]


def list_example_rows(resource: BulkModelResource) -> list[list[str]]:
    return [[row[column.name] for column in resource.plan.columns] for row in resource.examples]


def template_url_name(model: type[Model]) -> str:
    """Return the name of the URL that sends a model's template files."""
    return f"{model._meta.app_label}_{model._meta.model_name}_import_template"


def get_template_urls(model: type[Model]) -> dict[str, str]:
    """Return the URLs of a model's template files, by the names of their formats."""
    url = reverse(f"admin:{template_url_name(model)}")
    return {name.upper(): f"{url}?format={name}" for name in TEMPLATE_FORMATS}

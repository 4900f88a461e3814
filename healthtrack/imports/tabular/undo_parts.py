"""The parts of pages about the undo of an import into tables."""

from django.http import QueryDict

from healthtrack.imports.importer import PagePart, Summary, UndoPreview
from healthtrack.imports.models import ImportRun
from healthtrack.imports.results import TabularResult
from healthtrack.imports.tables.resources import BulkModelResource
from healthtrack.imports.tabular import wording
from healthtrack.imports.undo import service


def preview(resource: BulkModelResource, run: ImportRun) -> UndoPreview:
    """Return what an undo of the run would do now."""
    view = service.preview(resource, run)
    deleted, reverted, restored = (
        sum(getattr(each, name) for each in view.tables) for name in ("removed", "changed", "new")
    )
    return UndoPreview("imports/undo-preview.html", view, deleted=deleted, reverted=reverted, restored=restored)


def summarize(run: ImportRun, query: QueryDict) -> Summary:
    """Return what the undo did and which conflicts it left; empty before it is done."""
    if run.first_change is None:
        return Summary()
    conflicts = service.get_conflicts(run, query.get("conflicts", ""))
    view = {"tables": TabularResult.of(run.result).tables, "conflicts": conflicts}
    headline = wording.get_undo_headline(run, conflicts.paginator.count)
    return Summary(headline, part=PagePart("imports/undo-outcome.html", view))


def list_changes(run: ImportRun, query: QueryDict) -> PagePart:
    """Return the list of what the undo or edit changed."""
    return PagePart("imports/undo-changes.html", service.get_changes(run, query.get("page", "")))

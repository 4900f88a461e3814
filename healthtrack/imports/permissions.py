"""Who may view and undo which import runs."""

from django.db.models import Q, QuerySet

from healthtrack.core.permissions import Person
from healthtrack.imports import registry
from healthtrack.imports.edits import Edit
from healthtrack.imports.life_cycle.undone_runs import get_first_run
from healthtrack.imports.models import ImportRun, Kind

VIEW_ALL = "imports.view_importrun"
UNDO = "imports.undo_importrun"


def can_view_runs(person: Person) -> bool:
    """Return whether the person may open the list of imports."""
    return person.has_perm(VIEW_ALL) or can_upload(person)


def can_upload(person: Person) -> bool:
    """Return whether the person may use an importer."""
    return bool(get_importers(person))


def get_visible_runs(person: Person) -> QuerySet[ImportRun]:
    """Return all runs if the person may view all imports; otherwise those of the types that the person may import.

    Everybody sees their own edits of data that they may view, and the undos of these that they requested.
    """
    runs = ImportRun.objects.with_files()
    if person.has_perm(VIEW_ALL):
        return runs
    viewed = [importer.name for importer in registry.importers() if importer.may_view(person)]
    own = Q(importer__in=viewed, started_by=person.pk, kind__in=[Kind.EDIT, Kind.UNDO])
    return runs.filter(Q(importer__in=get_importers(person)) | own)


def may_undo(person: Person, run: ImportRun) -> bool:
    """Return whether the person may undo the run, and view the stored data that the preview shows.

    Who made an edit may undo it, and apply it again, with the permission that the edit takes.
    """
    if not registry.get(run.importer).may_view(person):
        return False
    first = get_first_run(run)
    is_own_edit = first.is_edit and first.started_by_id == person.pk
    return person.has_perm(UNDO) or (is_own_edit and person.has_perm(Edit.of(first.result).permission))


def get_importers(person: Person) -> list[str]:
    """Return the names of the importers that the person may use."""
    return [importer.name for importer in registry.importers() if importer.may_import(person)]

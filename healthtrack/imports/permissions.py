"""Who may see which runs."""

from django.db.models import QuerySet

from healthtrack.core.permissions import Person
from healthtrack.imports import registry
from healthtrack.imports.models import ImportRun

VIEW_ALL = "imports.view_importrun"


def can_view_runs(person: Person) -> bool:
    return person.has_perm(VIEW_ALL) or bool(_own_importers(person))


def visible_runs(person: Person) -> QuerySet[ImportRun]:
    """Return all runs for whoever may see them all, or those of the importers that the person may import with."""
    runs = ImportRun.objects.with_files()
    return runs if person.has_perm(VIEW_ALL) else runs.filter(importer__in=_own_importers(person))


def _own_importers(person: Person) -> list[str]:
    return [importer.name for importer in registry.importers() if importer.may_import(person)]

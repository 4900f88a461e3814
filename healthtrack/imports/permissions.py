"""Who may view which import runs."""

from django.db.models import QuerySet

from healthtrack.core.permissions import Person
from healthtrack.imports import registry
from healthtrack.imports.models import ImportRun

VIEW_ALL = "imports.view_importrun"


def can_view_runs(person: Person) -> bool:
    """Return whether the person may open the list of imports."""
    return person.has_perm(VIEW_ALL) or can_upload(person)


def can_upload(person: Person) -> bool:
    """Return whether the person may use an importer."""
    return bool(get_importers(person))


def get_visible_runs(person: Person) -> QuerySet[ImportRun]:
    """Return all runs if the person may view all imports; otherwise those of the types that the person may import."""
    runs = ImportRun.objects.with_files()
    return runs if person.has_perm(VIEW_ALL) else runs.filter(importer__in=get_importers(person))


def get_importers(person: Person) -> list[str]:
    """Return the names of the importers that the person may use."""
    return [importer.name for importer in registry.importers() if importer.may_import(person)]

"""Who may import which kinds of rows, and who may see which runs."""

from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.db.models import QuerySet

from healthtrack.core.permissions import Person, can_view
from healthtrack.imports.models import ImportRun

VIEW_ALL = "imports.view_importrun"


def kinds_to_import(person: Person) -> list[str]:
    """Return the kinds whose imports the person may start: of rows that they may see, as previews show stored values.

    Only models that declare a permission to import are of such a kind.
    """
    kinds = []
    for model in apps.get_models():
        codename = get_permission_codename("import", model._meta)
        is_declared = any(codename == declared for declared, _ in model._meta.permissions)
        if is_declared and person.has_perm(f"{model._meta.app_label}.{codename}") and can_view(person, model):
            kinds.append(model._meta.label_lower)
    return kinds


def can_view_runs(person: Person) -> bool:
    return person.has_perm(VIEW_ALL) or bool(kinds_to_import(person))


def visible_runs(person: Person) -> QuerySet[ImportRun]:
    """Return all runs for whoever may see them all, or those of the kinds that the person may import."""
    runs = ImportRun.objects.all()
    return runs if person.has_perm(VIEW_ALL) else runs.filter(kind__in=kinds_to_import(person))

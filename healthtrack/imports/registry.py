"""The importers by name. Apps register their importers when they are ready; everything else gets them here."""

from typing import TYPE_CHECKING

from django.utils.module_loading import import_string

if TYPE_CHECKING:  # apps register in every process, and importers load polars, which takes time
    from healthtrack.imports.importer import Importer

_PATHS: dict[str, str] = {}


def register(name: str, path: str) -> None:
    """Register the importer at a dotted path; it is imported when it is first used."""
    _PATHS[name] = path


def unregister(name: str) -> None:
    """Remove a registration; for tests that register an importer of their own."""
    del _PATHS[name]


def get(name: str) -> "Importer":
    """Return the importer of this name. Raises LookupError if no app has registered it."""
    importer: Importer = import_string(_PATHS[name])
    return importer


def names() -> list[str]:
    """Return the names of all registered importers."""
    return list(_PATHS)


def importers() -> "list[Importer]":
    """Return all importers, sorted by name."""
    return [get(name) for name in sorted(_PATHS)]

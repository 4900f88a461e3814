"""The importers by name. Apps register theirs when they are ready; whoever works on a run gets its importer here."""

from typing import TYPE_CHECKING

from django.utils.module_loading import import_string

if TYPE_CHECKING:  # apps register in every process, and an importer brings polars
    from healthtrack.imports.importer import Importer

_PATHS: dict[str, str] = {}


def register(name: str, path: str) -> None:
    """Register the importer at a dotted path; it is imported when it is first used."""
    _PATHS[name] = path


def unregister(name: str) -> None:
    """Take back a registration, as a test does that has registered an importer of its own."""
    del _PATHS[name]


def get(name: str) -> "Importer":
    """Return the importer of this name; raise LookupError if no app registers one."""
    importer: Importer = import_string(_PATHS[name])
    return importer


def names() -> list[str]:
    return list(_PATHS)


def importers() -> "list[Importer]":
    """Return all importers, in the order of their names."""
    return [get(name) for name in sorted(_PATHS)]

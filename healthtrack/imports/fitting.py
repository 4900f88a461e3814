"""Find the importer that files fit better than the one for which they were uploaded."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from healthtrack.imports import registry
from healthtrack.imports.models import ImportRun
from healthtrack.imports.reading_plans import DetectedPart, ReadingPlan

if TYPE_CHECKING:
    from healthtrack.imports.importer import Importer

# Of a fit: files that fit less than well may belong to nobody, and those that fit poorly to others.
_GOOD, _POOR = 0.8, 0.5
_FITS = "fits"  # the part of a plan that names another importer


def choose_fitting(importers: "Iterable[Importer]", paths: Sequence[Path]) -> "Importer | None":
    """Return the importer that the files fit best; None if they fit none well."""
    fits = [(_measure(each, paths), each) for each in importers if each.takes(paths)]
    fit, best = max(fits, key=lambda found: found[0], default=(0, None))
    return best if fit >= _GOOD else None


def fit_poorly(importer: "Importer", paths: Sequence[Path]) -> bool:
    """Return whether the files may belong to another importer."""
    return _measure(importer, paths) < _POOR


def _measure(importer: "Importer", paths: Sequence[Path]) -> float:
    return min(map(importer.measure_fit, paths), default=0)


def redirect_plan(plan: ReadingPlan, importer: "Importer", paths: Sequence[Path]) -> ReadingPlan:
    """Return the plan; without its questions, and with the name of a better importer, if the files fit one better."""
    if _find_name(plan):
        return plan
    better = choose_fitting([each for each in registry.importers() if each.name != importer.name], paths)
    return ReadingPlan([*plan.parts, DetectedPart(_FITS, better.name)]) if better else plan


def get_better_importer(run: ImportRun) -> "Importer | None":
    """Return the importer that the files of a run fit better, as its plan says; or None."""
    name = _find_name(ReadingPlan.from_json(run.plan))
    return registry.get(name) if name in registry.names() else None


def _find_name(plan: ReadingPlan) -> str:
    return next((part.value for part in plan.parts if part.name == _FITS), "")

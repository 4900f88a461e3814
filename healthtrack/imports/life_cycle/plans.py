"""Plan how to read the files of a run, and check them once the plan has no question left."""

from collections.abc import Sequence
from functools import partial

from healthtrack.imports import registry
from healthtrack.imports.fitting import fit_poorly, redirect_plan
from healthtrack.imports.importer import Importer, StoredFile
from healthtrack.imports.life_cycle.actions import get_run_input
from healthtrack.imports.models import ImportRun
from healthtrack.imports.progress import Progress
from healthtrack.imports.reading_plans import ReadingPlan
from healthtrack.imports.results import CheckResult


def plan_and_check(
    run: ImportRun, files: Sequence[StoredFile], progress: Progress, *, at_once: bool = False
) -> CheckResult | None:
    """Set the plan of the run, and return what the check found; None if the plan has questions for a person.

    `at_once` says that the import follows a check without errors at once.
    """
    importer = registry.get(run.importer)
    if run.plan is None:
        run.plan = importer.plan(files, progress).as_json()
    if run.answers:
        run.plan = importer.plan_again(get_run_input(run, files), progress).as_json()
    check = partial(_check, importer, run, files, progress, at_once=at_once)
    result = check()
    if result is not None and result.plan is not None:
        run.plan = result.plan.as_json()
        result = check()
    if result is not None and result.refused and fit_poorly(importer, paths := [file.path for file in files]):
        run.plan = redirect_plan(ReadingPlan.from_json(run.plan), importer, paths).as_json()
    return result


def _check(
    importer: Importer, run: ImportRun, files: Sequence[StoredFile], progress: Progress, *, at_once: bool
) -> CheckResult | None:
    return None if has_open_questions(run) else importer.check(get_run_input(run, files, at_once=at_once), progress)


def has_open_questions(run: ImportRun) -> bool:
    """Return whether the plan of the run has questions that nobody has answered yet."""
    return any(question.name not in run.answers for question in ReadingPlan.from_json(run.plan).questions)

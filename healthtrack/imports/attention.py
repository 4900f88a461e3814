"""The imports that need somebody's attention, as tasks on Home."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from healthtrack.core.attention import Task, TaskSource
from healthtrack.core.permissions import Person
from healthtrack.imports import heartbeat, registry
from healthtrack.imports.models import AWAITING_PERSON, WORKING, ImportFile, ImportRun, Kind, State
from healthtrack.imports.permissions import get_importers

MAX_RUNS = 20
FAILED_RUNS_SHOWN_FOR = timedelta(days=7)
_STATE_SENTENCES = {
    State.CHECKED: "is ready to import",
    State.QUESTIONS: "can be read in several ways: answer the questions",
}


def _may_import_anything(person: Person) -> bool:
    return bool(get_importers(person))


def _find(person: Person, _: None) -> Iterator[Task]:
    working = []
    for run in _get_runs(person):
        if run.is_working:
            working.append(run)
        else:
            yield _describe(run)
    waiting = next((run for run in working if run.is_for_worker), None)
    if waiting and not heartbeat.is_alive():
        sentence = "Imports are waiting, but no worker is running. Ask an administrator to start one."
        yield Task("imports-no-worker", sentence, f"See import {waiting.run_id}", _get_address(waiting))


def _get_runs(person: Person) -> list[ImportRun]:
    """Return the runs that a worker has, those that wait for a decision, and failures that nothing has made up for.

    A file that is imported already waits for no decision, even if it was uploaded twice.
    """
    applied = ImportRun.objects.filter(importer=OuterRef("importer"), state=State.APPLIED)
    same_files = ImportFile.objects.filter(run=OuterRef(OuterRef("run_id")))
    is_imported = Exists(applied.filter(kind=Kind.IMPORT, files__sha256__in=same_files.values("sha256")))
    failed = Q(state__in=(State.REFUSED, State.FAILED), finished_at__gte=timezone.now() - FAILED_RUNS_SHOWN_FOR)
    shown = (
        Q(state__in=WORKING)
        | Q(~is_imported, state__in=AWAITING_PERSON)
        | (failed & ~Exists(applied.filter(run_id__gt=OuterRef("run_id"))))
    )
    runs = ImportRun.objects.with_files().filter(shown, importer__in=get_importers(person))
    return list(runs.order_by("-run_id")[:MAX_RUNS])


def _describe(run: ImportRun) -> Task:
    sentence = f"{run.title} {_STATE_SENTENCES.get(State(run.state), 'was not imported')}."
    names_patients = run.state == State.CHECKED and registry.get(run.importer).names_patients
    return Task(
        key=f"import-{run.run_id}",
        sentence=sentence,
        action=f"See import {run.run_id}",
        href=_get_address(run),
        patients=run.valid_count if names_patients else 0,
        facts=run.state,
    )


def _get_address(run: ImportRun) -> str:
    return reverse("admin:imports_importrun_change", args=[run.pk])


SOURCES = [TaskSource(_may_import_anything, _find)]

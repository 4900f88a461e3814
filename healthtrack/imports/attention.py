"""The imports that need somebody's attention, as tasks on Home."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils import timezone

from healthtrack.core.attention import Task, TaskSource
from healthtrack.core.permissions import Person
from healthtrack.imports import registry
from healthtrack.imports.life_cycle import heartbeat
from healthtrack.imports.models import AWAITING_PERSON, WORKING, ImportRun, Kind, State
from healthtrack.imports.permissions import get_importers

MAX_RUNS = 20
FAILED_RUNS_SHOWN_FOR = timedelta(days=7)
_STATE_SENTENCES = {
    State.CHECKED: "is ready to import",
    State.QUESTIONS: "can be read in several ways: answer the questions",
}

# Home runs it each time, mostly without a result. Django would need longer to write it than PostgreSQL to run it.
_FIND_RUNS = """
SELECT run_id FROM import_runs AS run
 WHERE importer = ANY (%(importers)s)
   AND (state = ANY (%(working)s)
        OR state = ANY (%(awaiting)s)
           AND NOT EXISTS (SELECT FROM import_files AS file JOIN import_files AS same USING (sha256)
                                       JOIN import_runs AS other ON other.run_id = same.run_id
                            WHERE file.run_id = run.run_id AND other.importer = run.importer
                              AND other.kind = %(import)s AND other.state = %(applied)s)
        OR state = ANY (%(failed)s) AND finished_at >= %(since)s
           AND NOT EXISTS (SELECT FROM import_runs AS later
                            WHERE later.importer = run.importer AND later.state = %(applied)s
                              AND later.run_id > run.run_id))
 ORDER BY run_id DESC LIMIT %(limit)s
"""


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
    values: dict[str, Any] = {
        "importers": get_importers(person),
        "working": list(WORKING),
        "awaiting": list(AWAITING_PERSON),
        "failed": [State.REFUSED, State.FAILED],
        "since": timezone.now() - FAILED_RUNS_SHOWN_FOR,
        "applied": State.APPLIED,
        "import": Kind.IMPORT,
        "limit": MAX_RUNS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FIND_RUNS, values)
        found = [run_id for (run_id,) in cursor.fetchall()]
    return list(ImportRun.objects.with_files().filter(pk__in=found).order_by("-run_id")) if found else []


def _describe(run: ImportRun) -> Task:
    sentence = f"{run.title} {_STATE_SENTENCES.get(State(run.state), 'was not imported')}."
    return Task(
        key=f"import-{run.run_id}",
        sentence=sentence,
        action=f"See import {run.run_id}",
        href=_get_address(run),
        patients=registry.get(run.importer).count_patients(run) if run.state == State.CHECKED else 0,
        facts=run.state,
    )


def _get_address(run: ImportRun) -> str:
    return reverse("admin:imports_importrun_change", args=[run.pk])


SOURCES = [TaskSource(_may_import_anything, _find)]

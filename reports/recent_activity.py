"""The latest imports and edits by people that the person may view."""

from collections.abc import Iterable

from django.db.models import QuerySet

from healthtrack.audit.models import Action
from healthtrack.audit.presentation import Entry, entries
from healthtrack.audit.subjects import record_access_to_changes
from healthtrack.audit.timelines import newest
from healthtrack.audit.views import get_visible_changes
from healthtrack.core.permissions import Person
from healthtrack.imports.models import ImportRun, Kind, State
from healthtrack.imports.permissions import get_visible_runs

CHANGES_SHOWN = 8
RUNS_SHOWN = 5


def get_latest_changes(person: Person) -> list[Entry]:
    """Return the latest edits of data by people, newest first, and record the access."""
    by_hand = get_visible_changes(person).filter(run_id=None, row_name=None).exclude(action=Action.TRUNCATE)
    latest = list(newest(by_hand)[:CHANGES_SHOWN])
    record_access_to_changes(latest)
    return entries(latest)


def get_latest_runs(person: Person) -> list[ImportRun]:
    """Return the latest imports, newest first."""
    return list(_runs(person)[:RUNS_SHOWN])


def get_last_import(person: Person, latest_runs: Iterable[ImportRun]) -> ImportRun | None:
    """Return the last import that was applied. Of the latest runs, which the page has already, it is mostly one."""
    applied = (run for run in latest_runs if run.state == State.APPLIED and run.kind == Kind.IMPORT)
    return next(applied, None) or _runs(person).filter(state=State.APPLIED, kind=Kind.IMPORT).first()


def _runs(person: Person) -> QuerySet[ImportRun]:
    return get_visible_runs(person).select_related("started_by").order_by("-run_id")

"""The latest imports and edits by people that the person may view."""

from django.db.models import Case, When

from healthtrack.audit.actor import COMMAND
from healthtrack.audit.models import Action
from healthtrack.audit.presentation import Entry, entries
from healthtrack.audit.subjects import record_access_to_changes
from healthtrack.audit.timelines import newest
from healthtrack.audit.views import get_visible_changes
from healthtrack.core.permissions import Person
from healthtrack.imports.models import ImportRun
from healthtrack.imports.permissions import get_visible_runs

CHANGES_SHOWN = 8
RUNS_SHOWN = 5


def get_latest_changes(person: Person) -> list[Entry]:
    """Return the latest edits of data by people, newest first, and record the access."""
    visible = get_visible_changes(person).filter(run_id=None, row_name=None)
    by_hand = visible.exclude(action=Action.TRUNCATE).exclude(request__startswith=COMMAND)
    latest = list(newest(by_hand)[:CHANGES_SHOWN])
    record_access_to_changes(latest)
    return entries(latest)


def get_latest_runs(person: Person) -> list[ImportRun]:
    """Return the person's own latest imports or, without any, the latest of everybody; newest first."""
    is_own = Case(When(started_by=person.pk, then=True), default=False)
    visible = get_visible_runs(person).select_related("started_by").annotate(is_own=is_own)
    latest: list[ImportRun] = list(visible.order_by("-is_own", "-run_id")[:RUNS_SHOWN])
    return [run for run in latest if run.started_by_id == person.pk] or latest

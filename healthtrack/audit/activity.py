"""The activity log in sentences: who changed what, with repeated changes as one entry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, F, QuerySet, Value, When

from healthtrack.audit.account_names import full_name, label_person
from healthtrack.audit.actor import COMMAND
from healthtrack.audit.models import Action, Change
from healthtrack.audit.presentation import Entry, entries
from healthtrack.audit.subjects import get_changed_model, record_access_to_changes
from healthtrack.audit.timelines import newest
from healthtrack.core.lists.log_groups import Group, Grouping, get_group, get_group_page
from healthtrack.core.lists.log_pages import get_page

MAX_ROWS_NAMED = 5  # of a group of changes
GROUPING = Grouping(
    "changed_at", actor=["person_id", "run_id", "command", "database_role"], kind=["table_name", "action"]
)


@dataclass(frozen=True)
class Activity:
    """A change, or several of one kind, of which `entries` has the newest ones.

    `who` and `kind` are parts of a sentence; `labels` are those of all fields that the entries changed. `code`
    identifies a group, and is empty for a single change.
    """

    entries: Sequence[Entry]
    count: int
    began_at: datetime
    ended_at: datetime
    who: str
    person_id: int | None
    kind: str
    labels: Sequence[str]
    code: str

    @property
    def newest(self) -> Entry:
        return self.entries[0]

    @property
    def rows(self) -> dict[str, str]:
        """The names of the changed rows, each with its address or ''."""
        return {entry.name: entry.href for entry in self.entries}

    @property
    def others(self) -> int:
        return self.count - len(self.entries)


@dataclass(frozen=True)
class ActivityPage:
    activities: Sequence[Activity]
    older: int | None
    is_newest: bool


def get_activity_page(changes: QuerySet[Change], after: int | None) -> ActivityPage:
    """Return a page of groups of changes, and record the access to them."""
    changes = _annotate(changes)
    groups = get_group_page(changes, GROUPING, after)
    return ActivityPage(_make_activities(changes, groups.groups), groups.older, groups.is_newest)


def get_single_page(changes: QuerySet[Change], code: str, after: int | None) -> ActivityPage:
    """Return a page of changes, only those of a group if there is a code, and record the access to them."""
    changes = _annotate(changes)
    page = get_page(get_group(changes, GROUPING, code) if code else changes, "changed_at", after)
    singles = [Group([row.pk], 1, row.changed_at, row.changed_at, row.pk) for row in page.rows]
    return ActivityPage(_make_activities(changes, singles), page.older, page.is_newest)


def _annotate(changes: QuerySet[Change]) -> QuerySet[Change]:
    command = Case(When(request__startswith=COMMAND, then=F("request")), default=Value(""))
    annotated: QuerySet[Change] = newest(changes).annotate(command=command, full_name=full_name("person"))
    return annotated


def _make_activities(changes: QuerySet[Change], groups: Sequence[Group]) -> list[Activity]:
    named = [list(group.keys[:MAX_ROWS_NAMED]) for group in groups]
    found = changes.in_bulk([key for keys in named for key in keys])
    rows = [found[key] for keys in named for key in keys]
    record_access_to_changes(rows)
    described = dict(zip(rows, entries(rows), strict=True))
    return [
        _make_activity(group, {found[key]: described[found[key]] for key in keys})
        for group, keys in zip(groups, named, strict=True)
    ]


def _make_activity(group: Group, described: dict[Change, Entry]) -> Activity:
    change, entry = next(iter(described.items()))
    options = get_changed_model(change)._meta
    if entry.action == Action.TRUNCATE:
        kind = f"the table of {options.verbose_name_plural}"
    else:
        kind = str(options.verbose_name if group.count == 1 else options.verbose_name_plural)
    labels = dict.fromkeys(field.label for each in described.values() for field in each.fields)
    who = label_person(entry.who, change.full_name) if change.person_id else entry.who  # type: ignore[attr-defined]  # annotated
    return Activity(
        entries=list(described.values()),
        count=group.count,
        began_at=group.oldest,
        ended_at=group.newest,
        who=who,
        person_id=change.person_id,
        kind=kind,
        labels=list(labels),
        code=group.code if group.count > 1 else "",
    )

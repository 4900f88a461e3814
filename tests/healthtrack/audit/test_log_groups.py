"""Groups of log entries: each entry is in exactly one group of exactly one page."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet

from healthtrack.audit.access_views import GROUPING, AccessesForm
from healthtrack.audit.activity import get_activity_page, get_single_page
from healthtrack.audit.models import Access, Change
from healthtrack.core.lists import log_groups, log_pages
from healthtrack.core.lists.log_groups import Group, get_group, get_group_page
from patients.models import MedicalRecord

NOW = datetime(2026, 11, 30, 10, 30, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def accesses() -> QuerySet[Access]:
    return AccessesForm({}).get_accesses()


def make_accesses(*entries: tuple[str, str, int]) -> None:
    """Record accesses, newest first: each has a person, a page and how many minutes ago it was."""
    people = {name: User.objects.get_or_create(username=name)[0] for name, _, _ in entries}
    for name, page, minutes in reversed(entries):
        moment = NOW - timedelta(minutes=minutes)
        Access.objects.create(person=people[name], page=page, seen_at=moment, patient_ids=["P1"], request="r")


def all_groups() -> Iterator[Group]:
    after = None
    while True:
        page = get_group_page(accesses(), GROUPING, after)
        yield from page.groups
        if not page.older:
            return
        after = page.older


def counts() -> list[int]:
    return [group.count for group in all_groups()]


def test_what_a_person_repeats_is_one_group_until_the_person_does_something_else() -> None:
    viewed = (("ada", "list"), ("ada", "list"), ("ada", "record"), ("ada", "list"), ("ada", "record"))
    make_accesses(*((person, page, minutes) for minutes, (person, page) in enumerate(viewed)))
    assert counts() == [2, 1, 1, 1]


def test_what_others_do_meanwhile_ends_no_group() -> None:
    viewed = (("ada", "list"), ("bea", "list"), ("ada", "list"), ("bea", "record"), ("ada", "list"))
    make_accesses(*((person, page, minutes) for minutes, (person, page) in enumerate(viewed)))
    assert counts() == [3, 1, 1]


def test_an_hour_without_entries_ends_a_group() -> None:
    make_accesses(("ada", "list", 20), ("ada", "list", 40), ("ada", "list", 100), ("ada", "list", 161))
    assert counts() == [3, 1]


@pytest.mark.parametrize("seed", range(5))
def test_each_entry_is_in_one_group_of_one_page(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_pages, "PAGE_SIZE", 3)
    monkeypatch.setattr(log_groups, "MAX_ENTRIES", 11)
    chance = random.Random(seed)  # noqa: S311  (for tests)
    make_accesses(*((chance.choice("abc"), chance.choice(("list", "record")), minute // 2) for minute in range(60)))
    groups = list(all_groups())
    keys = [key for group in groups for key in group.keys]
    assert sorted(keys) == sorted(Access.objects.values_list("pk", flat=True))
    for group in groups:
        assert [each.pk for each in get_group(accesses(), GROUPING, group.code)] == [*group.keys]
    assert max(group.count for group in groups) > 1


def test_what_one_statement_changed_is_one_group_however_much_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_groups, "MAX_ENTRIES", 5)
    MedicalRecord.objects.bulk_create(
        MedicalRecord(patient_id=f"P{n:02}", name="A", date_of_birth="1980-05-17", gender="F", medications=False)
        for n in range(20)
    )
    MedicalRecord.objects.update(name="B")
    pages = [get_activity_page(Change.objects.all(), None)]
    while pages[-1].older:
        pages.append(get_activity_page(Change.objects.all(), pages[-1].older))
    shown = [activity for page in pages for activity in page.activities]
    assert [(each.newest.action.value, each.count) for each in shown] == [("update", 20), ("insert", 20)]
    each = get_single_page(Change.objects.all(), shown[0].code, None).activities
    assert [activity.count for activity in each] == [1] * 20
    assert all(newer.ended_at >= older.ended_at for newer, older in pairwise(each))

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthtrack.audit import access_recorder
from healthtrack.audit.file_parts import get_beginnings
from healthtrack.audit.models import Access
from healthtrack.audit.registry import page_names
from healthtrack.core.log_pages import PAGE_SIZE
from tests.support import factories
from tests.support.every_address import ALL
from tests.support.page import Page
from tests.support.page_permissions import assert_page_needs
from tests.support.report_pages import page
from tests.support.signing_in import AsRole, SignIn

PAGE = "/admin/accesses/"
VIEW = "audit.view_access"

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(as_role: AsRole) -> Client:
    return as_role("Auditor")


def make_access(*patients: str, by: str = "nora", days_ago: int = 0, **values: object) -> Access:
    person, _ = User.objects.get_or_create(username=by)
    return Access.objects.create(
        person=person,
        patient_ids=list(patients),
        seen_at=timezone.now() - timedelta(days=days_ago),
        **{"page": "admin:patients_medicalrecord_change", "request": "r", **values},
    )


def rows(words: str) -> list[list[str]]:
    page = Page(words)
    return page.rows() if page.all("table") else []


def people(words: str) -> list[str]:
    return [row[1] for row in rows(words)]


def test_every_named_page_exists() -> None:
    assert page_names().keys() <= ALL.keys()


def test_the_access_log_needs_its_permission(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, PAGE, VIEW, others=["audit.view_change", "patients.view_medicalrecord"])


def test_filtered_by_patient_it_lists_who_viewed_the_patient_newest_first(auditor: Client) -> None:
    make_access("P1", by="nora", days_ago=2)
    make_access("P2", by="vera")
    make_access("P0", "P1", "P3", by="olga", days_ago=1, page="admin:patients_medicalrecord_changelist")
    words = page(auditor, f"{PAGE}?patient=P1")
    assert people(words) == ["olga", "nora"]
    assert "Viewed the list of records" in words
    assert "P1</a> and 2 more" in words
    assert "P3" not in words


def test_filtered_by_patient_it_names_who_exported_the_patient(
    auditor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_recorder, "PATIENTS_PER_PART", 2)
    for number in range(5):
        factories.medical_record(f"P{number}", medical_conditions="" if number == 4 else "Asthma")
    exporter = Client()
    exporter.force_login(
        factories.staff("patients.view_medicalrecord", "patients.export_medicalrecord", username="nora")
    )
    form = {"format": "0", "resource": ""}
    exported: Any = exporter.post("/admin/patients/medicalrecord/export/?condition=Asthma", form)
    assert b"P3" in exported.getvalue()
    (row,) = rows(page(auditor, f"{PAGE}?patient=P3"))
    assert row[1:6] == ["nora", "Exported records", "P3 and 3 more", "condition", "4"]
    assert people(page(auditor, f"{PAGE}?patient=P4")) == []


@pytest.mark.parametrize(
    "numbers",
    [
        ["P1"],
        ["P1", "P10", "P2"],
        ["1", "12", "123", "2"],
        ["A" * 50, "A" * 49 + "B"],
        ["A" * 49, "A" * 50],
        ["P*", "P**", "P1"],
        ["P1", "P1", "P2"],
        ["P", "P\U0010ffff", "P\U0010ffffx", "Q"],
        ["Ü1", "ß2", "患者"],
    ],
)
def test_every_number_of_a_part_is_found_and_no_other(auditor: Client, numbers: list[str]) -> None:
    make_access(*get_beginnings(sorted(numbers)), by="nora", file_rows=9, file_patients=sorted(numbers))
    for number in {*numbers}:
        assert people(page(auditor, f"{PAGE}?{urlencode({'patient': number})}")) == ["nora"]
    for number in {number[:-1] for number in numbers} | {f"{number}*" for number in numbers} - {*numbers}:
        if number and number not in numbers:
            assert "nora" not in people(page(auditor, f"{PAGE}?{urlencode({'patient': number})}"))


def test_a_file_is_listed_once_however_many_patients_it_has(auditor: Client) -> None:
    make_access(by="nora", file_rows=3)
    make_access("P*", by="nora", file_rows=3, file_patients=["P1", "P2"])
    make_access("P3*", by="nora", file_rows=3, file_patients=["P3"])
    for query in ("", f"?person={User.objects.get(username='nora').pk}"):
        (row,) = rows(page(auditor, f"{PAGE}{query}"))[-1:]
        assert row[3:6] == ["", "", "3"]
        assert people(page(auditor, f"{PAGE}{query}")).count("nora") == 1


def test_filtered_by_person_it_lists_what_the_person_viewed(auditor: Client) -> None:
    make_access("P1", by="nora")
    make_access(by="nora", page="admin:patients_medicalrecord_export", file_rows=18377, filters=["gender", "condition"])
    make_access("P2", by="vera")
    words = page(auditor, f"{PAGE}?person={User.objects.get(username='nora').pk}")
    assert people(words) == ["nora", "nora"]
    assert all(word in words for word in ("Exported records", "18,377", "gender, condition", ">P1<"))


def test_it_can_be_filtered_by_day(auditor: Client) -> None:
    make_access("P1", by="nora", days_ago=1)
    make_access("P1", by="vera")
    day = timezone.localdate() - timedelta(days=1)
    assert people(page(auditor, f"{PAGE}?day={day.isoformat()}")) == ["nora"]


def test_the_next_page_continues_where_the_one_before_ended(auditor: Client) -> None:
    for number in range(PAGE_SIZE + 3):
        make_access(f"P{number}")
    first = page(auditor, PAGE)
    older = first.partition("?after=")[2].partition('"')[0]
    assert ">P52<" in first
    assert len(people(first)) == PAGE_SIZE
    rest = page(auditor, f"{PAGE}?after={older}")
    assert [row[3] for row in rows(rest)] == ["P2", "P1", "P0"]


def test_of_many_patients_only_the_first_ten_are_listed(auditor: Client) -> None:
    make_access(*[f"P{number:02}" for number in range(50)])
    words = page(auditor, PAGE)
    assert "P09</a> and 40 more" in words
    assert "P10" not in words


def test_opening_the_access_log_is_recorded_too(auditor: Client) -> None:
    make_access("P1")
    auditor.get(f"{PAGE}?patient=P1")
    own = Access.objects.latest("access_id")
    assert (own.person.username if own.person else "", own.page, own.patient_ids) == ("staff", "accesses", ["P1"])


@pytest.mark.parametrize(
    "query",
    [
        "?patient=%00",
        "?person=x",
        "?day=never",
        "?day=9999-12-31",
        "?day=0001-01-01",
        "?after=%00",
        f"?after={'9' * 40}",
    ],
)
def test_an_invalid_filter_is_no_server_error(auditor: Client, query: str) -> None:
    make_access("P1", by="vera")
    assert auditor.get(f"{PAGE}{query}").status_code == 200


@pytest.mark.parametrize("query", ["", "?patient=P1"])
def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    auditor: Client, query: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(PAGE_SIZE + 1):
        make_access("P1", "P2", by=f"p{number % 7}")
        make_access("P*", by=f"p{number % 7}", file_rows=2, file_patients=["P1", "P2"])
    with django_assert_max_num_queries(8):
        auditor.get(f"{PAGE}{query}")


def test_a_record_links_to_the_access_log_for_people_with_the_permission(sign_in: SignIn) -> None:
    factories.medical_record("P1/2")
    record = "/admin/patients/medicalrecord/P1_2F2/change/"
    assert "Access log of this patient" not in page(sign_in("patients.view_medicalrecord"), record)
    words = page(sign_in("patients.view_medicalrecord", VIEW), record)
    assert f'<a href="{PAGE}?patient=P1/2">Access log of this patient</a>' in words


def test_a_users_page_links_to_the_access_log_of_that_person(sign_in: SignIn) -> None:
    client = sign_in("auth.view_user", VIEW)
    person = User.objects.get()
    words = page(client, f"/admin/auth/user/{person.pk}/change/")
    assert f'<a href="{PAGE}?person={person.pk}">Access log of this person</a>' in words


def test_filtering_by_patient_or_person_uses_an_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        patient = "patient_ids @> ARRAY['P1']::varchar[] AND file_patients IS NULL"
        part = "patient_ids && ARRAY['P*', 'P1*']::varchar[] AND file_patients @> ARRAY['P1']"
        for condition in (f"({patient} OR {part})", "person_id = 1"):
            cursor.execute(f"EXPLAIN SELECT * FROM access_log WHERE {condition} ORDER BY seen_at DESC LIMIT 51")
            assert "Seq Scan" not in "\n".join(line for (line,) in cursor.fetchall())

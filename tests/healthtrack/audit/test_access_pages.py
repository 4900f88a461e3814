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
from healthtrack.core.lists.log_pages import PAGE_SIZE
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
        **{
            "seen_at": timezone.now() - timedelta(days=days_ago),
            "page": "admin:patients_medicalrecord_change",
            "request": "r",
            **values,
        },
    )


def rows(words: str) -> list[list[str]]:
    page = Page(words)
    return page.rows() if page.all("table") else []


def sentences(words: str) -> list[str]:
    return [row[1] for row in rows(words)]


def people(words: str) -> list[str]:
    return [sentence.split()[0] for sentence in sentences(words)]


def test_every_named_page_exists() -> None:
    assert page_names().keys() <= ALL.keys()


def test_the_access_log_needs_its_permission(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, PAGE, VIEW, others=["audit.view_change", "patients.view_medicalrecord"])


def test_filtered_by_patient_it_lists_who_viewed_the_patient_newest_first(auditor: Client) -> None:
    make_access("P1", by="nora", days_ago=2)
    make_access("P2", by="vera")
    make_access("P0", "P1", "P3", by="olga", days_ago=1, page="admin:patients_medicalrecord_changelist")
    words = page(auditor, f"{PAGE}?patient=P1")
    assert sentences(words) == [
        "olga viewed the list of records Patients P1 and 2 more",
        "nora opened the record Patient P1",
    ]
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
    (sentence,) = sentences(page(auditor, f"{PAGE}?patient=P3"))
    assert sentence == "nora exported records, 4 rows Patients P3 and 3 more Filters: Condition"
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
    page_name = "admin:patients_medicalrecord_export"
    make_access(page=page_name, file_rows=3)
    make_access("P*", page=page_name, file_rows=3, file_patients=["P1", "P2"])
    make_access("P3*", page=page_name, file_rows=3, file_patients=["P3"])
    for query in ("", f"?person={User.objects.get(username='nora').pk}"):
        assert sentences(page(auditor, f"{PAGE}{query}"))[-1] == "nora exported records, 3 rows"
        assert people(page(auditor, f"{PAGE}{query}")).count("nora") == 1


def test_filtered_by_person_it_lists_what_the_person_viewed(auditor: Client) -> None:
    make_access("P1", by="nora")
    make_access(by="nora", page="admin:patients_medicalrecord_export", file_rows=18377, filters=["gender", "condition"])
    make_access("P2", by="vera")
    words = page(auditor, f"{PAGE}?person={User.objects.get(username='nora').pk}")
    assert sentences(words) == [
        "nora exported records, 18,377 rows Filters: Gender, Condition",
        "nora opened the record Patient P1",
    ]


def test_it_can_be_filtered_by_day(auditor: Client) -> None:
    make_access("P1", by="nora", days_ago=1)
    make_access("P1", by="vera")
    day = timezone.localdate() - timedelta(days=1)
    assert people(page(auditor, f"{PAGE}?day={day.isoformat()}")) == ["nora"]


def test_the_next_page_continues_where_the_one_before_ended(auditor: Client) -> None:
    for number in range(PAGE_SIZE + 3):
        make_access(f"P{number}", by=f"p{number % 2}")
        make_access(f"P{number}", by="olga", page=f"reports:{number}")
    first = page(auditor, PAGE)
    older = first.partition("?after=")[2].partition('"')[0]
    assert len(people(first)) == PAGE_SIZE
    rest = page(auditor, f"{PAGE}?after={older}")
    assert sentences(rest)[-1] == "olga reports:0 Patient P0"
    assert len(people(rest)) == 3 + 2 + 2


def test_of_many_patients_only_the_first_ten_are_listed(auditor: Client) -> None:
    make_access(*[f"P{number:02}" for number in range(50)])
    words = page(auditor, PAGE)
    assert "P09 and 40 more" in sentences(words)[0]
    assert "P10" not in words


def test_repetitions_are_one_line_that_shows_each_entry(auditor: Client) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    for minute in range(12):
        make_access(f"P{minute:02}", by="nora", seen_at=hour + timedelta(minutes=minute), filters=["min_age"])
        make_access("P1", by="olga", seen_at=hour + timedelta(minutes=minute, seconds=30), page="changes")
    shown = Page(page(auditor, PAGE))
    olga, nora = [[cell.replace(" ,", ",") for cell in row] for row in shown.rows()]
    assert olga[1].startswith("olga viewed the activity log, 12 times Patient P1 Show each")
    assert nora[1].startswith("nora opened the record, 12 times Patients P11, P10,")
    assert "P02 and 2 more Filters: Age from" in nora[1]
    assert f":00 {timezone.now():%Z} to" in nora[0]
    (link,) = [each for each in shown.addresses("tbody th a") if "group=" in each][1:]
    each = Page.get(auditor, f"{PAGE}{link}").rows()
    assert [row[1] for row in each] == [
        f"nora opened the record Patient P{minute:02} Filters: Age from" for minute in reversed(range(12))
    ]


def test_numbers_and_pages_are_links_for_people_who_may_open_them(sign_in: SignIn) -> None:
    make_access("P1", page="admin:patients_medicalrecord_changelist")
    make_access("P1", page="reports:without-tracker")
    make_access("P1", page="admin:imports_importrun_change", run_id=7)
    seen = Page.get(sign_in(VIEW, "patients.view_medicalrecord", "imports.view_importrun"), PAGE)
    assert "/admin/patients/medicalrecord/P1/change/" in seen.addresses("tbody a")
    assert "/admin/patients/medicalrecord/" in seen.addresses("tbody a")
    assert "/admin/imports/importrun/7/change/" in seen.addresses("tbody a")
    assert "/reports/without-tracker/" not in seen.addresses("tbody a")
    assert "/admin/patients/medicalrecord/P1/change/" not in Page.get(sign_in(VIEW), PAGE).addresses("tbody a")


def test_a_person_is_named_with_the_full_name(auditor: Client) -> None:
    make_access("P1", by="mary")
    User.objects.filter(username="mary").update(first_name="Mary", last_name="Smith")
    assert sentences(page(auditor, PAGE)) == ["Mary Smith (mary) opened the record Patient P1"]


@pytest.mark.parametrize("code", ["x", "1", "1-", "-1", "0-0", f"1-{'9' * 40}", "\0"])
def test_an_invalid_group_has_no_entries(auditor: Client, code: str) -> None:
    make_access("P1")
    assert "No entries match." in page(auditor, f"{PAGE}?{urlencode({'group': code})}")


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
    with django_assert_max_num_queries(9):
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

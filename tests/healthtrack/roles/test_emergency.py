from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthtrack.roles import emergency
from healthtrack.roles.models import EmergencyAccess, EmergencyEnd
from tests.support import factories
from tests.support.page_permissions import assert_page_needs
from tests.support.report_pages import page
from tests.support.role_holders import make_person
from tests.support.signing_in import SignIn

PAGE, END = "/emergency-access/", "/emergency-access/end/"
LIST = "/admin/roles/emergencyaccess/"
RECORDS = "/admin/patients/medicalrecord/"
REASON = "Somebody fainted in the hall"
USE, SEE = "roles.use_emergencyaccess", "roles.view_emergencyaccess"

pytestmark = pytest.mark.django_db


@pytest.fixture
def nurse(sign_in: SignIn) -> Client:
    return sign_in(USE)


def let_pass(hours: float) -> None:
    """Make the emergency accesses begin so many hours earlier."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE emergency_accesses DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE emergency_accesses SET began_at = began_at - interval '1 hour' * %(hours)s,"
            " ends_at = ends_at - interval '1 hour' * %(hours)s",
            {"hours": hours},
        )
        cursor.execute("ALTER TABLE emergency_accesses ENABLE TRIGGER USER")


def test_the_page_needs_the_permission_to_use_it(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, PAGE, USE, others=[SEE, "patients.view_medicalrecord"])


def test_the_permission_alone_gives_no_access(nurse: Client) -> None:
    assert nurse.get(RECORDS).status_code == 403


def test_a_reason_lets_the_person_view_everything(nurse: Client) -> None:
    record = factories.medical_record("P1")
    assert nurse.post(PAGE, {"reason": REASON}).status_code == 302
    for address in (RECORDS, f"{RECORDS}{record.pk}/change/", "/reports/without-tracker/", "/reports/brands/"):
        assert nurse.get(address).status_code == 200


def test_emergency_access_lets_the_person_change_nothing(nurse: Client) -> None:
    record = factories.medical_record("P1")
    nurse.post(PAGE, {"reason": REASON})
    assert nurse.post(f"{RECORDS}{record.pk}/change/", {"name": "Another"}).status_code == 403
    assert nurse.post(f"{RECORDS}{record.pk}/delete/", {"post": "yes"}).status_code == 403
    for address in (f"{RECORDS}add/", f"{RECORDS}import/", f"{RECORDS}export/", "/admin/auth/user/add/"):
        assert nurse.get(address).status_code == 403


@pytest.mark.parametrize(
    "reason",
    [
        *("", "  ", "help", "x" * 501, "a\x07 long enough reason"),
        *("a" * 10, "a a a a a a a a", "aaaa bbbb cccc", "asdfasdfasdf", "asdf asdf asdf asdf", "Asdfgh ASDFGH asdfgh"),
        *("1234567890", "12 34 56 78 90", "..........", "?? !! ?? !! ??", "x1 x2 x3 x4 x5 x6"),
    ],
)
def test_without_a_proper_reason_emergency_access_does_not_start(nurse: Client, reason: str) -> None:
    answer = nurse.post(PAGE, {"reason": reason})
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert not EmergencyAccess.objects.exists()
    assert nurse.get(RECORDS).status_code == 403


@pytest.mark.parametrize(
    "reason", ["Cardiac arrest", "Patient 1017 unconscious", "मरीज बेहोश है, एलर्जी?", "Herzstillstand in OP 3"]
)
def test_a_short_reason_in_any_language_is_enough(nurse: Client, reason: str) -> None:
    assert nurse.post(PAGE, {"reason": reason}).status_code == 302


def test_person_time_address_and_reason_are_recorded(nurse: Client) -> None:
    nurse.post(PAGE, {"reason": REASON})
    access = EmergencyAccess.objects.get()
    assert (access.person.username, access.reason, access.client_address) == ("staff", REASON, "127.0.0.1")
    assert timezone.now() - access.began_at < timedelta(minutes=5)
    assert access.ends_at - access.began_at == timedelta(hours=1)


def test_it_ends_after_an_hour(nurse: Client) -> None:
    nurse.post(PAGE, {"reason": REASON})
    let_pass(0.9)
    assert nurse.get(RECORDS).status_code == 200
    let_pass(0.1)
    assert nurse.get(RECORDS).status_code == 403
    assert "Emergency access until" not in page(nurse, "/")


def test_it_can_be_ended_early(nurse: Client) -> None:
    nurse.post(PAGE, {"reason": REASON})
    assert nurse.post(END).status_code == 302
    assert nurse.get(RECORDS).status_code == 403
    assert EmergencyEnd.objects.count() == 1


def test_starting_it_twice_does_not_extend_it(nurse: Client) -> None:
    nurse.post(PAGE, {"reason": REASON})
    nurse.post(PAGE, {"reason": REASON})
    assert EmergencyAccess.objects.count() == 1


def test_it_ends_when_the_person_loses_the_permission(nurse: Client) -> None:
    nurse.post(PAGE, {"reason": REASON})
    User.objects.get().user_permissions.clear()
    assert nurse.get(RECORDS).status_code == 302  # losing a permission ends the session
    nurse.force_login(User.objects.get())
    assert nurse.get(RECORDS).status_code == 403


def test_it_applies_only_to_that_person(nurse: Client) -> None:
    nurse.post(PAGE, {"reason": REASON})
    other = Client()
    other.force_login(factories.staff(USE, username="other"))
    assert other.get(RECORDS).status_code == 403


def test_the_database_refuses_more_than_an_hour(nurse: Client) -> None:
    now = timezone.now()
    with pytest.raises(DatabaseError, match="an_hour_at_most"), transaction.atomic():
        EmergencyAccess.objects.create(
            person=User.objects.get(), reason=REASON, began_at=now, ends_at=now + timedelta(hours=1, seconds=1)
        )


@pytest.mark.parametrize("table", ["emergency_accesses", "emergency_ends"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET access_id = 7"])
@pytest.mark.parametrize("setting", ["SELECT 1", "SET LOCAL pgtrigger.ignore = '{pgtrigger_append_only_%}'"])
def test_the_record_cannot_be_changed_or_removed(nurse: Client, table: str, statement: str, setting: str) -> None:
    nurse.post(PAGE, {"reason": REASON})
    nurse.post(END)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'pgtrigger_append_only_%'")
        names = ",".join(name for (name,) in cursor.fetchall())
        cursor.execute(setting.replace("pgtrigger_append_only_%", names))
        with pytest.raises(DatabaseError, match="written once"), transaction.atomic():
            cursor.execute(statement.format(table))
    assert EmergencyAccess.objects.count() == EmergencyEnd.objects.count() == 1


def test_superusers_cannot_start_it() -> None:
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    assert "You can already view everything" in page(root, PAGE)
    root.post(PAGE, {"reason": REASON})
    assert not EmergencyAccess.objects.exists()


class TestBanner:
    @pytest.mark.parametrize("address", ["/", RECORDS, "/reports/", PAGE])
    def test_it_is_on_every_page_with_the_time_left_and_a_button(self, nurse: Client, address: str) -> None:
        nurse.post(PAGE, {"reason": REASON})
        words = page(nurse, address)
        assert "Emergency access until" in words
        assert "minutes left)" in words.replace("\xa0", " ")
        assert f'<form method="post" action="{END}">' in words

    def test_it_is_not_shown_without_emergency_access(self, nurse: Client) -> None:
        assert "Emergency access until" not in page(nurse, "/")

    def test_it_needs_no_query_for_people_without_the_permission(
        self, sign_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        client = sign_in("auth.view_user")
        client.get("/roles/")
        with django_assert_max_num_queries(5) as executed:
            client.get("/roles/")
        assert not any("emergency_accesses" in query["sql"] for query in executed.captured_queries)


class TestReview:
    def test_the_list_needs_its_permission(self, sign_in: SignIn) -> None:
        assert_page_needs(sign_in, LIST, SEE, others=["auth.view_user"])

    def test_it_says_who_when_and_why_by_the_name_of_the_time(self, sign_in: SignIn) -> None:
        person = make_person("In an emergency")
        User.objects.filter(pk=person.pk).update(username="innocent")
        words = page(sign_in(SEE), LIST)
        assert all(word in words for word in ("in-an-emergency", REASON, "192.0.2.7", "still running"))

    def test_home_shows_it_for_seven_days(self, sign_in: SignIn) -> None:
        client = sign_in(SEE)
        make_person("In an emergency")
        assert "used once in the last 7 days, most recently by in-an-emergency on" in page(client, "/")
        assert f'href="{LIST}"' in page(client, "/")
        let_pass(24 * 7 + 1)
        assert "Emergency access was used" not in page(client, "/")

    def test_home_does_not_show_it_without_the_permission(self, sign_in: SignIn) -> None:
        make_person("In an emergency")
        assert "Emergency access was used" not in page(sign_in("auth.view_user"), "/")

    def test_the_number_of_queries_does_not_depend_on_the_length_of_the_list(
        self, sign_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        client = sign_in(SEE)
        person = make_person("Emergency access")
        for _ in range(10):
            emergency.begin(person, REASON, "")
        with django_assert_max_num_queries(12):
            client.get(LIST)

"""People whose password or second factor somebody else reset learn it at the next sign-in, and set a new password."""

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from healthtrack.accounts.models import RecoveryCodes, SecurityReset
from tests.support.page import Page
from tests.support.role_holders import make_person
from tests.support.signing_in import PASSWORD, client_for, code, enrol_app

pytestmark = pytest.mark.django_db

USERS, OWN = "/admin/auth/user/", "/admin/password_change/"
GIVEN, NEW = "seven green umbrellas dancing", "nine purple kettles whistling"


@pytest.fixture
def office() -> Client:
    """Return the browser of an administrator."""
    person = make_person("Administrator", "office")
    person.first_name, person.last_name = "Olga", "Office"
    person.save()
    return client_for(person)


def set_password(office: Client, person: User, password: str = GIVEN) -> None:
    form = {"password1": password, "password2": password, "usable_password": "true"}
    assert office.post(f"{USERS}{person.pk}/password/", form).status_code == 302


def signed_in(password: str) -> Client:
    client = Client()
    form = {"username": "keeper", "password": password}
    assert client.post("/admin/login/", form).status_code == 302
    return client


def change(client: Client, old: str, new: str) -> int:
    form = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post(OWN, form).status_code


def warnings(client: Client) -> list[str]:
    return Page.get(client, OWN).texts("li.warning")


def test_after_a_new_password_by_an_administrator_no_page_opens_before_another_one(
    office: Client, keeper: User
) -> None:
    set_password(office, keeper)
    client = signed_in(GIVEN)
    for page in ("/", "/sign-in/", "/sign-in/enrol/", "/admin/patients/medicalrecord/", "/admin/password_change/done/"):
        assert client.get(page)["Location"].startswith(OWN)
    assert client.post("/sign-in/everywhere/")["Location"] == OWN + "?"
    (warning,) = warnings(client)
    assert warning.startswith("Olga Office (office) set your password on ")
    assert change(client, GIVEN, NEW) == 302
    assert client.get("/").status_code == 200
    assert not SecurityReset.objects.exists()
    assert signed_in(NEW).get("/").status_code == 200


def test_the_password_that_the_administrator_knows_is_not_a_new_one(office: Client, keeper: User) -> None:
    set_password(office, keeper)
    client = signed_in(GIVEN)
    assert change(client, GIVEN, GIVEN) == 200
    assert client.get("/")["Location"].startswith(OWN)


def test_it_stays_so_at_each_sign_in_until_the_password_is_set(office: Client, keeper: User) -> None:
    set_password(office, keeper)
    signed_in(GIVEN).post("/admin/logout/")
    assert signed_in(GIVEN).get("/")["Location"].startswith(OWN)


def test_a_reset_second_factor_is_reported_after_another_one_is_set_up(
    office: Client, keeper: User, settings: LazySettings
) -> None:
    enrol_app(keeper)
    RecoveryCodes.renew(keeper)
    office.post(f"{USERS}{keeper.pk}/reset-factor/")
    settings.SECOND_FACTOR = True
    client = signed_in(PASSWORD)
    assert client.get(OWN)["Location"].startswith("/sign-in/enrol/")
    client.get("/sign-in/enrol/")
    assert client.post("/sign-in/enrol/", {"code": code(client.session["enrolling"])}).status_code == 200
    assert client.get("/sign-in/enrol/")["Location"].startswith(OWN)
    (warning,) = warnings(client)
    assert warning.startswith("Olga Office (office) reset your two-factor authentication on ")
    assert change(client, PASSWORD, NEW) == 302
    assert client.get("/sign-in/").status_code == 200


def test_with_an_app_the_code_of_the_sign_in_is_enough(office: Client, keeper: User) -> None:
    device = enrol_app(keeper)
    set_password(office, keeper)
    client = signed_in(GIVEN)
    assert client.get(OWN)["Location"].startswith("/sign-in/code/")
    client.post("/sign-in/code/", {"code": code(device.key)})
    assert change(client, GIVEN, NEW) == 302
    assert client.get("/").status_code == 200


def test_the_person_is_named_as_at_that_time(office: Client, keeper: User) -> None:
    set_password(office, keeper)
    User.objects.filter(username="office").update(username="innocent", first_name="", last_name="")
    assert warnings(signed_in(GIVEN))[0].startswith("office set your password on ")


def test_a_new_account_gets_a_password_of_its_own(office: Client) -> None:
    office.post(f"{USERS}add/", {"username": "keeper"})
    keeper = User.objects.get(username="keeper")
    office.post(f"{USERS}{keeper.pk}/password/", {"password1": GIVEN, "password2": GIVEN})
    assert signed_in(GIVEN).get("/")["Location"].startswith(OWN)


def test_commands_are_named(keeper: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda *_, **__: GIVEN)
    enrol_app(keeper)
    call_command("reset_second_factor", "keeper")
    call_command("changepassword", "keeper")
    first, second = warnings(signed_in(GIVEN))
    assert first.startswith("The command changepassword run by ")
    assert " reset your two-factor authentication on " in second


def test_changes_of_ones_own_need_nothing_more(keeper: User) -> None:
    client = client_for(keeper)
    assert change(client, PASSWORD, NEW) == 302
    enrol_app(keeper)
    client.get("/sign-in/enrol/?next=/")
    TOTPDevice.objects.all().delete()
    assert not SecurityReset.objects.exists()
    assert signed_in(NEW).get("/").status_code == 200


def test_a_way_out_is_open(office: Client, keeper: User) -> None:
    set_password(office, keeper)
    client = signed_in(GIVEN)
    assert client.post("/sign-in/stay/").status_code == 204
    assert client.post("/admin/logout/").status_code == 200

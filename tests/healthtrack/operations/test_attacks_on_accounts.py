"""Attacks on accounts fail against gunicorn in production form, which connects as the application role."""

from collections.abc import Iterator

import pytest

from tests.support.commands import run_script
from tests.support.gunicorn_server import started
from tests.support.serving import Server
from tests.support.signing_in import PASSWORD, code
from tests.support.two_roles import OwnerAndProgram
from tests.support.visitors import CODE, Visitor

KEY = "3132333435363738393031323334353637383930"
OWN_PASSWORD = "/admin/password_change/"
HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"
MAKE_KEEPER = f"""
from django.contrib.auth.models import User
from healthtrack.accounts.models import AuthenticatorApp
keeper = User.objects.create_user("keeper", password={PASSWORD!r}, is_staff=True)
AuthenticatorApp.enrol(keeper, bytes.fromhex({KEY!r}))
"""


@pytest.fixture
def server(as_the_program: dict[str, str]) -> Iterator[Server]:
    """Return a server with the account keeper, who has an authenticator app."""
    run_script(as_the_program, MAKE_KEEPER)
    with started(as_the_program) as server:
        yield server


def test_a_stolen_password_does_not_change_the_password(server: Server, deployed: OwnerAndProgram) -> None:
    database, _ = deployed
    (before,) = database.ask("SELECT password FROM auth_user")
    thief = Visitor(server, HERE)
    assert thief.sign_in("keeper", PASSWORD) == 302
    assert "__Host-known" not in thief.cookies
    new = dict.fromkeys(("new_password1", "new_password2"), "seven green umbrellas dancing")
    for form in (None, {"old_password": PASSWORD, **new}):
        answer = thief.ask(OWN_PASSWORD, form)
        assert answer.status == 302
        assert answer.headers["Location"].startswith(CODE)
    assert thief.ask(CODE, {"code": "000000"}).status == 200
    assert "__Host-known" not in thief.cookies
    assert database.ask("SELECT password FROM auth_user") == [before]


def test_a_copy_of_the_database_has_no_key_of_an_app(server: Server, deployed: OwnerAndProgram) -> None:
    database, _ = deployed
    owner = Visitor(server, HERE)
    assert owner.sign_in("keeper", PASSWORD) == 302
    assert owner.ask(CODE, {"code": code(KEY)}).status == 302
    rows = database.ask("SELECT app::text FROM otp_totp_totpdevice AS app")
    assert len(rows) == 1
    assert KEY not in str(rows)


def test_lock_outs_cannot_be_evaded_and_do_not_hit_a_known_browser(server: Server) -> None:
    owner = Visitor(server, HERE)
    assert owner.sign_in("keeper", PASSWORD) == 302
    assert owner.ask(CODE, {"code": code(KEY)}).status == 302
    assert "__Host-known" in owner.cookies
    owner.ask("/admin/logout/", {"unused": ""})
    stranger = Visitor(server, HERE)
    for spelling in (" keeper", "\uff4beeper", "keeper\u00a0", "\u2003keeper", "keeper"):
        answer = stranger.sign_in(spelling, "guess")
    assert answer == 429
    assert Visitor(server, f"::ffff:{HERE}").sign_in("\uff4beeper ", PASSWORD) == 429
    assert Visitor(server, f"::ffff:{ELSEWHERE}").sign_in("keeper", PASSWORD) == 302
    assert Visitor(server, "fe80::1%eth0").sign_in("keeper", PASSWORD) == 302
    assert owner.sign_in("keeper", PASSWORD) == 302

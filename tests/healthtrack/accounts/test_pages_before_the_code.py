"""Somebody who has given the password, but not yet the code of their app, opens no page."""

import pytest
from django.contrib.auth.models import User

from healthtrack.accounts.middleware import PUBLIC_PAGES
from tests.support.databases import rolled_back
from tests.support.every_address import METHODS, addresses, ask, client_with, each_address, lets_in, session_of
from tests.support.signing_in import enrol_app

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("second_factor_needed")]

OPEN_WITHOUT_CODE = PUBLIC_PAGES | {
    *("admin:logout", "help", "sign-in:enrol", "sign-in:code"),
}


@each_address
def test_no_page_opens_before_the_code_is_given(name: str, administrator: User) -> None:
    enrol_app(administrator)
    session = session_of(administrator)
    where, *_ = addresses(name)
    for method in METHODS:
        with rolled_back():  # as one of the pages signs out
            answer = ask(client_with(session), method, where)
        assert not lets_in(answer) or name in OPEN_WITHOUT_CODE, f"{method} {where}"

"""Every address answers every method and any input without a server error, and lets in only people with the permission.

The addresses come from the URL resolver, so that a new one is tested without being listed here.
"""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User

from tests.support import factories
from tests.support.databases import rolled_back
from tests.support.every_address import (
    METHODS,
    addresses,
    ask,
    client_of,
    client_with,
    each_address,
    lets_in,
    session_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("administrator")]

READ = ("q", "found", "p", "o", "e", "page", "format", "as_of", "name", "run", "column", "next", "of")
ODD_PARAMETERS: list[dict[str, str]] = [
    *(dict.fromkeys(READ, value) for value in ("\0", "x" * 2000, "9" * 40, "-1", "1.5", "'\"<b>", "2024-02-30", "٣")),
    {"_popup": "1", "_to_field": "x"},
    {"_to_field": "password"},
    {"_changelist_filters": "\0"},
    {
        "gender": "X",
        "min_age": "9" * 40,
        "max_age": "-1",
        "duplicates": "maybe",
        "tracker_model": "9" * 40,
        "linked": "x",
    },
    {"appointment_after": "0000-00-00", "appointment_before": "9999-12-31", "medication": "\0", "brand": "%"},
    {"app_label": "x", "model_name": "y", "field_name": "z", "term": "\0"},
    {"app_label": "patients", "model_name": "medicalrecordtracker", "field_name": "model", "term": "\0", "page": "x"},
    {"password__startswith": "a", "user__password": "a"},
]
ODD_FORMS: list[dict[str, Any]] = [
    {},
    {"action": "delete_selected", "_selected_action": ["\0", "9" * 40], "index": "x", "select_across": "1"},
    {"_save": "1", "name": "\0", "patient_id": "x" * 300, "date_of_birth": "x", "form-TOTAL_FORMS": "9" * 40},
    {"form-TOTAL_FORMS": "x", "tracker_links-TOTAL_FORMS": "-1", "tracker_links-INITIAL_FORMS": "9" * 9},
    {"import_file": "x", "format": "99", "resource": "99", "run": "\0", "model": "9" * 40, "undo": "x", "of": "//x"},
    {"q": "\0", "found": "x", "gender": "9" * 40},
]
# Addresses that anybody may open. All others redirect to the sign-in, or refuse.
PUBLIC = {
    *("admin:login", "admin:logout", "sign-in:link"),
    *("help", "help-tour", "help-skip-tour", "healthz", "metrics", "policy-report"),
}
# Addresses that every signed-in person may open: pages without patients.
FOR_STAFF = PUBLIC | {
    *(
        "home",
        "search",
        "search-suggestions",
        "admin:index",
        "admin:jsi18n",
        "admin:password_change",
        "admin:password_change_done",
    ),
    *("sign-in:own", "sign-in:code", "sign-in:enrol", "sign-in:preferences"),
    "roles",
}


@pytest.mark.usefixtures("refusals_without_pages")
@each_address
def test_nobody_gets_in_without_signing_in(name: str) -> None:
    stranger = client_of(None)
    url, *_ = addresses(name)
    for method in METHODS:
        assert not lets_in(ask(stranger, method, url)) or name in PUBLIC, f"{method} {url}"


@pytest.fixture(scope="module")
def nobodys_session(administrator: User, no_session_timeout: None) -> str:
    """Sign in a person without any permission; return the session."""
    return session_of(factories.staff())


@pytest.mark.usefixtures("refusals_without_pages")
@each_address
def test_staff_without_a_permission_see_no_patient(name: str, nobodys_session: str) -> None:
    url, *_ = addresses(name)
    for method in METHODS:
        with rolled_back():  # as one of the pages signs out
            answer = ask(client_with(nobodys_session), method, url)
        assert not lets_in(answer) or name in FOR_STAFF, f"{method} {url}"


@each_address
def test_any_input_gets_a_response(name: str, administrator: User) -> None:
    client = client_of(administrator)
    first, *others = addresses(name)
    separator = "&" if "?" in first else "?"
    for method in METHODS:
        ask(client, method, first)
    for odd in ODD_PARAMETERS:
        ask(client, "get", f"{first}{separator}{urlencode(odd)}")
    for form in ODD_FORMS:
        ask(client, "post", first, form)
    for url in others:
        ask(client, "get", url)
        ask(client, "post", url)

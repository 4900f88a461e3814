"""The check of a page's permissions that every page shares."""

from collections.abc import Sequence

from django.test import Client

from healthtrack.roles.table import TOTALS
from tests.support.signing_in import SignIn

REPORT_PERMISSIONS = (*TOTALS.permissions, "reports.view_without_tracker")


def assert_page_needs(sign_in: SignIn, address: str, *permissions: str, others: Sequence[str] = ()) -> None:
    """Assert that the page opens for staff with these permissions only, and that others are refused or have to sign in.

    `others` are permissions that must not be enough.
    """
    anonymous = Client().get(address)
    assert anonymous.status_code == 302
    assert "/login/" in anonymous["Location"]
    assert Client().get(address, follow=True).status_code == 200
    assert sign_in(*others).get(address).status_code == 403
    assert sign_in(*permissions).get(address).status_code == 200

from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.support.page_permissions import REPORT_PERMISSIONS, assert_page_needs
from tests.support.report_pages import page
from tests.support.signing_in import SignIn

PAGE = "/reports/"
EVERY_PAGE = [
    PAGE,
    "/reports/age-groups/",
    "/reports/without-tracker/",
    "/reports/brands/",
    "/reports/conditions/",
    "/reports/data-quality/",
]


@pytest.mark.parametrize("permission", REPORT_PERMISSIONS)
def test_needs_the_permission_for_any_report(sign_in: SignIn, permission: str) -> None:
    assert_page_needs(sign_in, PAGE, permission, others=["patients.view_medicalrecord"])


def test_lists_the_reports_that_the_person_may_open(sign_in: SignIn) -> None:
    words = page(sign_in("reports.view_age_groups", "reports.view_brands"), PAGE)
    assert "/reports/age-groups/" in words
    assert "/reports/brands/" in words
    assert "/reports/without-tracker/" not in words


@pytest.mark.parametrize("address", EVERY_PAGE)
def test_anonymous_people_return_to_the_page_after_signing_in(db: None, address: str) -> None:
    assert Client().get(address)["Location"] == f"/admin/login/?next={address}"


@pytest.mark.parametrize("address", EVERY_PAGE)
def test_people_who_are_no_longer_staff_are_refused(sign_in: SignIn, address: str) -> None:
    client = sign_in(*REPORT_PERMISSIONS)
    User.objects.update(is_staff=False)
    assert client.get(address)["Location"] == f"/admin/login/?next={quote(address, safe='')}&ended=over"


@pytest.mark.parametrize("address", EVERY_PAGE)
def test_a_deactivated_account_is_signed_out(sign_in: SignIn, address: str) -> None:
    client = sign_in(*REPORT_PERMISSIONS)
    User.objects.update(is_active=False)
    assert client.get(address).status_code == 302


@pytest.mark.parametrize("address", EVERY_PAGE)
@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_pages_accept_no_other_methods(sign_in: SignIn, address: str, method: str) -> None:
    response = getattr(sign_in(*REPORT_PERMISSIONS), method)(address)
    assert response.status_code == 405
    assert set(response["Allow"].split(", ")) <= {"GET", "HEAD", "POST"}


@pytest.mark.parametrize("address", [page for page in EVERY_PAGE if page != "/reports/without-tracker/"])
def test_only_the_search_for_patients_accepts_post(sign_in: SignIn, address: str) -> None:
    assert sign_in(*REPORT_PERMISSIONS).post(address).status_code == 405


@pytest.mark.parametrize("address", EVERY_PAGE)
def test_pages_answer_head_requests(sign_in: SignIn, address: str) -> None:
    response = sign_in(*REPORT_PERMISSIONS).head(address)
    assert response.status_code == 200
    assert response.content == b""


@pytest.mark.parametrize("address", EVERY_PAGE)
def test_pages_have_the_frame_of_the_admin(sign_in: SignIn, address: str) -> None:
    words = page(sign_in(*REPORT_PERMISSIONS), address)
    assert 'id="user-tools"' in words
    assert 'aria-current="page"' in words
    assert " style=" not in words
    assert "<style" not in words


@pytest.mark.parametrize("address", EVERY_PAGE[1:])
def test_an_unknown_format_is_an_error(sign_in: SignIn, address: str) -> None:
    words = page(sign_in(*REPORT_PERMISSIONS), f"{address}?format=pdf", status=400)
    assert "“pdf” is not a valid value for “format”. Use csv or xlsx or svg or png." in words
    assert 'id="user-tools"' in words
    assert f'href="{address}"' in words

from ipaddress import ip_network

import pytest
from django.conf import LazySettings
from django.test import Client, RequestFactory

from healthtrack.audit.access_log import Access
from healthtrack.core.client_address import client_address
from tests.support import factories

PROXY, OUTSIDE = "10.0.0.1", "203.0.113.7"


@pytest.fixture(autouse=True)
def proxies(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/30"), ip_network("::1")]


def address(peer: str, forwarded: str | None = None) -> str:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return client_address(RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer))


def test_without_a_proxy_the_client_is_the_peer() -> None:
    assert address(OUTSIDE) == OUTSIDE
    assert address(PROXY) == PROXY


def test_the_header_of_an_untrusted_peer_is_ignored() -> None:
    assert address(OUTSIDE, "127.0.0.1") == OUTSIDE


@pytest.mark.parametrize(
    "forwarded", [OUTSIDE, f"127.0.0.1, {OUTSIDE}", f"127.0.0.1,{OUTSIDE},10.0.0.2", f"{OUTSIDE} , ::1"]
)
def test_behind_trusted_proxies_the_client_is_the_nearest_other_address(forwarded: str) -> None:
    assert address(PROXY, forwarded) == OUTSIDE


@pytest.mark.parametrize("forwarded", ["", "unknown", "<script>", f"{OUTSIDE}, unknown"])
def test_invalid_addresses_are_ignored(forwarded: str) -> None:
    assert address(PROXY, forwarded) == PROXY


@pytest.mark.parametrize("mapped", ["::ffff:{}", "::FFFF:{}", "0:0:0:0:0:ffff:{}"])
def test_an_ipv4_address_in_the_form_of_ipv6_is_that_ipv4_address(mapped: str) -> None:
    assert address(mapped.format(OUTSIDE)) == OUTSIDE
    assert address(mapped.format(PROXY), OUTSIDE) == OUTSIDE
    assert address(PROXY, mapped.format(OUTSIDE)) == OUTSIDE


def test_a_scope_is_removed_from_an_address() -> None:
    assert address("fe80::1%eth0") == "fe80::1"
    assert address(PROXY, "fe80::1%eth0") == "fe80::1"
    assert address(PROXY, f"{OUTSIDE}%eth0") == PROXY


@pytest.mark.parametrize("peer", ["", "unknown", "@"])
def test_a_peer_without_an_address_has_none(peer: str) -> None:
    assert address(peer, OUTSIDE) == ""


@pytest.mark.django_db
@pytest.mark.parametrize("claim", ["fe80::1%eth0", "::ffff:203.0.113.7%x", "fe80::1%<b>", "::%0"])
def test_a_page_is_answered_and_recorded_whatever_scope_the_header_names(claim: str) -> None:
    client = Client(REMOTE_ADDR=PROXY, headers={"X-Forwarded-For": claim})
    client.force_login(factories.staff("patients.view_medicalrecord"))
    factories.medical_record("P1")
    assert client.get("/admin/patients/medicalrecord/").status_code == 200
    assert "%" not in str(Access.objects.get().client_address)
    client.logout()
    assert (
        client.post("/admin/login/", {"username": "staff", "password": factories.DEFAULT_PASSWORD}).status_code == 302
    )

"""Sign-ins and wrong passwords, from several addresses and browsers."""

from typing import Any

from django.test import Client

from tests.support.signing_in import PASSWORD

LOGIN = "/admin/login/"
HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"


def attempt(password: str, address: str = HERE, username: str = "keeper", **headers: str) -> Any:
    form = {"username": username, "password": password}
    return Client(REMOTE_ADDR=address, headers=headers).post(LOGIN, form)


def guess(times: int, address: str = HERE, username: str = "keeper", **headers: str) -> Any:
    *_, answer = [attempt(f"guess {number}", address, username, **headers) for number in range(times)]
    return answer


def gets_in(address: str = HERE, username: str = "keeper") -> bool:
    return bool(attempt(PASSWORD, address, username).status_code == 302)


def known_browser(address: str = ELSEWHERE) -> Client:
    """Return a browser in which the keeper has signed in and out before."""
    client = Client(REMOTE_ADDR=address)
    assert signs_in(client)
    client.post("/admin/logout/")
    return client


def signs_in(client: Client, password: str = PASSWORD) -> bool:
    return client.post(LOGIN, {"username": "keeper", "password": password}).status_code == 302

from typing import Any

from tests.support.signing_in import SignIn


def asked_for(sign_in: SignIn, **headers: str) -> Any:
    return sign_in("patients.view_medicalrecord").get("/admin/patients/medicalrecord/", headers=headers)


def test_a_page_is_compressed_for_browsers_that_take_that(sign_in: SignIn) -> None:
    assert asked_for(sign_in, accept_encoding="gzip")["Content-Encoding"] == "gzip"


def test_a_page_is_plain_for_those_that_do_not(sign_in: SignIn) -> None:
    assert "Content-Encoding" not in asked_for(sign_in)

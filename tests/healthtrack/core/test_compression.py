from typing import Any

from tests.support.signing_in import SignIn


def get_list(sign_in: SignIn, **headers: str) -> Any:
    return sign_in("patients.view_medicalrecord").get("/admin/patients/medicalrecord/", headers=headers)


def test_a_page_is_compressed_for_browsers_that_accept_it(sign_in: SignIn) -> None:
    assert get_list(sign_in, accept_encoding="gzip")["Content-Encoding"] == "gzip"


def test_a_page_is_not_compressed_for_other_browsers(sign_in: SignIn) -> None:
    assert "Content-Encoding" not in get_list(sign_in)

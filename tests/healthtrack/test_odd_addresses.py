"""Addresses and forms that nobody would write by hand: each gets an answer, and never a server error."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from tests.support import factories
from tests.support.signing_in import SignIn

VARIANT = "/admin/trackers/fitnesstracker/"
ALL = [
    f"{app}.{action}_{model}"
    for app, model in (("trackers", "trackermodel"), ("trackers", "fitnesstracker"), ("patients", "medicalrecord"))
    for action in ("view", "add", "change", "delete")
]


@pytest.fixture
def keeper(sign_in: SignIn) -> Client:
    return sign_in(*ALL)


@pytest.mark.parametrize("model", ["trackers/trackermodel", "trackers/fitnesstracker", "patients/medicalrecord"])
@pytest.mark.parametrize("selected", ["", "x", "1.5", "\x00", "9" * 30])
@pytest.mark.parametrize("post", ["", "yes"])
def test_a_selection_that_cannot_be_gets_a_sentence(keeper: Client, model: str, selected: str, post: str) -> None:
    chosen = {"action": "delete_selected", "_selected_action": selected, "post": post}
    assert keeper.post(f"/admin/{model}/", chosen, follow=True).status_code == 200


@pytest.mark.parametrize("value", ["x", "\x00", "1e400", "1.5", "NaN", "9" * 30, "-1", "٣"])
def test_a_model_that_cannot_be_is_not_chosen(keeper: Client, value: str) -> None:
    factories.medical_record()
    assert keeper.get(f"{VARIANT}add/", {"model": value}).status_code == 200
    assert keeper.post(f"{VARIANT}add/", {"model": value}).status_code == 200
    form = {
        "name": "Ada Byron",
        "date_of_birth": "1980-05-17",
        "gender": "F",
        "tracker_links-TOTAL_FORMS": "1",
        "tracker_links-INITIAL_FORMS": "0",
        "tracker_links-0-model": value,
    }
    answer = keeper.post("/admin/patients/medicalrecord/P1/change/", form)
    assert "errorlist" in answer.content.decode()


def test_no_address_leads_to_an_object_elsewhere(keeper: Client) -> None:
    for kind in ContentType.objects.all():
        assert keeper.get(f"/admin/r/{kind.pk}/1/").status_code == 404


@pytest.mark.parametrize("path", ["/static/../manage.py", "/static//etc/passwd", "/static/%2e%2e/manage.py"])
def test_no_file_outside_the_static_ones_is_served(path: str) -> None:
    assert Client().get(path).status_code == 404

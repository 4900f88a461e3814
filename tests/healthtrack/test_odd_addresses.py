"""Odd addresses and forms never cause a server error."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from tests.support import factories
from tests.support.signing_in import AsRole

VARIANT = "/admin/trackers/fitnesstracker/"
ALL = [
    f"{app}.{action}_{model}"
    for app, model in (("trackers", "trackermodel"), ("trackers", "fitnesstracker"), ("patients", "medicalrecord"))
    for action in ("view", "add", "change", "delete")
]


@pytest.fixture
def administrator(as_role: AsRole) -> Client:
    return as_role("Administrator")


@pytest.mark.parametrize("model", ["trackers/trackermodel", "trackers/fitnesstracker", "patients/medicalrecord"])
@pytest.mark.parametrize("selected", ["", "x", "1.5", "\x00", "9" * 30])
@pytest.mark.parametrize("post", ["", "yes"])
def test_an_impossible_selection_shows_a_message(administrator: Client, model: str, selected: str, post: str) -> None:
    form = {"action": "delete_selected", "_selected_action": selected, "post": post}
    assert administrator.post(f"/admin/{model}/", form, follow=True).status_code == 200


@pytest.mark.parametrize("value", ["x", "\x00", "1e400", "1.5", "NaN", "9" * 30, "-1", "٣"])
def test_an_impossible_model_is_not_accepted(administrator: Client, value: str) -> None:
    factories.medical_record()
    assert administrator.get(f"{VARIANT}add/", {"model": value}).status_code == 200
    assert administrator.post(f"{VARIANT}add/", {"model": value}).status_code == 200
    form = {
        "name": "Ada Byron",
        "date_of_birth": "1980-05-17",
        "gender": "F",
        "tracker_links-TOTAL_FORMS": "1",
        "tracker_links-INITIAL_FORMS": "0",
        "tracker_links-0-model": value,
    }
    answer = administrator.post("/admin/patients/medicalrecord/P1/change/", form)
    assert "errorlist" in answer.content.decode()


def test_view_on_site_does_not_exist(administrator: Client) -> None:
    for kind in ContentType.objects.all():
        assert administrator.get(f"/admin/r/{kind.pk}/1/").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../manage.py", "/static//etc/passwd", "/static/%2e%2e/manage.py"),
        *("/static/", "/static/admin/", "/static/admin/css/", "/.git/HEAD", "/static/../.git/HEAD", "/uploads/"),
    ],
)
def test_only_static_files_are_served(path: str) -> None:
    assert Client().get(path).status_code == 404

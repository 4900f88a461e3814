import pytest
from django.apps import apps
from django.core.checks import run_checks

from healthtrack.roles.checks import check_place_among_apps


def test_the_roles_are_the_last_app_with_models() -> None:
    assert not [message for message in run_checks() if message.id == "roles.E001"]


def test_an_app_with_models_after_the_roles_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = apps.app_configs
    monkeypatch.setattr(apps, "app_configs", {"roles": installed["roles"], **installed})
    (message,) = check_place_among_apps()
    assert message.id == "roles.E001"

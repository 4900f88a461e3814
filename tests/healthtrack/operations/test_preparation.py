"""What a start creates in the data folder."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from healthtrack.operations.preparation import prepare_data_folder


@pytest.fixture
def folder(settings: LazySettings, tmp_path: Path) -> Path:
    return use_folder(settings, tmp_path / "outer" / "data")


def use_folder(settings: LazySettings, folder: Path) -> Path:
    settings.HEALTHTRACK_DATA_DIR = folder
    settings.STATIC_ROOT = folder / "static"
    settings.SECRET_KEY_FILE = folder / "secret_key"
    settings.TOTP_KEY_FILE = folder / "totp_key"
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, secret_key="", totp_keys=())
    return folder


def test_other_users_can_pass_through_the_data_folder_but_not_list_or_write_it(folder: Path) -> None:
    prepare_data_folder()
    assert folder.stat().st_mode & 0o777 == 0o711


def test_the_permissions_of_an_existing_data_folder_are_unchanged(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    prepare_data_folder()
    assert folder.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("place", ["/dev/null/data", "/dev/null"])
def test_a_data_folder_that_cannot_be_created_is_named(place: str, settings: LazySettings) -> None:
    use_folder(settings, Path(place))
    with pytest.raises(ImproperlyConfigured, match=f"{place} is not writable.* HEALTHTRACK_DATA_DIR"):
        prepare_data_folder()


def test_a_data_folder_without_write_permission_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ImproperlyConfigured, match="is not writable"):
        prepare_data_folder()


@pytest.mark.parametrize("name", ["secret_key", "totp_key"])
def test_a_key_is_created_once_and_only_its_owner_can_read_it(folder: Path, name: str) -> None:
    prepare_data_folder()
    key = (folder / name).read_text()
    assert len(key) >= 50
    assert (folder / name).stat().st_mode & 0o777 == 0o600
    prepare_data_folder()
    assert (folder / name).read_text() == key


def test_keys_of_the_environment_are_not_written_to_files(folder: Path, settings: LazySettings) -> None:
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, secret_key="given", totp_keys=("5e" * 32,))
    prepare_data_folder()
    assert [file.name for file in folder.iterdir()] == ["static"]


@pytest.mark.django_db
def test_a_start_in_production_creates_no_account(folder: Path) -> None:
    call_command("prepare")
    assert not User.objects.exists()

"""Exactly one app follows the changes of tracker models, wherever a model is saved."""

from io import StringIO
from pathlib import Path

import pytest
from django.core import serializers
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from tests.support import factories
from tests.support.tracker_links import links
from trackers import model_hooks
from trackers.models import TrackerAlias, TrackerModel


def test_a_second_follower_is_rejected() -> None:
    with pytest.raises(ImproperlyConfigured, match="already follows"):
        model_hooks.register(model_hooks.follower())


def test_a_missing_follower_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_hooks, "_followers", [])
    with pytest.raises(ImproperlyConfigured, match="No app follows"):
        model_hooks.follower()


@pytest.mark.django_db
def test_a_model_saved_by_code_is_linked_to_the_patients_who_report_it() -> None:
    factories.medical_record("P1", tracker="Bip U")
    TrackerModel.objects.create(brand_name="Amazfit", model_name="Bip U", device_type="Smartwatch")
    assert links() == {"P1": {"Amazfit Bip U"}}


@pytest.mark.django_db
def test_a_model_loaded_from_a_fixture_is_linked_to_the_patients_who_report_it(tmp_path: Path) -> None:
    factories.medical_record("P1", tracker="Bip U")
    model = TrackerModel(1, brand_name="Amazfit", model_name="Bip U", device_type="Smartwatch", made_by_run=None)
    fixture = tmp_path / "models.json"
    fixture.write_text(serializers.serialize("json", [model]))
    call_command("loaddata", fixture, stdout=StringIO())
    assert links() == {"P1": {"Amazfit Bip U"}}


@pytest.mark.django_db
def test_deleting_a_queryset_of_resolved_names_relinks_their_patients() -> None:
    bip = TrackerModel.objects.create(brand_name="Amazfit", model_name="Bip U", device_type="Smartwatch")
    factories.medical_record("P1", tracker="My Bip")
    TrackerAlias.objects.create(name="my bip", model=bip)
    assert links() == {"P1": {"Amazfit Bip U"}}
    TrackerAlias.objects.all().delete()
    assert links() == {"P1": set()}

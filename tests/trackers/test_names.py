"""The models that a name stands for, and those of names like it."""

import pytest

from tests.support import factories
from trackers.names import find_models_by_name, find_similar_models

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def catalogue() -> None:
    for brand, name in (("Xiaomi", "Band 2"), ("Huawei", "Band 2"), ("Xiaomi", "Band 3"), ("huami", "Amazfit Bip U")):
        factories.tracker_model(brand, name)


def named(name: str) -> list[str]:
    return list(map(str, find_models_by_name([name])[name]))


def like(name: str) -> list[str]:
    return list(map(str, find_similar_models([name])[name]))


@pytest.mark.parametrize(
    ("name", "models"),
    [
        ("BAND 2", ["Huawei Band 2", "Xiaomi Band 2"]),
        ("xiaomi band 2", ["Xiaomi Band 2"]),
        ("Band", []),
        ("", []),
    ],
)
def test_a_name_stands_for_the_models_that_are_called_so(name: str, models: list[str]) -> None:
    assert named(name) == models


def test_a_settled_name_stands_for_the_model_chosen_alone() -> None:
    [bip] = find_models_by_name(["Amazfit Bip U"])["Amazfit Bip U"]
    factories.tracker_alias("Band 2", bip)
    assert named("band 2") == ["huami Amazfit Bip U"]
    assert named("Xiaomi Band 2") == ["Xiaomi Band 2"]


@pytest.mark.parametrize(
    ("name", "models"),
    [
        ("Xiomi Band2", ["Xiaomi Band 2", "Xiaomi Band 3"]),
        ("AMAZFIT BIPU", ["huami Amazfit Bip U"]),
        ("Garmin Fenix", []),
        ("%", []),
    ],
)
def test_the_likest_names_come_first_and_unlike_ones_not_at_all(name: str, models: list[str]) -> None:
    assert like(name) == models


def test_a_model_is_suggested_once_though_both_of_its_names_are_like() -> None:
    assert like("xiaomi band 2")[0] == "Xiaomi Band 2"
    assert len(set(like("xiaomi band 2"))) == len(like("xiaomi band 2")) == 3

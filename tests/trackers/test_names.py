"""The models of a name, and those with similar names."""

import pytest

from tests.support import factories
from trackers.names import find_models_by_name, find_similar_models

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def catalogue() -> None:
    for brand, name in (("Xiaomi", "Band 2"), ("Huawei", "Band 2"), ("Xiaomi", "Band 3"), ("huami", "Amazfit Bip U")):
        factories.tracker_model(brand, name)


def find(name: str) -> list[str]:
    return list(map(str, find_models_by_name([name])[name]))


def find_similar(name: str) -> list[str]:
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
def test_a_name_finds_the_models_of_that_name(name: str, models: list[str]) -> None:
    assert find(name) == models


def test_a_resolved_name_finds_only_the_chosen_model() -> None:
    [bip] = find_models_by_name(["Amazfit Bip U"])["Amazfit Bip U"]
    factories.tracker_alias("Band 2", bip)
    assert find("band 2") == ["huami Amazfit Bip U"]
    assert find("Xiaomi Band 2") == ["Xiaomi Band 2"]


@pytest.mark.parametrize(
    ("name", "models"),
    [
        ("Xiomi Band2", ["Xiaomi Band 2", "Xiaomi Band 3"]),
        ("AMAZFIT BIPU", ["huami Amazfit Bip U"]),
        ("Garmin Fenix", []),
        ("%", []),
    ],
)
def test_similar_names_come_first_and_others_are_left_out(name: str, models: list[str]) -> None:
    assert find_similar(name) == models


def test_a_model_is_suggested_once_even_if_both_of_its_names_are_similar() -> None:
    assert find_similar("xiaomi band 2")[0] == "Xiaomi Band 2"
    assert len(set(find_similar("xiaomi band 2"))) == len(find_similar("xiaomi band 2")) == 3

"""Tracker models and their variants: values that no client can store, and the error messages for them."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from tests.support import factories
from tests.support.plain_sql import execute, get_database_error
from trackers.models import FitnessTracker, TrackerAlias, TrackerModel

pytestmark = pytest.mark.django_db

BLANKS = ["''", "' '", "' padded'", "'padded '"]
DUPLICATE_MODEL = """
    INSERT INTO tracker_models (brand_name, model_name, device_type)
    SELECT upper(brand_name), lower(model_name), upper(device_type) FROM tracker_models
"""
DUPLICATE_VARIANT = """
    INSERT INTO fitness_trackers (
        model_id, color, display, strap_material, selling_price, original_price, average_battery_life_days)
    SELECT model_id, upper(color), lower(display), upper(strap_material), 1, 1, 1 FROM fitness_trackers
"""


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("column", ["brand_name", "model_name", "device_type"])
def test_a_models_names_are_neither_blank_nor_padded(column: str, blank: str) -> None:
    factories.tracker_model()
    error = get_database_error(f"UPDATE tracker_models SET {column} = {blank}")
    assert error.constraint_name == f"tracker_models_{column}_not_blank"


def test_a_model_is_unique_in_any_letter_case() -> None:
    factories.tracker_model()
    assert get_database_error(DUPLICATE_MODEL).constraint_name == "tracker_models_unique"


@pytest.mark.parametrize("other", [{"brand_name": "Huawei"}, {"model_name": "Band 3"}, {"device_type": "Smartwatch"}])
def test_models_may_differ_in_brand_or_name_or_device_type_alone(other: dict[str, str]) -> None:
    factories.tracker_model()
    factories.tracker_model(**other)
    assert TrackerModel.objects.count() == 2


@pytest.mark.parametrize(
    ("assignment", "constraint"),
    [
        ("rating = 5.1", "rating_0_to_5"),
        ("rating = -0.1", "rating_0_to_5"),
        ("selling_price = original_price + 1", "price_not_raised"),
        ("selling_price = -1", "selling_price_check"),
        ("selling_price = -2, original_price = -1", "original_price_check"),
        ("average_battery_life_days = -1", "average_battery_life_days_check"),
        ("reviews = -1", "reviews_check"),
    ],
)
def test_invalid_numbers_are_rejected(assignment: str, constraint: str) -> None:
    factories.variant(factories.tracker_model())
    error = get_database_error(f"UPDATE fitness_trackers SET {assignment}")
    assert error.constraint_name == f"fitness_trackers_{constraint}"


@pytest.mark.parametrize(
    "assignment",
    [
        "rating = 0",
        "rating = 5",
        "rating = NULL",
        "reviews = NULL",
        "selling_price = 0",
        "selling_price = original_price",
    ],
)
def test_numbers_at_the_limits_are_accepted(assignment: str) -> None:
    factories.variant(factories.tracker_model())
    execute(f"UPDATE fitness_trackers SET {assignment}")


@pytest.mark.parametrize("attributes", [{}, {"color": "", "display": "", "strap_material": ""}, {"display": "AMOLED"}])
def test_a_variant_is_unique_in_any_letter_case(attributes: dict[str, str]) -> None:
    factories.variant(factories.tracker_model(), **attributes)
    assert get_database_error(DUPLICATE_VARIANT).constraint_name == "fitness_trackers_unique"


@pytest.mark.parametrize("other", [{"color": "Red"}, {"display": "AMOLED"}, {"strap_material": "Leather"}])
def test_variants_may_differ_in_color_or_display_or_strap_alone(other: dict[str, str]) -> None:
    model = factories.tracker_model()
    factories.variant(model)
    factories.variant(model, **other)
    assert model.variants.count() == 2


def test_a_variant_needs_an_existing_model() -> None:
    factories.variant(factories.tracker_model())
    for statement in ("UPDATE fitness_trackers SET model_id = -1", "DELETE FROM tracker_models"):
        assert (
            get_database_error(statement).constraint_name
            == "fitness_trackers_model_id_092c55db_fk_tracker_models_model_id"
        )


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"selling_price": 3000}, "The selling price is higher than the original price."),
        ({"rating": Decimal("5.1")}, "Ensure this value is less than or equal to 5."),
        ({"color": "BLACK"}, "This model already has a variant with this color, display and strap."),
    ],
)
def test_an_invalid_variant_is_rejected_with_an_error(values: dict[str, Any], sentence: str) -> None:
    existing = factories.variant(factories.tracker_model())
    defaults = {"color": "Red", "selling_price": 2499, "original_price": 2999, "average_battery_life_days": 14}
    with pytest.raises(ValidationError) as rejected:
        FitnessTracker(model=existing.model, **{**defaults, **values}).full_clean()
    assert sentence in rejected.value.messages


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("band 2", "This brand already has a model with this name and device type."),
        (" Band 3", "Enter the model name, without blanks around it."),
    ],
)
def test_an_invalid_model_is_rejected_with_an_error(name: str, sentence: str) -> None:
    factories.tracker_model()
    with pytest.raises(ValidationError) as rejected:
        TrackerModel(brand_name="XIAOMI", model_name=name, device_type="fitnessband").full_clean()
    assert rejected.value.messages == [sentence]


def test_a_model_is_shown_by_brand_and_name_and_a_variant_with_its_attributes() -> None:
    model = factories.tracker_model()
    assert str(model) == "Xiaomi Band 2"
    assert str(FitnessTracker(model=model, color="Black", strap_material="Leather")) == "Xiaomi Band 2: Black, Leather"
    assert str(FitnessTracker(model=model)) == "Xiaomi Band 2"


@pytest.mark.parametrize("blank", BLANKS)
def test_a_resolved_name_is_neither_blank_nor_padded(blank: str) -> None:
    model = factories.tracker_model()
    error = get_database_error(f"INSERT INTO tracker_aliases (name, model_id) VALUES ({blank}, {model.pk})")
    assert error.constraint_name == "tracker_aliases_name_not_blank"


def test_a_name_is_resolved_once_in_any_letter_case() -> None:
    alias = factories.tracker_alias("Band 2", factories.tracker_model())
    error = get_database_error(
        "INSERT INTO tracker_aliases (name, model_id) SELECT upper(name), model_id FROM tracker_aliases"
    )
    assert error.constraint_name == "tracker_aliases_unique"
    with pytest.raises(ValidationError) as rejected:
        TrackerAlias(name="BAND 2", model=alias.model).full_clean()
    assert rejected.value.messages == ["This name is already resolved."]


def test_a_resolved_name_cannot_be_changed() -> None:
    alias = factories.tracker_alias("Band 2", factories.tracker_model())
    assert get_database_error("UPDATE tracker_aliases SET name = 'Band 3'").message_primary
    execute("UPDATE tracker_aliases SET model_id = %s", factories.tracker_model("Huawei").pk)
    alias.refresh_from_db()
    assert (str(alias), str(alias.model)) == ("Band 2", "Huawei Band 2")


def test_a_resolved_name_needs_an_existing_model() -> None:
    factories.tracker_alias("Band 2", factories.tracker_model())
    error = get_database_error("DELETE FROM tracker_models")
    assert error.constraint_name == "tracker_aliases_model_id_cded34a1_fk_tracker_models_model_id"

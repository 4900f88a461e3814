"""Two people edit the same row: different fields are merged, and the second person chooses where both changed one."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from patients.models import MedicalRecord
from tests.support import factories
from tests.support.forms import Form, form_with
from tests.support.page import Page
from tests.support.signing_in import client_for
from trackers.models import FitnessTracker

RECORD = "/admin/patients/medicalrecord/P1/change/"
QUESTION = "Somebody else changed this field while you edited it. Choose a value above."
THEIRS, MINE = {"choice-name": "theirs"}, {"choice-name": "mine"}


@pytest.fixture
def record() -> MedicalRecord:
    return factories.medical_record("P1", name="Ada Byron", allergies="Nuts")


def send(client: Client, form: Form, **values: str) -> Any:
    return client.post(form.address, {**form.fields, **values})


def opened_twice(client: Client, address: str = RECORD, field: str = "name") -> tuple[Form, Form]:
    return form_with(client.get(address), field), form_with(client.get(address), field)


def values_of(answer: Any) -> list[tuple[str, ...]]:
    """Return the values that each conflict of the page offers."""
    return [tuple(row.xpath(".//strong/text()")) for row in Page.of(answer).all(".conflicts fieldset")]


def conflict(keeper: Client) -> Any:
    """Return the page after a second person changed the name as well."""
    first, second = opened_twice(keeper)
    assert send(keeper, first, name="Ada King").status_code == 302
    return send(keeper, second, name="Ada Lovelace", allergies="Milk")


def test_both_values_are_shown_and_nothing_is_saved(keeper: Client, record: MedicalRecord) -> None:
    answer = conflict(keeper)
    text = Page.of(answer).text
    assert (answer.status_code, QUESTION in text) == (200, True)
    assert values_of(answer) == [("Ada King", "Ada Lovelace")]
    record.refresh_from_db()
    assert (record.name, record.allergies) == ("Ada King", "Nuts")


def test_the_page_names_who_changed_the_field(keeper: Client, record: MedicalRecord) -> None:
    (person,) = User.objects.all()
    (editor, own) = Page.of(conflict(keeper)).texts(".conflicts .editor")
    assert editor.startswith(f"saved by {person}, ")
    assert own == "entered by you"


@pytest.mark.parametrize(("choice", "name"), [(THEIRS, "Ada King"), (MINE, "Ada Lovelace")])
def test_the_chosen_value_is_saved_with_the_other_changes(
    keeper: Client, record: MedicalRecord, choice: dict[str, str], name: str
) -> None:
    form = form_with(conflict(keeper), "name")
    assert send(keeper, form, **choice).status_code == 302
    record.refresh_from_db()
    assert (record.name, record.allergies) == (name, "Milk")


def test_without_a_choice_the_question_stays(keeper: Client, record: MedicalRecord) -> None:
    again = send(keeper, form_with(conflict(keeper), "name"))
    assert values_of(again) == [("Ada King", "Ada Lovelace")]


def test_whoever_types_the_other_value_needs_no_choice(keeper: Client, record: MedicalRecord) -> None:
    assert send(keeper, form_with(conflict(keeper), "name"), name="Ada King").status_code == 302


def test_a_choice_between_outdated_values_is_not_used(keeper: Client, record: MedicalRecord) -> None:
    form = form_with(conflict(keeper), "name")
    MedicalRecord.objects.update(name="Ada Noel")
    for choice in (THEIRS, MINE):
        answer = send(keeper, form, **choice)
        assert values_of(answer) == [("Ada Noel", "Ada Lovelace")]


def test_a_value_that_both_changed_in_the_same_way_is_no_conflict(keeper: Client, record: MedicalRecord) -> None:
    first, second = opened_twice(keeper)
    send(keeper, first, name="Ada King")
    assert send(keeper, second, name="Ada King").status_code == 302


def test_a_page_with_an_error_shows_what_somebody_else_saved_in_other_fields(
    keeper: Client, record: MedicalRecord
) -> None:
    first, second = opened_twice(keeper)
    send(keeper, first, allergies="Milk")
    again = form_with(send(keeper, second, name=""), "name")
    assert again.fields["allergies"] == "Milk"
    send(keeper, again, name="Ada King")
    record.refresh_from_db()
    assert (record.name, record.allergies) == ("Ada King", "Milk")


def test_rules_hold_for_the_merged_row(keeper: Client, record: MedicalRecord) -> None:
    first, second = opened_twice(keeper)
    send(keeper, first, date_of_birth="1990-01-01")
    answer = send(keeper, second, last_appointment_date="1985-01-01")
    assert "The last appointment is before the date of birth." in answer.content.decode()


def test_dates_and_choices_are_shown_as_people_read_them(keeper: Client, record: MedicalRecord) -> None:
    first, second = opened_twice(keeper)
    send(keeper, first, date_of_birth="1981-02-03", gender="M", medications="on")
    mine = {"date_of_birth": "1982-04-05", "last_appointment_date": ""}
    assert values_of(send(keeper, second, **mine)) == [("3 Feb 1981", "5 Apr 1982")]


def test_a_variant_on_the_page_of_its_model_is_compared_too(keeper: Client) -> None:
    model = factories.tracker_model()
    variant = factories.variant(model, color="Black", reviews=5)
    address, field = f"/admin/trackers/trackermodel/{model.pk}/change/", "variants-0-color"
    first, second = opened_twice(keeper, address, field)
    send(keeper, first, **{"variants-0-reviews": "6", field: "Red"})
    answer = send(keeper, second, **{field: "Blue"})
    assert values_of(answer) == [("Red", "Blue")]
    assert send(keeper, form_with(answer, field), **{"variants-0-choice-color": "mine"}).status_code == 302
    variant = FitnessTracker.objects.get()
    assert (variant.color, variant.reviews) == ("Blue", 6)


class TestDeletionInAFormset:
    @pytest.fixture
    def address(self, record: MedicalRecord) -> str:
        model = factories.tracker_model()
        factories.variant(model, color="Black", reviews=5)
        return f"/admin/trackers/trackermodel/{model.pk}/change/"

    def conflict(self, keeper: Client, address: str) -> Any:
        """Return the page on which a person deletes a variant that somebody else has changed meanwhile."""
        first, second = opened_twice(keeper, address, "variants-0-color")
        send(keeper, first, **{"variants-0-color": "Red"})
        return send(keeper, second, **{"variants-0-DELETE": "on"})

    def test_a_row_that_nobody_changed_is_deleted(self, keeper: Client, address: str) -> None:
        form = form_with(keeper.get(address), "variants-0-color")
        assert send(keeper, form, **{"variants-0-DELETE": "on"}).status_code == 302
        assert not FitnessTracker.objects.exists()

    def test_a_row_that_somebody_changed_is_shown_and_stays(self, keeper: Client, address: str) -> None:
        answer = self.conflict(keeper, address)
        assert values_of(answer) == [("Color: Red", "Delete it")]
        page = Page.of(answer)
        (editor, _) = page.texts(".conflicts .editor")
        assert editor.startswith("saved by ")
        assert "Somebody else changed this row after you opened the page. Choose whether to delete it." in page.text
        assert FitnessTracker.objects.get().color == "Red"

    @pytest.mark.parametrize(("choice", "colors"), [("theirs", ["Red"]), ("mine", [])])
    def test_the_person_chooses(self, keeper: Client, address: str, choice: str, colors: list[str]) -> None:
        form = form_with(self.conflict(keeper, address), "variants-0-color")
        chosen = {"variants-0-DELETE": "on", "variants-0-choice-DELETE": choice}
        assert send(keeper, form, **chosen).status_code == 302
        assert list(FitnessTracker.objects.values_list("color", flat=True)) == colors

    def test_without_a_choice_the_question_stays(self, keeper: Client, address: str) -> None:
        form = form_with(self.conflict(keeper, address), "variants-0-color")
        assert values_of(send(keeper, form, **{"variants-0-DELETE": "on"})) == [("Keep it", "Delete it")]

    def test_a_choice_about_an_outdated_row_is_not_used(self, keeper: Client, address: str) -> None:
        form = form_with(self.conflict(keeper, address), "variants-0-color")
        FitnessTracker.objects.update(color="Green")
        chosen = {"variants-0-DELETE": "on", "variants-0-choice-DELETE": "mine"}
        assert values_of(send(keeper, form, **chosen)) == [("Color: Green", "Delete it")]
        assert FitnessTracker.objects.exists()

    def test_without_the_deletion_the_row_is_compared_as_usual(self, keeper: Client, address: str) -> None:
        form = form_with(self.conflict(keeper, address), "variants-0-color")
        form.fields.pop("variants-0-DELETE", None)
        assert send(keeper, form, **{"variants-0-reviews": "7"}).status_code == 302
        variant = FitnessTracker.objects.get()
        assert (variant.color, variant.reviews) == ("Red", 7)


class TestDeletedRowsOfAFormset:
    """Of three variants, somebody deletes the first while another person has the page of the model open."""

    @pytest.fixture
    def second(self, keeper: Client, record: MedicalRecord) -> Form:
        model = factories.tracker_model()
        for color in ("Black", "Red", "White"):
            factories.variant(model, color=color, display="LCD", strap_material="Nylon", reviews=5)
        address = f"/admin/trackers/trackermodel/{model.pk}/change/"
        first, second = opened_twice(keeper, address, "variants-0-color")
        assert send(keeper, first, **{"variants-0-DELETE": "on"}).status_code == 302
        return second

    @pytest.mark.parametrize("deleted", [{}, {"variants-0-DELETE": "on"}])
    def test_a_row_that_the_person_left_alone_or_deleted_is_left_out(
        self, keeper: Client, second: Form, deleted: dict[str, str]
    ) -> None:
        assert send(keeper, second, **{"variants-2-color": "Green"}, **deleted).status_code == 302
        assert {variant.color for variant in FitnessTracker.objects.all()} == {"Red", "Green"}

    def test_what_the_person_changed_is_shown_without_the_row(self, keeper: Client, second: Form) -> None:
        answer = send(keeper, second, **{"variants-0-color": "Blue", "variants-2-color": "Green"})
        page = Page.of(answer)
        assert "Somebody else deleted the variant “Black, LCD, Nylon, " in page.text
        assert "You had changed it (Color: Blue)." in page.text
        form = form_with(answer, "variants-0-color")
        assert [form.fields[f"variants-{row}-color"] for row in (0, 1)] == ["Red", "Green"]
        assert "variants-2-color" not in form.fields
        assert send(keeper, form).status_code == 302
        assert {variant.color for variant in FitnessTracker.objects.all()} == {"Red", "Green"}

    def test_a_row_that_somebody_added_does_not_change_which_row_is_which(self, keeper: Client, second: Form) -> None:
        model = FitnessTracker.objects.earliest("pk").model
        factories.variant(model, color="Amber", display="LCD", strap_material="Nylon")
        answer = send(keeper, second, **{"variants-1-rating": "9"})
        labels = [str(box.get("aria-label")) for box in Page.of(answer).all("input[name$=-DELETE]")]
        assert ["Red" in label for label in labels[:2]] == [True, False]


def test_the_model_of_a_variant_is_named_and_not_numbered(keeper: Client) -> None:
    one, two, three = (factories.tracker_model(model_name=f"Band {number}") for number in (1, 2, 3))
    address = f"/admin/trackers/fitnesstracker/{factories.variant(one).pk}/change/"
    first, second = opened_twice(keeper, address, "model")
    send(keeper, first, model=str(two.pk))
    assert values_of(send(keeper, second, model=str(three.pk))) == [("Xiaomi Band 2", "Xiaomi Band 3")]


def test_roles_that_two_administrators_give_are_compared(db: None) -> None:
    admin = client_for(User.objects.create_superuser("root", password="x"))
    person = factories.staff(username="ada")
    analyst, auditor = (Group.objects.get(name=name) for name in ("Analyst", "Auditor"))
    address = f"/admin/auth/user/{person.pk}/change/"
    first, second = opened_twice(admin, address, "username")
    send(admin, first, groups=str(analyst.pk))
    answer = send(admin, second, groups=str(auditor.pk))
    assert values_of(answer) == [("Analyst", "Auditor")]
    assert send(admin, form_with(answer, "username"), **{"choice-groups": "theirs"}).status_code == 302
    assert list(person.groups.all()) == [analyst]


def test_groups_that_somebody_added_are_compared(db: None) -> None:
    admin = client_for(User.objects.create_superuser("root", password="x"))
    group = Group.objects.create(name="Research")
    address = f"/admin/auth/group/{group.pk}/change/"
    first, second = opened_twice(admin, address)
    send(admin, first, name="Trials")
    assert values_of(send(admin, second, name="Studies")) == [("Trials", "Studies")]


def test_a_form_that_lacks_the_opened_values_is_compared_with_the_stored_row(
    keeper: Client, record: MedicalRecord
) -> None:
    form = form_with(keeper.get(RECORD), "name")
    fields = {name: value for name, value in form.fields.items() if not name.startswith("initial-")}
    assert keeper.post(RECORD, {**fields, "name": "Ada King"}).status_code == 302
    record.refresh_from_db()
    assert record.name == "Ada King"


@pytest.mark.parametrize(
    "mine", [{"name": "Ada Noel"}, {"name": "Ada Noel", "allergies": "Eggs", "medical_conditions": "Flu"}]
)
def test_the_question_needs_the_same_queries_for_any_number_of_fields(
    keeper: Client, record: MedicalRecord, mine: dict[str, str], django_assert_max_num_queries: Any
) -> None:
    first, second = opened_twice(keeper)
    send(keeper, first, name="Ada King", allergies="Milk", medical_conditions="Asthma")
    # Django validates each check of the table by three statements, unless one of its fields is in question.
    with django_assert_max_num_queries(31):
        answer = send(keeper, second, **mine)
    assert len(values_of(answer)) == len(mine)

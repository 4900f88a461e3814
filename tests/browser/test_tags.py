"""Conditions and allergies as tags: with keyboard and mouse, and as ordinary inputs without scripts."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from patients.models import MedicalRecord
from tests.support import factories
from tests.support.browser_pages import SignInAs, assert_accessible, assert_fits_a_phone, visit

RECORD = "/admin/patients/medicalrecord/P1/change/"
EDITOR = ("patients.view_medicalrecord", "patients.change_medicalrecord")
LABEL = "Medical conditions:"


@pytest.fixture
def record() -> MedicalRecord:
    for number, conditions in enumerate(("Diabetes, Asthma", "diabetes", "Diabetes", "Angina", "Gestational diabetes")):
        factories.medical_record(f"Q{number}", medical_conditions=conditions)
    return factories.medical_record("P1", medical_conditions="Asthma,Obesity")


@pytest.fixture
def conditions(page: Page, sign_in_as: SignInAs, record: MedicalRecord) -> Locator:
    """Return the field in which somebody types conditions."""
    sign_in_as(*EDITOR)
    visit(page, RECORD)
    return page.get_by_label(LABEL)


def save(page: Page) -> str:
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    return MedicalRecord.objects.get(pk="P1").medical_conditions


def suggestions(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Medical conditions").get_by_role("option")


def tags(page: Page) -> list[str]:
    items = page.get_by_role("list", name="Medical conditions").get_by_role("listitem")
    texts: list[str] = items.evaluate_all("all => all.map(each => each.firstChild.textContent)")
    return texts


def test_tags_are_chosen_typed_and_removed_with_the_keyboard(page: Page, conditions: Locator) -> None:
    conditions.press_sequentially("dia")
    expect(conditions).to_have_attribute("aria-expanded", "true")
    assert suggestions(page).all_inner_texts() == ["Diabetes", "Gestational diabetes"]
    assert_accessible(page)
    conditions.press("ArrowDown")
    active = conditions.get_attribute("aria-activedescendant")
    expect(page.locator(f"#{active}")).to_have_text("Diabetes")
    conditions.press("Enter")
    conditions.press_sequentially("Gout,")
    assert tags(page) == ["Asthma", "Obesity", "Diabetes", "Gout"]
    page.get_by_role("button", name="Remove Obesity").press("Enter")
    expect(conditions).to_be_focused()
    conditions.press("Backspace")
    expect(conditions).to_have_value("Gout")
    conditions.press("Control+a")
    conditions.press_sequentially("Migraine")
    assert_accessible(page)
    assert_fits_a_phone(page)
    assert save(page) == "Asthma, Diabetes, Migraine"


def test_a_suggestion_is_chosen_with_the_mouse_and_no_tag_twice(page: Page, conditions: Locator) -> None:
    conditions.click()
    assert suggestions(page).all_inner_texts() == ["Diabetes", "Angina", "Gestational diabetes"]
    page.get_by_role("option", name="Angina").click()
    conditions.press_sequentially("asthma")
    conditions.press("Enter")
    expect(page.get_by_text("asthma is already there")).to_be_attached()
    assert save(page) == "Asthma, Obesity, Angina"


def test_escape_closes_the_suggestions_and_arrows_open_them(page: Page, conditions: Locator) -> None:
    conditions.press("ArrowUp")
    expect(page.get_by_role("option", name="Gestational diabetes")).to_have_attribute("aria-selected", "true")
    conditions.press("Escape")
    expect(suggestions(page)).to_have_count(0)
    expect(conditions).to_have_attribute("aria-expanded", "false")
    assert "aria-activedescendant" not in (conditions.evaluate("e => e.getAttributeNames()"))


def test_what_is_typed_is_saved_without_becoming_a_tag_first(page: Page, conditions: Locator) -> None:
    conditions.press_sequentially("Gout")
    assert save(page) == "Asthma, Obesity, Gout"
    visit(page, RECORD)
    page.get_by_label(LABEL).press_sequentially("asthma")
    assert save(page) == "Asthma, Obesity, Gout"


def test_the_tab_key_makes_a_tag_of_what_is_typed(page: Page, conditions: Locator) -> None:
    conditions.press_sequentially("Gout")
    conditions.press("Tab")
    expect(page.get_by_label("Allergies:")).to_be_focused()
    assert tags(page) == ["Asthma", "Obesity", "Gout"]


def test_tags_that_nobody_touched_keep_their_text(page: Page, conditions: Locator) -> None:
    page.get_by_label("Name:").fill("Ada King")
    conditions.press("Tab")
    assert save(page) == "Asthma,Obesity"


def test_without_scripts_it_is_an_ordinary_input(
    browser: Browser, live_server: LiveServer, page: Page, conditions: Locator
) -> None:
    with browser.new_context(
        base_url=live_server.url, java_script_enabled=False, storage_state=page.context.storage_state()
    ) as context:
        plain = context.new_page()
        visit(plain, RECORD)
        field = plain.get_by_label(LABEL)
        expect(field).to_have_value("Asthma,Obesity")
        suggestions = plain.locator(f"datalist#{field.get_attribute('list')} option")
        assert suggestions.evaluate_all("all => all.map(each => each.value)")[:2] == ["Diabetes", "Asthma"]
        field.fill("Gout, Asthma")
        assert save(plain) == "Gout, Asthma"

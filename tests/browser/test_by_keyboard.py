"""Everything by keyboard alone: as people do who cannot use a mouse, or do not want to."""

from playwright.sync_api import Page, expect

from patients.models import MedicalRecord
from tests.support import factories
from tests.support.browser_pages import SignInAs, visit

MOST_STEPS = 60


def focused(page: Page) -> str:
    """What a screen reader would say of the element that has the focus."""
    words: str = page.evaluate(
        "const e = document.activeElement; e.labels?.[0]?.textContent || e.ariaLabel || e.value || e.innerText"
    )
    return words.strip()


def tab_to(page: Page, name: str) -> None:
    passed = []
    while focused(page) != name:
        page.keyboard.press("Tab")
        passed.append(focused(page))
        assert len(passed) < MOST_STEPS, f"{name} is not among {passed}"
        assert is_seen(page), f"the focus cannot be seen on {passed[-1]}"


def is_seen(page: Page) -> bool:
    """Whether the focused element lies within the window, with a mark around it."""
    seen: bool = page.evaluate(
        """const e = document.activeElement, box = e.getBoundingClientRect();
        getComputedStyle(e).outlineStyle !== "none" && box.bottom > 0 && box.top < innerHeight && box.width > 0"""
    )
    return seen


def test_signing_in_finding_a_record_and_changing_it(page: Page) -> None:
    factories.staff("patients.view_medicalrecord", "patients.change_medicalrecord")
    factories.medical_record("P1", name="Ada Byron")
    visit(page, "/admin/login/")
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type("staff")
    page.keyboard.press("Tab")
    page.keyboard.type(factories.DEFAULT_PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")

    tab_to(page, "Records")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab_to(page, "Search medical records")
    page.keyboard.type("ada")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab_to(page, "P1")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab_to(page, "Name:")
    page.keyboard.press("Control+a")
    page.keyboard.type("Ada Lovelace")
    tab_to(page, "Save")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert MedicalRecord.objects.get().name == "Ada Lovelace"


def test_the_first_stop_skips_to_what_the_page_is_about(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("patients.view_medicalrecord")
    visit(page, "/admin/patients/medicalrecord/")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to main content"
    assert is_seen(page)
    page.keyboard.press("Enter")
    tab_to(page, "Search medical records")


def test_the_focus_goes_through_header_sections_and_page_in_the_order_of_reading(
    page: Page, sign_in_as: SignInAs
) -> None:
    sign_in_as("trackers.view_trackermodel", "trackers.view_fitnesstracker")
    visit(page, "/admin/trackers/fitnesstracker/")
    passed = []
    for _ in range(10):
        page.keyboard.press("Tab")
        passed.append(focused(page).removesuffix(" (current theme: auto)"))
    assert passed == [
        "Skip to main content",
        "HealthTrack",
        "Home",
        "Trackers",
        "Account security",
        "Change password",
        "Sign out",
        "Toggle theme",
        "Models",
        "Variants",
    ]

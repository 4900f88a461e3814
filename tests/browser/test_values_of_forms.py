"""No form cuts off a value, on a wide screen or on a phone."""

from playwright.sync_api import Page

from healthtrack.imports.models import ReadingProfile
from patients.models import MedicalRecord
from reports.models import SavedView
from tests.support.browser_pages import PHONE, SignInAs, check_each, visit
from tests.support.chromium import DESKTOP
from tests.support.page_addresses import address, make_rows, page_names
from trackers.models import FitnessTracker, TrackerModel

FORMS = [name for name in page_names() if name.endswith(("_change", "_add", "-view", "_list", "_changelist"))]
FORMS += [name for name in page_names() if name.startswith(("reports:", "tracker-names:"))]
FILTERS = (
    "condition=Chronic+obstructive+pulmonary+disease&allergy=Penicillin+and+cephalosporins&min_age=100&max_age=130"
    "&brand=Samsung+Electronics&as_of=2025-12-31&tracker=Galaxy+Watch+4+Classic+LTE"
)
CUT_OFF = """
new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))).then(() =>
[...document.querySelectorAll("main :is(input, textarea)")]
  .filter((each) => each.checkVisibility() && !["checkbox", "radio", "file", "submit"].includes(each.type))
  .filter((each) => !each.closest(".choice")?.querySelector("[aria-live]").textContent.includes(each.value))
  .filter((each) => each.scrollWidth > each.clientWidth || each.scrollHeight > each.clientHeight + 2)
  .map((each) => `${each.name || each.id}: ${each.value} (${each.scrollWidth} > ${each.clientWidth})`))
"""


def make_long_values() -> None:
    FitnessTracker.objects.update(
        selling_price=23090,
        original_price=1_234_567_890,
        reviews=1_234_567_890,
        average_battery_life_days=1000,
        color="Midnight Black with Graphite Grey Case",
        display="AMOLED Always-On Touch Display",
        strap_material="Thermoplastic polyurethane",
    )
    TrackerModel.objects.filter(brand_name="Xiaomi").update(
        brand_name="Samsung Electronics", model_name="Galaxy Watch 4 Classic LTE (46 mm)"
    )
    MedicalRecord.objects.filter(pk="P1").update(
        name="Maximiliana-Theodora von Hohenberg",
        medical_conditions="Chronic obstructive pulmonary disease, Generalized anxiety disorder, Asthma",
        allergies="Penicillin and cephalosporins",
        tracker="Galaxy Watch 4 Classic LTE (46 mm)",
    )
    SavedView.objects.update(name="Patients without appointment")
    ReadingProfile.objects.update(name="Clinic 7, export of the old system, 2019")


def test_each_form_shows_all_of_its_values(page: Page, sign_in_as: SignInAs) -> None:
    person = make_rows()
    make_long_values()
    sign_in_as(person=person)
    check_each(sorted(set(FORMS)), lambda name: assert_values_are_shown(page, name))


def assert_values_are_shown(page: Page, name: str) -> None:
    page.set_viewport_size(DESKTOP)
    where = address(name)
    visit(page, f"{where}?{FILTERS}" if name.startswith("reports:") and "-view" not in name else where)
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        cut_off = page.evaluate(CUT_OFF)
        assert cut_off == [], f"{where} at {size['width']} pixels: {cut_off}"

"""Rows that are valid and dangerous have warnings, and are held back until a person decides about them."""

import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthtrack.audit.actor import acting_as
from healthtrack.audit.models import Access
from healthtrack.imports import staging_tables
from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.row_warnings import Decision, RowWarning
from patients.models import MedicalRecord
from patients.resources import MedicalRecordResource
from tests.support import factories
from tests.support.finished_imports import get_counts, get_result
from tests.support.import_files import RECORDS, Row, links, write_csv
from tests.support.import_pages import last_run, messages, press_import, upload
from tests.support.page import Page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

STORED = {"medical_conditions": "Asthma, Obesity", "allergies": "Penicillin"}
ANOTHER: Row = {"name": "Eve King", "date_of_birth": "01/02/1970"}


@pytest.fixture
def preview(steward: Client, path: Path) -> Callable[..., Any]:
    """Return a function that uploads rows and returns the page of their preview."""

    def show(*changes: Row) -> Any:
        return upload(steward, RECORDS, write_csv(path, RECORDS.rows(*changes)))

    return show


def text(page: Any) -> str:
    return Page.of(page).text


def address(page: str) -> str:
    return f"/admin/imports/importrun/{last_run().pk}/{page}/"


def decide(client: Client, kind: str, decision: str, *lines: int, shown: tuple[int, ...] = (2, 3, 4, 5)) -> Any:
    data = {"kind": kind, "decision": decision, "shown": shown, "selected": lines}
    return client.post(address("decide"), data, follow=True)


def names() -> list[str]:
    return list(MedicalRecord.objects.order_by("pk").values_list("name", flat=True))


def edit_by_hand(number: str = "P1", **values: Any) -> None:
    person = User.objects.first() or factories.staff()
    with acting_as(person.pk):
        MedicalRecord.objects.filter(pk=number).update(**values)


class TestKinds:
    def warnings_of(self, path: Path, **change: str) -> dict[str, int]:
        run = RECORDS.run(write_csv(path, RECORDS.rows(change)), dry_run=True).run
        return dict(get_result(run).warnings)

    @pytest.fixture(autouse=True)
    def stored(self, path: Path) -> None:
        RECORDS.run(write_csv(path, RECORDS.rows(STORED)))

    @pytest.mark.parametrize(
        ("change", "kinds"),
        [
            ({}, []),
            ({"name": "Ada King"}, []),
            ({"name": "ADA BYRON", "date_of_birth": "01/02/1970"}, ["gender-or-birth-date"]),
            (ANOTHER, ["another-person"]),
            ({**ANOTHER, "allergies": "", "gender": "M"}, ["another-person"]),
            ({"gender": "M"}, ["gender-or-birth-date"]),
            ({"allergies": ""}, ["condition-or-allergy-removed"]),
            ({"allergies": "penicillin"}, []),
            ({"allergies": "Pollen, Penicillin"}, []),
            ({"medical_conditions": "Obesity"}, ["condition-or-allergy-removed"]),
            ({"medical_conditions": "obesity ,asthma, Gout"}, []),
            ({"last_appointment_date": "06/13/2024"}, ["earlier-appointment"]),
            ({"last_appointment_date": ""}, ["earlier-appointment"]),
            ({"last_appointment_date": "06/15/2024"}, []),
            ({"Tracker": "Fenix"}, []),
            ({"gender": "M", "allergies": ""}, ["condition-or-allergy-removed", "gender-or-birth-date"]),
        ],
    )
    def test_a_row_has_the_warnings_of_what_it_changes(
        self, path: Path, change: dict[str, str], kinds: list[str]
    ) -> None:
        assert sorted(self.warnings_of(path, **{**STORED, **change})) == kinds

    def test_a_new_patient_has_none(self, path: Path) -> None:
        assert self.warnings_of(path, patient_id="P9", **{key: str(value) for key, value in ANOTHER.items()}) == {}

    @pytest.mark.parametrize(
        ("edited", "warned"),
        [({"name": "Ada King"}, True), ({"medications": True}, False), ({"name": "Ada Byron-King"}, False)],
        ids=["the same field", "another field", "to what the file has"],
    )
    def test_an_edit_by_hand_warns_when_the_import_changes_the_same_field(
        self, path: Path, edited: dict[str, Any], warned: bool
    ) -> None:
        edit_by_hand(**edited)
        medications = "Yes" if "medications" in edited else "No"
        change = {"name": "Ada Byron-King", "medications": medications}
        assert ("edited-by-hand" in self.warnings_of(path, **STORED, **change)) == warned

    def test_an_edit_that_an_import_has_overwritten_no_longer_warns(self, path: Path) -> None:
        edit_by_hand(name="Ada King")
        rows = write_csv(path, RECORDS.rows({**STORED, "name": "Ada L"}))
        call_command(RECORDS.command, rows, accept=["edited-by-hand"])
        assert names() == ["Ada L"]
        assert self.warnings_of(path, **STORED, name="Ada Byron") == {}

    def test_an_edit_that_is_a_run_of_its_own_warns_too(self, path: Path) -> None:
        person = factories.staff()
        run = factories.import_run(State.APPLIED, kind="edit", finished_at=timezone.now(), started_by=person)
        with acting_as(person.pk, run.pk):
            MedicalRecord.objects.update(name="Ada King")
        assert self.warnings_of(path, **STORED) == {"edited-by-hand": 1}

    def test_a_change_directly_in_the_database_is_no_edit_by_hand(self, path: Path) -> None:
        MedicalRecord.objects.update(name="Ada King")
        assert self.warnings_of(path, **STORED, name="Ada L") == {}

    @pytest.mark.parametrize(("tracker", "warned"), [("Fenix", True), ("mi band", False), ("", True)])
    def test_another_tracker_warns_where_staff_linked_by_hand(self, path: Path, tracker: str, warned: bool) -> None:
        model = factories.tracker_model()
        factories.tracker_alias("Mi Band", model)
        factories.link(MedicalRecord.objects.get(), factories.tracker_model(model_name="Band 7"))
        assert ("tracker-linked-by-hand" in self.warnings_of(path, **STORED, Tracker=tracker)) == warned


class TestThePreview:
    def test_it_opens_on_the_warnings_and_holds_the_rows_back(
        self, steward: Client, preview: Callable[..., Any]
    ) -> None:
        press_import(steward, preview({}, {}))
        page = preview(ANOTHER, {"allergies": "Pollen"}, {})
        shown = text(page)
        assert "1 row with warnings is held back." in shown
        assert "Another person: 1" in shown
        assert "from Ada Byron to Eve King" in shown
        assert "Import 2 valid rows (hold back 1)" in shown
        assert not Page.of(page).all("#warnings-caption")
        assert "Decision: Skip" in shown
        page = press_import(steward, page)
        assert names() == ["Ada Byron"] * 3
        assert MedicalRecord.objects.get(pk="P2").allergies == "Pollen"
        assert "1 row with warnings was held back." in text(page)
        assert "Another person: 1 row" in text(page)
        assert get_result(last_run()).held == {"another-person": 1}

    def test_the_lists_of_changed_and_new_rows_have_no_warnings(
        self, steward: Client, preview: Callable[..., Any]
    ) -> None:
        press_import(steward, preview({}, {}))
        preview(ANOTHER, {"allergies": "Pollen"}, {})
        tabs = Page.of(steward.get(address("change"))).texts(".tabs a")
        assert tabs == ["Warnings 1", "Changed 1", "New 1", "Unchanged 0"]
        shown = text(steward.get(f"{address('change')}?show=changed"))
        assert "Changed rows: 1" in shown
        assert "Eve King" not in shown

    def test_it_shows_each_kind_with_its_rows(self, steward: Client, preview: Callable[..., Any]) -> None:
        press_import(steward, preview({}, {}, {}))
        page = preview({"gender": "M"}, {"gender": "M", "medical_conditions": ""}, {"last_appointment_date": ""})
        assert Page.of(page).rows("warnings-caption") == [
            ["Condition or allergy removed", "1", "1", "Skip"],
            ["Gender or date of birth changes", "2", "2", "Skip"],
            ["Last appointment moves back", "1", "0", "Import all"],
        ]
        shown = steward.get(f"{address('change')}?show=warning&warning=gender-or-birth-date")
        assert [row[1:4] for row in Page.of(shown).rows("rows-caption")] == [
            ["2", "", "P1"],
            ["3", "Condition or allergy removed", "P2"],
        ]

    def test_its_pages_take_few_queries_and_are_in_the_access_log(
        self, steward: Client, preview: Callable[..., Any], django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        press_import(steward, preview(*[{}] * 60))
        preview(*[ANOTHER] * 60)
        with django_assert_max_num_queries(20):
            page = steward.get(f"{address('change')}?show=warning&page=2")
        assert "Another person: 51 to 60 of 60" in text(page)
        assert sorted(Access.objects.latest("access_id").patient_ids) == sorted(
            f"P{number}" for number in range(51, 61)
        )

    def test_a_run_without_warnings_has_no_such_list(self, preview: Callable[..., Any]) -> None:
        assert Page.of(preview({})).texts(".tabs a") == ["Changed 0", "New 1", "Unchanged 0"]


class TestDecisions:
    @pytest.fixture
    def page(self, steward: Client, preview: Callable[..., Any]) -> Any:
        press_import(steward, preview({}, {}, {}))
        return preview(ANOTHER, {**ANOTHER, "gender": "M"}, {"gender": "M"})

    @pytest.mark.parametrize(
        ("decision", "lines", "expected"),
        [
            ("import", (), ["Eve King", "Eve King", "Ada Byron"]),
            ("selected", (3,), ["Ada Byron", "Eve King", "Ada Byron"]),
            ("selected", (), ["Ada Byron"] * 3),
            ("skip", (2, 3), ["Ada Byron"] * 3),
        ],
    )
    def test_the_rows_of_a_kind_are_imported_as_decided(
        self, steward: Client, page: Any, decision: str, lines: tuple[int, ...], expected: list[str]
    ) -> None:
        page = decide(steward, "another-person", decision, *lines)
        imported = expected.count("Eve King")
        assert last_run().affected_count == get_counts(last_run()).changed == imported
        if not imported:
            assert address("apply") not in page.content.decode()
            return
        assert f"Import {imported} valid row{'s' * (imported > 1)} (hold back {3 - imported})" in text(page)
        page = press_import(steward, page)
        assert names() == expected
        assert MedicalRecord.objects.get(pk="P3").gender == "F"
        assert (last_run().state, get_counts(last_run()).held) == (State.APPLIED, 3 - imported)

    def test_the_decision_is_shown(self, steward: Client, page: Any) -> None:
        page = decide(steward, "another-person", "selected", 3)
        assert Page.of(page).rows("warnings-caption")[0] == ["Another person", "2", "1", "Import selected"]
        boxes = Page.of(page).all("input[name=selected]")
        assert [(box.get("value"), box.get("checked") is not None) for box in boxes] == [("2", False), ("3", True)]

    def test_a_selection_is_removed_page_by_page(self, steward: Client, page: Any) -> None:
        decide(steward, "another-person", "selected", 2, 3)
        decide(steward, "another-person", "selected", shown=(2,))
        press_import(steward, steward.get(address("change")))
        assert names() == ["Ada Byron", "Eve King", "Ada Byron"]

    def test_a_row_of_two_kinds_needs_both(self, steward: Client, preview: Callable[..., Any], page: Any) -> None:
        page = preview({"gender": "M", "medical_conditions": ""})
        page = decide(steward, "gender-or-birth-date", "import")
        assert get_result(last_run()).held == {"condition-or-allergy-removed": 1}
        page = decide(steward, "condition-or-allergy-removed", "selected", 2)
        assert get_counts(last_run()).held == 0
        press_import(steward, page)
        assert MedicalRecord.objects.get(pk="P1").gender == "M"

    @pytest.mark.parametrize(
        "data",
        [
            {},
            {"kind": "nothing", "decision": "import"},
            {"kind": "another-person", "decision": "perhaps"},
            {"kind": "another-person", "decision": "import", "page": "x"},
        ],
    )
    def test_a_senseless_decision_changes_nothing(self, steward: Client, page: Any, data: dict[str, str]) -> None:
        answer = steward.post(address("decide"), data, follow=True)
        assert messages(answer) == ["This decision could not be saved. Check the import and try again."]
        assert last_run().decisions == {}

    @pytest.mark.parametrize("lines", [("x",), ("9" * 30,), ("-1",), ("99",)])
    def test_a_line_without_a_warning_cannot_be_selected(
        self, steward: Client, page: Any, lines: tuple[str, ...]
    ) -> None:
        data = {"kind": "another-person", "decision": "selected", "shown": lines, "selected": lines}
        assert steward.post(address("decide"), data, follow=True).status_code == 200
        assert get_counts(last_run()).held == 3

    def test_it_is_too_late_once_the_run_is_imported(self, steward: Client, page: Any) -> None:
        press_import(steward, decide(steward, "gender-or-birth-date", "import"))
        answer = decide(steward, "another-person", "import")
        assert messages(answer) == ["This decision could not be saved. Check the import and try again."]
        assert last_run().decisions == {"gender-or-birth-date": "import"}

    def test_only_people_who_may_import_decide(self, page: Any) -> None:
        viewer = Client()
        viewer.force_login(factories.staff("imports.view_importrun", username="viewer"))
        assert viewer.post(address("decide"), {"kind": "another-person", "decision": "import"}).status_code == 403
        assert "/login/" in Client().post(address("decide"))["Location"]
        assert last_run().decisions == {}

    def test_deciding_is_not_a_page_to_open(self, steward: Client, page: Any) -> None:
        assert steward.get(address("decide")).status_code == 405

    def test_a_selected_row_that_changes_is_held_back_again(self, steward: Client, page: Any) -> None:
        page = decide(steward, "another-person", "selected", 2, 3)
        MedicalRecord.objects.filter(pk="P1").update(allergies="Dust")
        page = press_import(steward, page)
        assert last_run().state == State.CHECKED
        assert "1 row differs now." in text(page)
        press_import(steward, page)
        assert names() == ["Ada Byron", "Eve King", "Ada Byron"]

    def test_a_new_warning_makes_the_preview_stale(self, steward: Client, preview: Callable[..., Any]) -> None:
        press_import(steward, preview({"name": "Ada King"}))
        page = preview({})
        edit_by_hand(name="Eve")
        edit_by_hand(name="Ada King")
        page = press_import(steward, page)
        assert "1 row differs now." in text(page)
        assert get_result(last_run()).warnings == {"edited-by-hand": 1}
        assert names() == ["Ada King"]


class TestCommands:
    def run(self, path: Path, *options: str, **changes: str) -> dict[str, Any]:
        out = io.StringIO()
        call_command(RECORDS.command, write_csv(path, RECORDS.rows(changes, {})), "--json", *options, stdout=out)
        result: dict[str, Any] = json.loads(out.getvalue())
        return result

    @pytest.fixture(autouse=True)
    def stored(self, path: Path) -> None:
        RECORDS.run(write_csv(path, RECORDS.rows({}, {})))

    def test_they_hold_back_what_is_skipped_by_default_and_report_it(self, path: Path) -> None:
        found = self.run(path, gender="M", allergies="", medical_conditions="")
        assert (found["changed"], found["unchanged"]) == (0, 1)
        assert found["held"] == {"condition-or-allergy-removed": 1, "gender-or-birth-date": 1}
        assert set(MedicalRecord.objects.values_list("gender", flat=True)) == {"F"}

    def test_they_import_what_is_imported_by_default(self, path: Path) -> None:
        found = self.run(path, last_appointment_date="06/13/2024")
        assert (found["changed"], found["held"]) == (1, {})
        assert MedicalRecord.objects.get(pk="P1").last_appointment_date == date(2024, 6, 13)

    def test_they_import_the_kinds_that_are_accepted(self, path: Path) -> None:
        found = self.run(path, "--accept", "another-person", name="Eve King", date_of_birth="01/02/1970")
        assert (found["changed"], found["held"]) == (1, {})
        assert names() == ["Eve King", "Ada Byron"]

    def test_a_dry_run_reports_the_same(self, path: Path) -> None:
        for options in (["--dry-run"], []):
            assert self.run(path, *options, gender="M")["held"] == {"gender-or-birth-date": 1}

    def test_an_unknown_kind_is_an_error_that_names_the_known_ones(self, path: Path) -> None:
        with pytest.raises(CommandError, match="another-person"):
            self.run(path, "--accept", "everything")

    def test_words_name_the_kinds(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        call_command(RECORDS.command, write_csv(path, RECORDS.rows({"gender": "M"})))
        assert "1 row with warnings was held back: gender-or-birth-date 1" in capsys.readouterr().out


class TestDeclaring:
    def test_a_resource_can_declare_a_warning_of_new_rows(
        self, steward: Client, preview: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        merged = RowWarning("merged", "Merged patient", "Belongs to another.", "rows.patient_id = 'P2'", of_new=True)
        monkeypatch.setattr(MedicalRecordResource, "row_warnings", lambda _: [merged])
        page = preview({"Tracker": "Band 9"}, {"Tracker": "Band 9"})
        assert get_counts(last_run()).new == 1
        assert "1 patient with an unmatched tracker" in text(page)
        page = decide(steward, "merged", "import")
        assert get_counts(last_run()).new == 2
        assert "2 patients with an unmatched tracker" in text(page)
        factories.medical_record("P2")
        page = press_import(steward, page)
        assert "1 row differs now." in text(page)
        assert get_result(last_run()).warnings == {}
        press_import(steward, page)
        assert (get_counts(last_run()).new, get_counts(last_run()).changed) == (1, 1)

    def test_kinds_are_words_of_commands_and_addresses(self) -> None:
        kinds = [warning.kind for warning in MedicalRecordResource().row_warnings()]
        assert len(set(kinds)) == len(kinds) == 9
        assert all(kind.replace("-", "").isalpha() for kind in kinds)
        skipped = [each.kind for each in MedicalRecordResource().row_warnings() if each.default == Decision.SKIP]
        assert skipped == kinds[:6]


def test_a_held_row_gets_no_links(steward: Client, preview: Callable[..., Any]) -> None:
    factories.tracker_model("Honor", "Band 7")
    press_import(steward, preview({"Tracker": ""}))
    press_import(steward, preview({**ANOTHER, "Tracker": "Band 7"}, {}))
    assert links() == set()
    assert last_run().run_id not in staging_tables.list_staged_runs()
    assert ImportRun.objects.filter(state=State.APPLIED).count() == 2

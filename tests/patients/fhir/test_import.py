"""FHIR files become medical records: what each resource says, and what an upload does not say."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.life_cycle.import_at_once import import_at_once
from healthtrack.imports.life_cycle.runs import Instructions
from healthtrack.imports.models import Stage
from healthtrack.imports.progress import NoProgress
from healthtrack.imports.tabular import preview_queries
from patients.fhir.upload import FhirRecords
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.fhir_files import (
    MR,
    Content,
    allergy,
    as_ndjson,
    bundle,
    condition,
    encounter,
    medication,
    patient,
    refer,
    write_bundle,
    write_by_type,
    write_gzip,
    write_ndjson,
    write_zip,
)
from tests.support.finished_imports import Imported

pytestmark = pytest.mark.django_db

IMPORTER = "patients.medicalrecord"
EVERYTHING = (
    patient(),
    condition("Asthma"),
    condition("Diabetes, type 2"),
    allergy("Pollen"),
    medication("active"),
    encounter(),
)


def import_files(*paths: Path, accept: Sequence[str] = (), dry_run: bool = False) -> Imported:
    run = import_at_once(IMPORTER, paths, dry_run=dry_run, instructions=Instructions(accepted=accept))
    return Imported(run, list(preview_queries.iterate_errors(run)))


@pytest.fixture
def import_resources(tmp_path: Path) -> Any:
    def import_them(*resources: Content, **options: Any) -> Imported:
        return import_files(write_ndjson(tmp_path / "all.ndjson", *resources), **options)

    return import_them


def fields(number: str = "P1") -> dict[str, Any]:
    names = ("name", "gender", "medical_conditions", "medications", "allergies", "last_appointment_date", "tracker")
    return dict(MedicalRecord.objects.values(*names).get(pk=number))


class Shown(NoProgress):
    """Notes what a progress bar would show while files are read."""

    def __init__(self) -> None:
        self.total, self.done = 0, [0]

    def begin(self, stage: Stage, total: int = 0, *, in_bytes: bool = False) -> None:
        assert (stage, in_bytes) == (Stage.READING, True)
        self.total = total

    def advance(self, rows: int) -> None:
        self.done.append(self.done[-1] + rows)


def test_the_progress_of_reading_resources_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patients.fhir.source._RESOURCES_PER_STEP", 2)
    monkeypatch.setattr("healthtrack.imports.fhir.resources.BLOCK_BYTES", 500)
    path = write_ndjson(tmp_path / "all.ndjson", *EVERYTHING)
    shown = Shown()
    size = path.stat().st_size
    with FhirRecords().make_source([StoredFile(path.name, size, path)], shown).open():
        assert shown.total == size
    assert shown.done == sorted(shown.done)
    assert 0 < shown.done[-2] < shown.done[-1] <= size


class TestForms:
    def expect_everything(self) -> None:
        assert fields() == {
            "name": "Ada King Byron",
            "gender": "F",
            "medical_conditions": "Asthma, Diabetes; type 2",
            "medications": True,
            "allergies": "Pollen",
            "last_appointment_date": date(2024, 6, 14),
            "tracker": "",
        }

    def test_one_ndjson_file_holds_all_types(self, tmp_path: Path) -> None:
        assert import_files(write_ndjson(tmp_path / "all.ndjson", *EVERYTHING)).counts.new == 1
        self.expect_everything()

    def test_a_bulk_export_has_a_file_for_each_type(self, tmp_path: Path) -> None:
        import_files(*write_by_type(tmp_path, EVERYTHING))
        self.expect_everything()

    def test_the_order_of_files_does_not_matter(self, tmp_path: Path) -> None:
        import_files(*reversed(write_by_type(tmp_path, EVERYTHING)))
        self.expect_everything()

    def test_a_zip_holds_the_files(self, tmp_path: Path) -> None:
        files = {path.name: path.read_bytes() for path in write_by_type(tmp_path, EVERYTHING)}
        import_files(write_zip(tmp_path / "export.zip", files))
        self.expect_everything()

    def test_files_may_be_compressed(self, tmp_path: Path) -> None:
        import_files(write_gzip(tmp_path / "all.ndjson.gz", *EVERYTHING))
        self.expect_everything()

    @pytest.mark.parametrize("indent", [None, 2])
    @pytest.mark.parametrize("kind", ["searchset", "collection", "transaction"])
    def test_a_bundle_may_be_of_any_type_and_indented(self, tmp_path: Path, kind: str, indent: int | None) -> None:
        import_files(write_bundle(tmp_path / "bundle.json", *EVERYTHING, kind=kind, indent=indent))
        self.expect_everything()

    def test_several_bundles_are_one_upload(self, tmp_path: Path) -> None:
        first = write_bundle(tmp_path / "1.json", *EVERYTHING[:3])
        import_files(first, write_bundle(tmp_path / "2.json", *EVERYTHING[3:]))
        self.expect_everything()

    def test_each_line_may_be_a_bundle(self, tmp_path: Path) -> None:
        import_files(write_ndjson(tmp_path / "all.ndjson", bundle(*EVERYTHING[:2]), bundle(*EVERYTHING[2:])))
        self.expect_everything()

    def test_a_byte_order_mark_and_blank_lines_mean_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "all.ndjson"
        path.write_bytes(b"\xef\xbb\xbf" + as_ndjson(*EVERYTHING).replace(b"\n", b"\r\n\r\n"))
        import_files(path)
        self.expect_everything()

    def test_bundles_of_two_patients_use_the_same_names_within(self, tmp_path: Path) -> None:
        paths = []
        for number, text in (("P1", "Asthma"), ("P2", "Gout")):
            said = condition(text, subject={"reference": "urn:uuid:patient"}, id=f"c-{number}")
            urls = ["urn:uuid:patient", "urn:uuid:condition"]
            paths.append(
                write_bundle(tmp_path / f"{number}.json", patient(number), said, kind="transaction", full_urls=urls)
            )
        import_files(*paths)
        assert [*MedicalRecord.objects.values_list("medical_conditions", flat=True)] == ["Asthma", "Gout"]


class TestPatients:
    @pytest.mark.parametrize(
        ("elements", "expected"),
        [
            ({"identifier": [{"type": MR, "value": "17"}]}, "17"),
            ({"identifier": [{"value": "17"}]}, "id-P1"),
            ({"identifier": []}, "id-P1"),
            ({"identifier": [{"type": MR, "value": "1", "use": "old"}, {"type": MR, "value": "2"}]}, "2"),
            ({"identifier": [{"type": MR, "value": "1"}, {"type": MR, "value": "2", "use": "usual"}]}, "2"),
            ({"identifier": [{"type": MR, "value": "1"}, {"type": MR, "value": "1"}]}, "1"),
        ],
    )
    def test_the_number_is_the_medical_record_number_or_the_id(
        self, import_resources: Any, elements: dict[str, Any], expected: str
    ) -> None:
        import_resources(patient(**elements))
        assert MedicalRecord.objects.get().pk == expected

    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            ([{"use": "nickname", "text": "Addy"}, {"use": "official", "family": "B", "given": ["A", "K"]}], "A K B"),
            ([{"use": "maiden", "text": "Ada Byron"}, {"use": "usual", "text": "Ada Lovelace"}], "Ada Lovelace"),
            ([{"text": "Ada Lovelace"}], "Ada Lovelace"),
            ([{"text": "LOVELACE, Ada", "family": "Lovelace", "given": ["Ada"]}], "Ada Lovelace"),
            ([{"family": "Lovelace"}], "Lovelace"),
            ([{"use": "old", "text": "Ada Byron"}, {"text": "Ada King"}], "Ada King"),
            ([{"use": "official"}, {"use": "usual", "text": "Ada"}], "Ada"),
            ([{"family": "King", "given": ["Ada"], "suffix": ["Jr."]}], "Ada King Jr."),
            (
                [
                    {"use": "official", "text": "Before", "period": {"end": "2001-01-01"}},
                    {"use": "official", "text": "Now"},
                ],
                "Now",
            ),
        ],
    )
    def test_the_name_is_the_official_one_or_the_best_other(
        self, import_resources: Any, names: list[Content], expected: str
    ) -> None:
        import_resources(patient(name=names))
        assert MedicalRecord.objects.get().name == expected

    @pytest.mark.parametrize(("code", "gender"), [("male", "M"), ("female", "F"), ("other", "O"), ("unknown", "U")])
    def test_all_genders_of_fhir_are_stored(self, import_resources: Any, code: str, gender: str) -> None:
        import_resources(patient(gender=code))
        assert MedicalRecord.objects.get().gender == gender

    @pytest.mark.parametrize(
        ("elements", "message"),
        [
            ({"birthDate": "1970"}, "line 1, Patient.birthDate “1970”: The date is not complete"),
            ({"birthDate": "1970-05"}, "Patient.birthDate “1970-05”: The date is not complete"),
            ({"birthDate": "1970-02-30"}, "Patient.birthDate “1970-02-30”: There is no such date."),
            ({"birthDate": "1870-02-03"}, "Patient.birthDate “1870-02-03”: "),
            ({"birthDate": None}, "Patient.birthDate: There is no date of birth."),
            ({"birthDate": 1970}, "Patient.birthDate: There is no date of birth."),
            ({"gender": "f"}, "Patient.gender “f”: There is no such gender in FHIR."),
            ({"gender": None}, "Patient.gender: There is no gender."),
            ({"name": []}, "Patient.name: There is no name."),
            ({"name": "Ada"}, "Patient.name: There is no name."),
            ({"name": [{"text": "x" * 201}]}, "Longer than 200 characters."),
            ({"identifier": [], "id": None}, "Patient.identifier: There is neither a medical record number nor an id."),
            (
                {"identifier": [{"type": MR, "value": "1"}, {"type": MR, "value": "2"}]},
                "Patient.identifier “1, 2”: There are several medical record numbers.",
            ),
            ({"identifier": [{"type": MR, "value": "x" * 51}]}, "Longer than 50 characters."),
        ],
    )
    def test_what_cannot_be_read_is_an_error_with_its_place(
        self, import_resources: Any, elements: dict[str, Any], message: str
    ) -> None:
        imported = import_resources(patient(**elements), patient("P2"))
        (error,) = imported.errors
        assert str(error).startswith("all.ndjson, line 1, Patient.")
        assert message in str(error)
        assert (imported.run.read_count, imported.run.invalid_count) == (2, 1)
        assert not MedicalRecord.objects.exists()

    def test_an_inactive_patient_is_held_back_and_a_deceased_one_is_shown(self, import_resources: Any) -> None:
        imported = import_resources(
            patient("P1", active=False),
            patient("P2", link=[{"type": "replaced-by", "other": {"reference": "Patient/id-P3"}}]),
            patient("P3", deceasedDateTime="2020-01-01"),
            patient("P4", deceasedBoolean=False, active=True),
        )
        assert imported.result.warnings == {"inactive-patient": 2, "deceased-patient": 1}
        assert [*MedicalRecord.objects.values_list("pk", flat=True)] == ["P3", "P4"]

    def test_the_latest_version_of_a_patient_counts(self, import_resources: Any) -> None:
        import_resources(
            patient(gender="other", meta={"lastUpdated": "2024-01-02T00:00:00Z"}),
            patient(gender="male", meta={"lastUpdated": "2024-01-02T00:00:01+00:00"}),
            patient(gender="female", meta={"lastUpdated": "2023-01-01T00:00:00Z"}),
        )
        assert fields()["gender"] == "M"

    def test_the_same_patient_twice_counts_once_and_with_other_contents_is_an_error(
        self, import_resources: Any
    ) -> None:
        imported = import_resources(patient(), patient(), patient("P2"), patient("P2", gender="male"))
        (error,) = imported.errors
        assert str(error) == (
            "all.ndjson, line 3, Patient.id “id-P2”:"
            " The same Patient is also in all.ndjson, line 4, with other contents. Keep one of them."
        )

    def test_two_patients_with_one_number_are_errors(self, import_resources: Any) -> None:
        imported = import_resources(patient("P1"), patient("P1", id="another"), patient("P2"))
        assert [str(error).partition(":")[0] for error in imported.errors] == [
            "all.ndjson, line 1, Patient.identifier “P1”",
            "all.ndjson, line 2, Patient.identifier “P1”",
        ]


class TestFacts:
    def test_only_active_conditions_count(self, import_resources: Any) -> None:
        wrong = {"coding": [{"code": "entered-in-error"}]}
        import_resources(
            patient(),
            condition("C", status="recurrence"),
            condition("b", status="relapse"),
            condition("A", status="active"),
            condition("a", status="active"),
            condition("Gone", status="resolved"),
            condition("Wrong", verificationStatus=wrong),
            condition("Refuted", verificationStatus={"coding": [{"code": "refuted"}]}),
        )
        assert fields()["medical_conditions"] == "A, b, C"

    def test_a_condition_without_a_text_has_the_display_of_its_code(self, import_resources: Any) -> None:
        code = {"coding": [{"code": "1"}, {"code": "2", "display": "Gout, acute"}]}
        import_resources(patient(), condition(code=code))
        assert fields()["medical_conditions"] == "Gout; acute"

    def test_a_condition_without_any_text_makes_its_patient_invalid(self, import_resources: Any) -> None:
        imported = import_resources(patient(), patient("P2"), condition(code={"coding": [{"code": "195967001"}]}))
        (error,) = imported.errors
        assert str(error) == (
            "all.ndjson, line 3, Condition.code “195967001”:"
            " There is no text. Add code.text, or the display of a coding."
        )
        assert imported.run.invalid_count == 1

    def test_that_no_allergy_is_known_is_no_allergy(self, import_resources: Any) -> None:
        code = {"coding": [{"code": "716186003"}], "text": "No known allergy"}
        imported = import_resources(patient(), allergy(code=code), allergy("Nuts", clinicalStatus=None))
        assert fields()["allergies"] == ""
        assert (
            "Left out: 1 AllergyIntolerance saying that none is known, 1 AllergyIntolerance without a clinical status"
            in (imported.notices)
        )

    @pytest.mark.parametrize(
        ("resource", "takes"),
        [
            (medication("active"), True),
            (medication("active", kind="MedicationStatement"), True),
            (medication("completed"), False),
            (medication("stopped", kind="MedicationStatement"), False),
            (medication("active", doNotPerform=True), False),
        ],
    )
    def test_any_active_medication_counts(self, import_resources: Any, resource: Content, *, takes: bool) -> None:
        import_resources(patient(), resource, medication("cancelled"))
        assert fields()["medications"] is takes

    def test_the_last_finished_encounter_counts_with_the_day_in_its_own_offset(self, import_resources: Any) -> None:
        import_resources(
            patient(),
            encounter("2024-06-14T23:30:00-05:00"),
            encounter("2024-06-13T10:00:00Z"),
            encounter("2025-01-01T10:00:00Z", status="planned"),
            encounter("", period={"start": "2024-06-15T01:00:00+14:00"}),
            encounter("", period={}),
        )
        assert fields()["last_appointment_date"] == date(2024, 6, 15)

    def test_an_incomplete_date_matters_only_if_it_may_be_the_last(self, import_resources: Any) -> None:
        import_resources(patient(), encounter("2024-06-14"), encounter("2023"))
        assert fields()["last_appointment_date"] == date(2024, 6, 14)
        imported = import_resources(patient(), encounter("2024-06-14"), encounter("2024-06"))
        (error,) = imported.errors
        assert str(error).startswith("all.ndjson, line 3, Encounter.period “2024-06”: The date is not complete")

    def test_repeated_resources_count_once_in_their_latest_version(self, import_resources: Any) -> None:
        import_resources(
            patient(),
            condition("Asthma", id="1", meta={"lastUpdated": "2024-01-01T00:00:00Z"}),
            condition("Asthma", id="1", status="resolved", meta={"lastUpdated": "2024-02-01T00:00:00Z"}),
            condition("Gout", id="2"),
            condition("Gout", id="2"),
        )
        assert fields()["medical_conditions"] == "Gout"

    def test_repeated_resources_that_differ_are_errors(self, import_resources: Any) -> None:
        imported = import_resources(patient(), condition("Asthma", id="1"), condition("Gout", id="1"))
        assert [error.source for error in imported.errors] == ["all.ndjson, line 2", "all.ndjson, line 3"]
        assert "several times, with different contents" in imported.errors[0].reason


class TestReferences:
    @pytest.mark.parametrize(
        "subject",
        [
            {"reference": "Patient/id-P1"},
            {"reference": "Patient/id-P1/_history/3"},
            {"reference": "https://ehr.example/fhir/Patient/id-P1"},
            {"reference": "https://ehr.example/fhir/Patient/id-P1/_history/1"},
            {"reference": "Patient?identifier=urn:hospital|P1"},
            {"reference": "Patient?identifier=urn%3Ahospital%7CP1"},
            {"reference": "#me"},
            {"identifier": {"system": "urn:hospital", "value": "P1"}},
            {"identifier": {"value": "P1"}},
        ],
    )
    def test_a_patient_is_found(self, import_resources: Any, subject: Content) -> None:
        me = {"resourceType": "Patient", "id": "me", "identifier": [{"system": "urn:hospital", "value": "P1"}]}
        import_resources(patient(), condition(subject=subject, contained=[me]))
        assert fields()["medical_conditions"] == "Asthma"

    @pytest.mark.parametrize(
        ("subject", "shown"),
        [
            (refer("P9"), "Condition.subject “Patient/id-P9”: The upload has no such Patient."),
            ({"reference": "Group/1"}, "Condition.subject “Group/1”: The upload has no such Patient."),
            ({"reference": "#nobody"}, "Condition.subject “#nobody”: The upload has no such Patient."),
            ({"reference": "urn:uuid:1"}, "Condition.subject “urn:uuid:1”: The upload has no such Patient."),
            (
                {"reference": "Patient?identifier=urn:x|P1"},
                "Condition.subject “urn:x|P1”: The upload has no such Patient.",
            ),
            ({}, "Condition.subject: The resource does not say which patient it is about."),
            ("Patient/id-P1", "Condition.subject: The resource does not say which patient it is about."),
        ],
    )
    def test_others_are_errors_with_their_place(self, import_resources: Any, subject: Any, shown: str) -> None:
        imported = import_resources(patient(), condition(subject=subject))
        (error,) = imported.errors
        assert str(error).startswith(f"all.ndjson, line 2, {shown}")
        assert imported.run.invalid_count == 0

    def test_the_server_of_an_absolute_reference_must_be_that_of_the_patient(self, tmp_path: Path) -> None:
        said = condition(subject={"reference": "https://b.example/Patient/id-P1"})
        urls = ["https://a.example/Patient/id-P1", "https://a.example/Condition/1"]
        imported = import_files(write_bundle(tmp_path / "b.json", patient(), said, full_urls=urls))
        assert [error.source for error in imported.errors] == ["b.json, entry 2"]

    def test_an_upload_without_patients_says_so(self, import_resources: Any) -> None:
        (error,) = import_resources(condition()).errors
        assert str(error).startswith("The upload has no Patient.")


class TestWhatIsMissing:
    def test_a_missing_type_leaves_its_field_unchanged(self, import_resources: Any) -> None:
        factories.medical_record(
            "P1",
            name="Ada King Byron",
            medical_conditions="Gout",
            allergies="Nuts",
            medications=True,
            last_appointment_date=date(2020, 1, 1),
            tracker="Band 2",
        )
        imported = import_resources(patient(gender="other"), patient("P2"), accept=["gender-or-birth-date"])
        assert (imported.counts.new, imported.counts.changed) == (1, 1)
        assert fields() == {
            "name": "Ada King Byron",
            "gender": "O",
            "medical_conditions": "Gout",
            "medications": True,
            "allergies": "Nuts",
            "last_appointment_date": date(2020, 1, 1),
            "tracker": "Band 2",
        }
        assert fields("P2")["medications"] is False
        assert (
            "The upload has no MedicationRequest or MedicationStatement, so existing records keep whether they take"
            " medication, and new ones get “No”."
        ) in imported.notices

    def test_a_type_that_the_upload_has_for_others_means_none(self, import_resources: Any) -> None:
        factories.medical_record("P1", name="Ada King Byron", medical_conditions="Gout")
        imported = import_resources(patient(), patient("P2"), condition(number="P2"))
        assert imported.result.held == {"condition-or-allergy-removed": 1}

    def test_the_same_terms_in_another_order_are_no_change(self, import_resources: Any) -> None:
        factories.medical_record("P1", name="Ada King Byron", medical_conditions="gout,Asthma")
        assert import_resources(patient(), condition("Asthma"), condition("Gout")).counts.unchanged == 1

    def test_other_resources_are_counted(self, import_resources: Any) -> None:
        others = [{"resourceType": kind} for kind in ("Observation", "Observation", "Device", "Claim")]
        deletion = {"resourceType": "Bundle", "entry": [{"request": {"method": "DELETE", "url": "Patient/1"}}]}
        notices = import_resources(patient(), *others, deletion).notices
        assert "Left to the import of readings, for which you upload the same files: 2 Observation, 1 Device" in notices
        assert "Not imported, because records have no place for them: 1 Claim" in notices
        assert any(notice.startswith("The upload deletes resources: 1 Patient.") for notice in notices)

    def test_a_birth_date_after_the_stored_appointment_is_an_error(self, import_resources: Any) -> None:
        factories.medical_record("P1", last_appointment_date=date(1990, 1, 1))
        (error,) = import_resources(patient(birthDate="1991-01-01")).errors
        assert "The last appointment in the record is before this date of birth." in error.reason

    def test_importing_twice_changes_nothing(self, import_resources: Any) -> None:
        import_resources(*EVERYTHING)
        assert import_resources(*EVERYTHING).counts.unchanged == 1


class TestBadFiles:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (as_ndjson(*EVERYTHING)[:-20], "export.json, line 6: The line is not JSON: it is damaged or was cut off."),
            (json.dumps(bundle(*EVERYTHING)).encode()[:-20], "export.json, entry 6: The Bundle is damaged"),
            (json.dumps(bundle(*EVERYTHING), indent=1).encode()[:-90], "export.json, entry 6: The Bundle is damaged"),
            (json.dumps(bundle(*EVERYTHING), indent=1).encode()[:-3], "export.json, entry 7: The Bundle is damaged"),
            (as_ndjson(patient(), {"a": 1}), "export.json, line 2: There is no resource of FHIR"),
            (as_ndjson(patient(), condition(clinicalStatus="active")), "line 2, Condition.clinicalStatus “active”:"),
            (as_ndjson(patient(name=[{"family": ["B"]}])), "Patient.name.family: This is a list, as in FHIR DSTU2."),
            (as_ndjson(patient(), {**encounter(), "class": [{}]}), "as in FHIR R5. HealthTrack reads FHIR R4."),
            (as_ndjson(patient()).decode().encode("utf-16"), ""),
        ],
    )
    def test_a_file_that_cannot_be_read_says_why_and_where(self, tmp_path: Path, content: bytes, message: str) -> None:
        path = tmp_path / "export.json"
        path.write_bytes(content)
        imported = import_files(path)
        assert message in str(imported.errors[0])
        assert not MedicalRecord.objects.exists()

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b'<Patient xmlns="http://hl7.org/fhir"/>', "other.json: The file is XML. Export the data as FHIR R4"),
            (b"patient_id,name\n1,Ada\n", "other.json: The file is not FHIR in JSON."),
            (b"", "other.json: The file is empty."),
            (b"{\n", "other.json: The file is not JSON"),
        ],
    )
    def test_every_file_of_the_upload_must_be_fhir(self, tmp_path: Path, content: bytes, message: str) -> None:
        (tmp_path / "other.json").write_bytes(content)
        imported = import_files(write_ndjson(tmp_path / "p.ndjson", patient()), tmp_path / "other.json")
        assert str(imported.errors[0]).startswith(message)

    def test_several_tables_are_no_upload(self, tmp_path: Path) -> None:
        for name in ("1.csv", "2.csv"):
            (tmp_path / name).write_text("patient_id,name\n")
        imported = import_files(tmp_path / "1.csv", tmp_path / "2.csv")
        assert [error.reason for error in imported.errors] == [
            "Choose one file only. Upload the others one after the other."
        ]

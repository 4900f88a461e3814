"""The warnings of imported records: valid rows that would put wrong facts into the record with their number.

The conditions are SQL over `rows`, a row of the file, and `target`, the record with the same number.
"""

from collections.abc import Iterable, Sequence

from healthtrack.imports.row_warnings import Decision, RowWarning
from patients.expressions import Terms
from patients.linking.links import another_tracker_meant

_ANOTHER_PERSON = "(lower(rows.name) <> lower(target.name) AND rows.date_of_birth <> target.date_of_birth)"
# An edit by a person that no import has overwritten since. Undone imports do not count.
_EDITED = """
    EXISTS (SELECT FROM changes AS edit
             WHERE edit.patient_id = target.patient_id AND edit.table_name = 'medical_records'
               AND edit.person_id IS NOT NULL AND edit.fields ?| {changed}
               AND (edit.run_id IS NULL
                    OR EXISTS (SELECT FROM import_runs AS run
                                WHERE run.run_id = edit.run_id AND run.kind = 'edit' AND run.state <> 'undone'))
               AND NOT EXISTS (SELECT FROM changes AS later JOIN import_runs AS run USING (run_id)
                                WHERE later.patient_id = edit.patient_id AND later.table_name = 'medical_records'
                                  AND later.change_id > edit.change_id
                                  AND run.kind = 'import' AND run.state <> 'undone'))
"""
_LINKED_BY_STAFF = """
    (target.unlinked_model_ids <> '{}'
     OR EXISTS (SELECT FROM medical_record_and_trackers AS link
                 WHERE link.patient_id = target.patient_id AND link.source = 'staff'))
"""


def _of_same_person(condition: str) -> str:
    return f"NOT {_ANOTHER_PERSON} AND {condition}"


def _lacks(column: str) -> str:
    """Return the condition that the file lacks a term of the record's list."""
    old, new = (Terms.template % {"expressions": f"{row}.{column}"} for row in ("target", "rows"))
    return f"(target.{column} NOT IN ('', rows.{column}) AND NOT {old} <@ {new})"


# About whom the row is.
_OF_THE_PERSON = (
    RowWarning(
        "merged-patient",
        "Merged patient",
        "The record with this number was merged into another one.",
        "EXISTS (SELECT FROM former_patient_numbers WHERE number = rows.patient_id)",
        of_new=True,
    ),
    RowWarning(
        "another-person",
        "Another person",
        "Name and date of birth both differ from the record with this number.",
        _ANOTHER_PERSON,
    ),
)
# What the row says about the person.
_OF_THE_CONTENT = (
    RowWarning(
        "condition-or-allergy-removed",
        "Condition or allergy removed",
        "The record has a condition or an allergy that the file lacks.",
        _of_same_person(f"({_lacks('medical_conditions')} OR {_lacks('allergies')})"),
    ),
    RowWarning(
        "gender-or-birth-date",
        "Gender or date of birth changes",
        "The file has another gender or date of birth than the record.",
        _of_same_person("(rows.gender <> target.gender OR rows.date_of_birth <> target.date_of_birth)"),
    ),
    RowWarning(
        "inactive-patient",
        "Inactive patient",
        "The file says that the source does not use this patient any more, for example after a merge.",
        "rows.marks @> ARRAY['inactive']",
        of_new=None,
    ),
    RowWarning(
        "earlier-appointment",
        "Last appointment moves back",
        "The file has an earlier last appointment than the record, or none.",
        _of_same_person("(target.last_appointment_date > coalesce(rows.last_appointment_date, '-infinity'))"),
        Decision.IMPORT,
    ),
    RowWarning(
        "tracker-linked-by-hand",
        "Reported tracker changes, linked by hand",
        "Staff linked or unlinked trackers of this patient. The new reported tracker replaces their links.",
        _of_same_person(
            f"CASE WHEN rows.tracker <> target.tracker AND {_LINKED_BY_STAFF}"
            f" THEN {another_tracker_meant('target.tracker', 'rows.tracker')} ELSE false END"
        ),
        Decision.IMPORT,
    ),
    RowWarning(
        "deceased-patient",
        "Deceased patient",
        "The file says that the patient has died. Records have no field for that.",
        "rows.marks @> ARRAY['deceased']",
        Decision.IMPORT,
        of_new=None,
    ),
)


def get_row_warnings(columns: Iterable[str]) -> Sequence[RowWarning]:
    """Return the kinds of warnings, the most serious first; `columns` are those that an import can change.

    A row of another person has no other kind: it replaces all that is known about the patient.
    """
    edited_by_hand = RowWarning(
        "edited-by-hand",
        "Edited by hand",
        "Somebody edited the same field of the record after the last import that changed it.",
        _of_same_person(_EDITED.format(changed=_changed(columns))),
    )
    return [*_OF_THE_PERSON, edited_by_hand, *_OF_THE_CONTENT]


def _changed(columns: Iterable[str]) -> str:
    names = (f"CASE WHEN rows.{name} IS DISTINCT FROM target.{name} THEN '{name}' END" for name in columns)
    return f"array_remove(ARRAY[{', '.join(names)}], NULL)"

"""The importer of readings."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.db import connection
from django.http import QueryDict
from django.template.defaultfilters import pluralize
from django.urls import reverse

import healthtrack
from healthtrack.imports import staging_tables
from healthtrack.imports.importer import (
    Importer,
    PagePart,
    Person,
    Question,
    QuestionWording,
    ReadingPlan,
    ResultLink,
    RunInput,
    Summary,
    UndoPreview,
)
from healthtrack.imports.life_cycle.outcomes import CollisionError
from healthtrack.imports.limits import format_size
from healthtrack.imports.models import ImportRun, Stage, State
from healthtrack.imports.progress import Progress
from healthtrack.imports.reasons import Reason
from healthtrack.imports.results import ApplyResult, CheckResult, StalePreview
from healthtrack.imports.row_errors import FileError
from readings.addresses import VIEW, get_address
from readings.devices.attribution import attribute
from readings.devices.created_devices import ensure_devices, remove_unused_devices
from readings.formats.own import OWN_COLUMNS, OwnForm
from readings.formats.registry import FORMATS, count_fit
from readings.importing import assignments, preview, questions
from readings.importing.assignments import StagedAssignments
from readings.importing.repetition import READ_BY
from readings.importing.staging_files import FileStaging
from readings.importing.undone_assignments import take_back
from readings.importing.unreadable import Place, UnreadableRows, list_unreadable
from readings.models import ReadingRun
from readings.store import undoing
from readings.store.applying import Application, lock_order
from readings.store.counting import count_changes
from readings.store.episodes import count as count_episodes
from readings.store.staging import StagedReadings

NAME = "readings.reading"
MAX_BYTES = 4 * 1024**3
MAX_LEFT_OUT = 50  # kinds
NOTHING_CHANGES = (
    "Nothing in this file is new, so it would not change anything. Import it only if you are going to undo the import"
    " that brought it."
)
_COMPARED = ("new", "changed", "unchanged")
# What a preview shows, and what must be the same when it is imported.
_SAME = (*_COMPARED, *(f"{name}_episodes" for name in _COMPARED), *assignments.COUNTED)
_WRITTEN = [name for name in _SAME if not name.startswith("unchanged")]
# Those who have a record and have not withdrawn their consent. Nobody can delete a record before the transaction ends.
_LOCK_PATIENTS = """
    SELECT count(*) FROM (SELECT patient_id FROM medical_records
                           WHERE patient_id IN (SELECT patient_id FROM {streams})
                             AND coalesce((SELECT is_given FROM reading_consents AS consent
                                            WHERE consent.patient_id = medical_records.patient_id
                                            ORDER BY since DESC LIMIT 1), true)
                           ORDER BY patient_id FOR KEY SHARE) AS own
"""


class ReadingsImporter(Importer):
    """Imports readings from files of many formats: plain, compressed with gzip, or in a zip or tar archive."""

    name = NAME
    label = "readings"
    unit = "reading"
    takes_several_files = True
    accepts = ".csv,.tsv,.txt,.ndjson,.jsonl,.json,.xml,.fit,.db,.gz,.zip,.tgz,.tar"
    names_patients = True

    def may_import(self, person: Person) -> bool:
        return person.has_perm("readings.import_reading") and self.may_view(person)

    def may_view(self, person: Person) -> bool:
        return person.has_perm("readings.view_readingday")

    def count_patients(self, run: ImportRun) -> int:
        return int(run.result.get("patients", 0))

    @property
    def upload_url(self) -> str:
        return reverse("admin:imports_importrun_upload", args=[self.name])

    @property
    def list_url(self) -> str:
        return reverse("readings:patients")

    def get_result_link(self, run: ImportRun, person: Person) -> ResultLink:
        patients = preview.find_patients(run.run_id) if person.has_perms(VIEW) else []
        if len(patients) != 1:
            return super().get_result_link(run, person)
        return ResultLink(get_address(patients[0]), "See the patient's readings", patients)

    @property
    def max_bytes(self) -> int:
        return MAX_BYTES

    def upload_hint(self) -> str:
        packed = "also in gzip, zip or tar files"
        return f"Files of devices and apps, CSV or NDJSON, {packed}, at most {format_size(MAX_BYTES)}"

    def find_misleading_name(self, name: str, path: Path) -> str:
        if Path(name).suffix.lower() in self.accepts.split(","):
            return ""
        *endings, last = self.accepts.split(",")
        return f"The name of the file must end in {', '.join(endings)} or {last}."

    def recognize(self, path: Path) -> int:
        return count_fit(path)

    def upload_help(self) -> PagePart:
        formats = [each.label for each in FORMATS if each.name != OwnForm.name]
        return PagePart("readings/upload-help.html", {"columns": OWN_COLUMNS, "formats": formats})

    def plan_again(self, work: RunInput, progress: Progress) -> ReadingPlan:
        return ReadingPlan(work.plan.parts, [each for each in work.plan.questions if each.name not in work.answers])

    def wording(self, question: Question) -> QuestionWording:
        return questions.get_wording(question)

    def make_answers_form(
        self, run: ImportRun, files: object, data: QueryDict | None = None
    ) -> questions.ReadingsAnswersForm:
        return questions.ReadingsAnswersForm(ReadingPlan.from_json(run.plan), data)

    def check(self, work: RunInput, progress: Progress) -> CheckResult:
        staging_tables.drop(work.run_id)
        staging = FileStaging(work, questions.get_answers(work.answers))
        try:
            staging.run(progress)
        except FileError as error:
            staging.unreadable.add_lines(Place(0, "", ""), error.errors)
            return CheckResult(errors=len(error.errors), refused=Reason.UNREADABLE)
        if staging.missing:
            return CheckResult(plan=questions.make_plan(staging.missing))
        return self._compare(staging, progress)

    def _compare(self, staging: FileStaging, progress: Progress) -> CheckResult:
        progress.begin(Stage.COMPARING)
        with connection.cursor() as cursor:
            application = Application(staging.staged)
            contradictory = application.compare(cursor)
            staging.unreadable.add_contradictory(staging.places, contradictory)
            counts = {**count_changes(cursor, application), **count_episodes(cursor, staging.staged)}
            counts |= staging.assignments.compare(cursor)
            details = {
                **counts,
                **preview.describe(cursor, application),
                "unreadable": staging.unreadable.total,
                "contradictory": len(contradictory),
                "left_out": dict(staging.left_out.most_common(MAX_LEFT_OUT)),
                READ_BY: healthtrack.__version__,
            }
        return CheckResult(
            read=staging.read,
            invalid=staging.unreadable.total,
            errors=staging.unreadable.total,
            affected=counts["days"],
            refused=_refuse(staging),
            details=details,
        )

    def apply(self, work: RunInput, progress: Progress) -> ApplyResult | StalePreview:
        progress.begin(Stage.TURN)
        lock_order()
        application = Application(StagedReadings(work.run_id))
        worn = StagedAssignments(work.run_id)
        worn.create()
        with connection.cursor() as cursor:
            progress.begin(Stage.COMPARING_AGAIN)
            patients = self._lock_patients(cursor, application)
            contradictory = application.compare(cursor)
            counts = {**count_changes(cursor, application), **count_episodes(cursor, application.staged)}
            counts |= worn.compare_again(cursor)
            found = ImportRun.objects.values_list("result__left_out", "result__contradictory")
            left_out, reported = found.get(pk=work.run_id)
            if len(contradictory) != (reported or 0):
                raise CollisionError  # nobody has seen these errors, or they are none any more
            details = {**counts, **preview.describe(cursor, application), "left_out": left_out or {}}
            details[READ_BY] = healthtrack.__version__
            if work.previewed and any(counts[name] != work.previewed.get(name, 0) for name in _SAME):
                return StalePreview(counts["days"], {**details, "is_stale": True})
            progress.begin(Stage.WRITING, sum(counts[name] for name in _COMPARED))
            application.write(cursor, progress.advance)
            concerned = ensure_devices({**worn.get_devices(cursor), **preview.get_devices(cursor, application.staged)})
            concerned |= worn.write(cursor)
        attribute({*patients, *concerned})
        return ApplyResult(counts["days"], {**details, **preview.count_devices(work.run_id)})

    def _lock_patients(self, cursor: Any, application: Application) -> list[str]:
        streams = application.staged.streams
        cursor.execute(f"SELECT DISTINCT patient_id FROM {streams}")  # noqa: S608 (own name)
        patients = [number for (number,) in cursor.fetchall()]
        cursor.execute(_LOCK_PATIENTS.format(streams=streams))
        if cursor.fetchone()[0] != len(patients):
            raise CollisionError
        return patients

    def undo(self, run: ImportRun, undo: ImportRun, progress: Progress) -> ApplyResult:
        progress.begin(Stage.TURN)
        lock_order()
        progress.begin(Stage.WRITING)
        with connection.cursor() as cursor:
            days = undoing.undo(cursor, run.run_id)
        worn = take_back(run)
        attribute(worn.patients)
        remove_unused_devices(run.run_id, run.first_change)
        return ApplyResult(days, {"left_assignments": worn.left})

    def can_undo(self, run: ImportRun) -> bool:
        """Return whether the run brought readings and is not final. An undo has removed them for good."""
        return not run.is_undo and ReadingRun.objects.filter(pk=run.pk, is_final=False).exists()

    def preview(self, run: ImportRun, query: QueryDict) -> PagePart | None:
        return preview.make_part(run)

    def preview_undo(self, run: ImportRun) -> UndoPreview:
        days = preview.count_days(run.run_id)
        return UndoPreview("readings/undo-preview.html", {"run": run, "days": days}, deleted=days)

    def changes_nothing(self, run: ImportRun) -> bool:
        return "new" in run.result and not any(run.result.get(name) for name in _WRITTEN)

    def summary(self, run: ImportRun) -> Summary:
        if "new" not in run.result or run.state in {State.FAILED, State.EXPIRED}:
            return Summary()
        found = run.result
        lines = [f"{name}: {found[name]:,}" for name in (*_COMPARED, "unreadable", "days")]
        if episodes := found.get("new_episodes", 0) + found.get("changed_episodes", 0):
            lines.append(f"nights and workouts: {episodes:,}")
        lines += [
            f"assignments of devices, {name.partition('_')[0]}: {found[name]:,}"
            for name in assignments.COUNTED
            if found.get(name)
        ]
        left_out = [f"not imported, {label}: {count:,}" for label, count in found.get("left_out", {}).items()]
        new = found["new"]
        verb = "would be" if not (run.is_applied or run.is_undone) else "was" if new == 1 else "were"
        headline = f"{new:,} reading{pluralize(new)} {verb} added and {found['changed']:,} changed."
        if run.is_checked and self.changes_nothing(run):
            headline = NOTHING_CHANGES
        if episodes:
            headline += f" Nights and workouts: {episodes:,}."
        if worn := found.get("new_assignments", 0) + found.get("changed_assignments", 0):
            headline += f" Assignments of devices: {worn:,}."
        is_refused = run.state == State.REFUSED  # a command then prints the notices only
        unassigned = found.get("unassigned", 0) if run.is_applied else 0
        part = PagePart("readings/outcome.html", {"unassigned": unassigned}) if unassigned else None
        return Summary(headline, [*lines, *left_out], left_out if is_refused else (), part)

    def undo_summary(self, run: ImportRun, query: QueryDict) -> Summary:
        if run.first_change is None:
            return Summary()
        headline = "The readings of the import were removed."
        if left := run.result.get("left_assignments", 0):
            headline += f" Assignments of devices that stay, because somebody changed them or what they meet: {left:,}."
        return Summary(headline)

    def as_json(self, run: ImportRun) -> dict[str, object]:
        names = (*_SAME, "unreadable", "days", "devices", "unassigned", "left_out")
        counts: Mapping[str, Any] = {"unreadable": run.invalid_count, **run.result}
        return {**{name: counts.get(name, 0) for name in names}, "seconds": round(run.seconds, 3), "run": run.run_id}

    def errors(self, run: ImportRun) -> Iterator[str]:
        return map(str, list_unreadable(run.run_id))

    def release(self, run: ImportRun) -> None:
        """Drop the staged readings; the unreadable rows stay until their retention is over."""
        if run.error_count and run.state in {State.APPLIED, State.REFUSED}:
            staging_tables.drop(run.run_id, leave=UnreadableRows(run.run_id).table)
        else:
            staging_tables.drop(run.run_id)


def _refuse(staging: FileStaging) -> Reason:
    """Return why there is nothing to import, if that is so."""
    if staging.episodes.count or staging.assignments.count or staging.unreadable.total < staging.read:
        return Reason.NONE
    return Reason.NO_VALID_ROW if staging.read else Reason.NOTHING_TO_IMPORT


readings = ReadingsImporter()

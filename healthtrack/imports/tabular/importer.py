"""The importer of files that hold one table. A resource declares the columns, and the engine does the work."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from django.http import QueryDict
from django.urls import reverse

from healthtrack.imports import staging_tables
from healthtrack.imports.answers import AnswersForm
from healthtrack.imports.columns.plan import DuplicateRows
from healthtrack.imports.columns.words import Meaning, get_documented_words, has_few_words, is_yes_no
from healthtrack.imports.detection import names
from healthtrack.imports.detection.choices import describe_meanings
from healthtrack.imports.detection.duplicates import add_duplicate_rule
from healthtrack.imports.detection.fitting import count_known_columns, has_poor_match, measure_columns
from healthtrack.imports.detection.labels import describe_part
from healthtrack.imports.detection.memory import Remembered, remember_plan
from healthtrack.imports.detection.planner import make_plan
from healthtrack.imports.detection.questions import describe_question
from healthtrack.imports.fitting import redirect_plan
from healthtrack.imports.importer import (
    PERHAPS,
    Certainty,
    DetectedPart,
    Importer,
    PagePart,
    Person,
    Question,
    QuestionWording,
    ReadingPlan,
    RunInput,
    StoredFile,
    Summary,
    UndoPreview,
)
from healthtrack.imports.limits import describe_limits
from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.profiles import find_profiles
from healthtrack.imports.progress import Progress
from healthtrack.imports.reading.file_names import find_misleading_ending
from healthtrack.imports.results import ApplyResult, CheckResult, StalePreview, TabularResult
from healthtrack.imports.row_warnings import Choice, Decisions, RowWarning
from healthtrack.imports.tables import engine
from healthtrack.imports.tables.resources import BulkModelResource
from healthtrack.imports.tabular import error_report, preview_queries, wording
from healthtrack.imports.tabular.other_forms import OtherForm

_EFFECTS = ("linked", "unmatched", "ambiguous")  # the JSON of the commands always has these


class TabularImporter(Importer):
    """Imports the rows of one CSV, TSV or XLSX file into the table of a resource's model.

    `forms` are other forms of uploads, of one or several files, that it makes a table of.
    """

    unit = "row"
    reads_again = True
    accepts = ".csv,.tsv,.txt,.xlsx"

    def __init__(self, name: str, resource_class: type[BulkModelResource], forms: Sequence[OtherForm] = ()) -> None:
        self.name = name
        self.forms = forms
        self.takes_several_files = bool(forms)
        self.accepts = ",".join([TabularImporter.accepts, *(form.accepts for form in forms)])
        self.resource_class = resource_class
        self.model = resource_class._meta.model
        self.label = str(self.model._meta.verbose_name_plural)
        self.names_patients = bool(resource_class.patient_column)

    @property
    def resource(self) -> BulkModelResource:
        """Return a new resource, for one use only, because it caches what it derives from its model."""
        return self.resource_class()

    def may_import(self, person: Person) -> bool:
        return person.has_perm(self._permission("import")) and self.may_view(person)

    def may_view(self, person: Person) -> bool:
        """Return whether Django's admin lets the person see the stored rows, which the preview shows too."""
        return person.has_perm(self._permission("view")) or person.has_perm(self._permission("change"))

    def _permission(self, action: str) -> str:
        return f"{self.model._meta.app_label}.{action}_{self.model._meta.model_name}"

    @property
    def list_url(self) -> str:
        return reverse(f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}_changelist")

    def upload_hint(self) -> str:
        others = "".join(f"; {form.hint}" for form in self.forms)
        return f"CSV, TSV or XLSX, {describe_limits()}{others}"

    def find_misleading_name(self, name: str, path: Path) -> str:
        form = self._find_form([path])
        return form.find_misleading_name(name, path) if form else find_misleading_ending(name, path)

    def takes(self, paths: Sequence[Path]) -> bool:
        return len(paths) == 1 or self._find_form(paths) is not None

    def recognize(self, path: Path) -> int:
        form = self._find_form([path])
        return form.recognize(path) if form else count_known_columns(path, self.resource.plan.columns, self._recall)

    def measure_fit(self, path: Path) -> float:
        has_form = any(form.recognize(path) > PERHAPS for form in self.forms)
        return 1 if has_form else measure_columns(path, self.resource.plan.columns)

    def _find_form(self, paths: Iterable[Path]) -> OtherForm | None:
        """Return the form that one of the files has, or None if all are files with a table."""
        paths = [*paths]
        return next((form for form in self.forms if any(map(form.recognize, paths))), None)

    def _get_form(self, plan: ReadingPlan) -> OtherForm | None:
        """Return the form that the plan has found."""
        named = {part.value for part in plan.parts if part.name == names.FORM}
        return next((form for form in self.forms if form.name in named), None)

    def upload_help(self) -> PagePart:
        from healthtrack.imports.tabular import upload_help  # noqa: PLC0415  (only pages need it)

        plan = self.resource.plan
        combines = plan.duplicate_rows is DuplicateRows.MEAN and bool(plan.values)
        columns, templates = upload_help.describe_columns(self.resource), upload_help.get_template_urls(self.model)
        view = {"columns": columns, "templates": templates, "combines": combines}
        return PagePart("imports/upload-help.html", view)

    def check(self, work: RunInput, progress: Progress) -> CheckResult:
        form = self._get_form(work.plan)
        source = form.make_source(work.files, progress) if form else engine.make_source(work)
        result = engine.check(self.resource, work, progress, source)
        return result or CheckResult(plan=self._make_plan(work.files[0], work.answers, whole=True))

    def plan(self, files: Sequence[StoredFile], progress: Progress) -> ReadingPlan:
        if form := self._find_form(file.path for file in files):
            return ReadingPlan([DetectedPart(names.FORM, form.name)])
        return self._make_plan(files[0], {}) if len(files) == 1 else ReadingPlan()

    def plan_again(self, work: RunInput, progress: Progress) -> ReadingPlan:
        if self._get_form(work.plan) or len(work.files) > 1:
            return work.plan
        return self._make_plan(work.files[0], work.answers)

    def may_read_again(self, run: ImportRun) -> bool:
        return self._get_form(ReadingPlan.from_json(run.plan)) is None

    def _make_plan(self, file: StoredFile, answers: Mapping[str, str], *, whole: bool = False) -> ReadingPlan:
        plan = self.resource.plan
        profiles: list[Remembered] = []

        def recall(headers: Sequence[str]) -> Sequence[Remembered]:
            profiles[:] = self._recall(headers)
            return profiles

        reading = make_plan(file.path, plan.columns, answers, recall, whole=whole)
        found = add_duplicate_rule(reading, plan, answers, profiles)
        return redirect_plan(found, self, [file.path]) if has_poor_match(found, plan.columns) else found

    def _recall(self, headers: Sequence[str]) -> Sequence[Remembered]:
        corrected = error_report.get_corrected_run(headers)
        if corrected and (run := ImportRun.objects.filter(pk=corrected, importer=self.name).first()):
            return [remember_plan(corrected, ReadingPlan.from_json(run.plan))]
        return [Remembered(profile.name, profile.answers) for profile in find_profiles(self.name, headers)]

    def wording(self, question: Question) -> QuestionWording:
        return describe_question(question, self.resource.plan.columns)

    def make_answers_form(
        self, run: ImportRun, files: Sequence[StoredFile], data: QueryDict | None = None
    ) -> AnswersForm:
        from healthtrack.imports.detection.reading_form import ReadingForm  # noqa: PLC0415  (only pages need it)

        path = files[0].path if files and run.has_uploads else None
        return ReadingForm(ReadingPlan.from_json(run.plan), self.resource.plan.columns, path, run.answers, data)

    def describe_fields(self) -> Mapping[str, str]:
        return {column.name: column.header for column in self.resource.plan.columns}

    def describe_meanings(self, field: str) -> Mapping[str, str]:
        return describe_meanings(field, self.resource.plan.columns)

    @property
    def meanings(self) -> Mapping[str, str]:
        few = [column for column in self.resource.plan.columns if has_few_words(column) and not is_yes_no(column)]
        choices = {word: value for column in few for word, value in get_documented_words(column).items()}
        return {"yes": Meaning.YES, "no": Meaning.NO, "none": Meaning.NONE, "text": Meaning.AS_IT_IS, **choices}

    def describe_assumptions(self, run: ImportRun) -> Mapping[str, str]:
        columns = self.resource.plan.columns
        assumed = (part for part in ReadingPlan.from_json(run.plan).parts if part.certainty is Certainty.ASSUMED)
        return {part.name: describe_part(part, columns) for part in assumed}

    def apply(self, work: RunInput, progress: Progress) -> ApplyResult | StalePreview:
        return engine.apply(self.resource, work, progress)

    @property
    def warnings(self) -> Sequence[RowWarning]:
        return self.resource.row_warnings()

    def changes_nothing(self, run: ImportRun) -> bool:
        return TabularResult.of(run.result).changes_nothing

    def count_held(self, run: ImportRun) -> int:
        return TabularResult.of(run.result).counts.held

    def decide(self, work: RunInput, choice: Choice) -> StalePreview:
        return engine.decide(self.resource, work, choice)

    def undo(self, run: ImportRun, undo: ImportRun, progress: Progress) -> ApplyResult:
        from healthtrack.imports.undo import service  # noqa: PLC0415  (only an undo needs it)

        return service.apply(self.resource, run, undo, progress)

    def preview(self, run: ImportRun, query: QueryDict) -> PagePart | None:
        from healthtrack.imports.tabular.preview import TabularPreview  # noqa: PLC0415  (only pages need it)

        view = TabularPreview(run, self.resource.plan, query, Decisions(self.warnings, run.decisions))
        if not view.shown:
            return PagePart("imports/run-listings.html", view) if view.listings else None
        patients = view.get_shown_values(self.resource_class.patient_column) if self.names_patients else []
        return PagePart("imports/run-listings.html", view, [view.shown.name, f"page {view.page.number}"], patients)

    def preview_undo(self, run: ImportRun) -> UndoPreview:
        from healthtrack.imports.tabular import undo_parts  # noqa: PLC0415  (only an undo needs it)

        return undo_parts.preview(self.resource, run)

    def summary(self, run: ImportRun) -> Summary:
        result = TabularResult.of(run.result)
        effects = self.resource.describe(result.effects) if result.effects else ""
        view = {"run": run, "result": result, "effects": effects, "held": self._list_held(result)}
        part = PagePart("imports/counts.html", view)
        return Summary(
            headline=wording.get_headline(run, result),
            lines=[*wording.get_lines(run, result), *filter(None, [self._describe_held(result), effects])],
            notices=[str(notice) for notice in result.notices],
            part=part if wording.has_counts(run) else None,
        )

    def _describe_held(self, result: TabularResult) -> str:
        """Return how many rows the warnings hold back, and of which kinds; empty if there are none."""
        held = [f"{warning.kind} {count:,}" for warning, count in self._list_held(result)]
        return f"{wording.describe_held(result)}: {', '.join(held)}" if held else ""

    def _list_held(self, result: TabularResult) -> list[tuple[RowWarning, int]]:
        return [(warning, result.held[warning.kind]) for warning in self.warnings if warning.kind in result.held]

    def undo_summary(self, run: ImportRun, query: QueryDict) -> Summary:
        from healthtrack.imports.tabular import undo_parts  # noqa: PLC0415  (only an undo needs it)

        return undo_parts.summarize(run, query)

    def list_changes(self, run: ImportRun, query: QueryDict) -> PagePart:
        from healthtrack.imports.tabular import undo_parts  # noqa: PLC0415  (only an undo needs it)

        return undo_parts.list_changes(run, query)

    def as_json(self, run: ImportRun) -> dict[str, object]:
        result = TabularResult.of(run.result)
        return {
            "new": result.counts.new,
            "changed": result.counts.changed,
            "unchanged": result.counts.unchanged,
            "invalid": run.invalid_count,
            "faulty": run.invalid_count,  # the former name of `invalid`, for one release
            "held": dict(result.held),
            **{name: result.effects.get(name, 0) for name in _EFFECTS},
            "seconds": round(run.seconds, 3),
            "read": run.read_count,
            "merged": result.merged,
            "tables": {
                each.table: {"new": each.new, "changed": each.changed, "unchanged": each.unchanged}
                for each in result.tables
            },
            "run": run.run_id,
        }

    def errors(self, run: ImportRun) -> Iterator[str]:
        return map(str, preview_queries.iterate_errors(run))

    def has_error_report(self, run: ImportRun) -> bool:
        is_table = self._get_form(ReadingPlan.from_json(run.plan)) is None
        return is_table and run.invalid_count > 0 and preview_queries.has_errors(run)

    def error_report(self, run: ImportRun) -> Iterator[str]:
        return error_report.generate_error_report(run)

    def patients_in_error_report(self, run: ImportRun) -> Iterator[str]:
        columns = self.resource.plan.columns
        (patient,) = (column for column in columns if column.name == self.resource_class.patient_column)
        return preview_queries.iterate_invalid_values(run, patient)

    def release(self, run: ImportRun) -> None:
        has_rest = run.error_count or TabularResult.of(run.result).combined
        if has_rest and run.state in {State.APPLIED, State.REFUSED}:
            staging_tables.drop_rows(run.run_id)
        else:
            staging_tables.drop(run.run_id)

"""What the page of a run shows, ready for its template: progress, outcome, preview and buttons."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from django.forms import BoundField
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from healthtrack.imports.answers import AnswersForm
from healthtrack.imports.fitting import get_better_importer
from healthtrack.imports.importer import Importer, PagePart, Person, ResultLink, Summary
from healthtrack.imports.life_cycle import heartbeat
from healthtrack.imports.life_cycle.actions import get_action
from healthtrack.imports.life_cycle.steps import open_uploads
from healthtrack.imports.life_cycle.undone_runs import get_undo_label, is_undoable
from healthtrack.imports.models import ImportRun, Kind, Stage, State
from healthtrack.imports.permissions import may_undo
from healthtrack.imports.reasons import reason_text

ANNOUNCED_PERCENT = 10  # a screen reader announces steps of this size


@dataclass(frozen=True)
class Button:
    """An action on a run: a button that sends a form, or a link to a page."""

    label: str
    href: str
    sends: bool = True
    is_default: bool = False
    is_destructive: bool = False
    name: str = ""


@dataclass(frozen=True)
class ProgressView:
    """The progress of a run, in words and numbers."""

    run: ImportRun

    @property
    def label(self) -> str:
        checking = "Checking the file. Nothing has been changed yet."
        return checking if self.run.is_checking else get_action(self.run).applying_label

    @property
    def stage(self) -> str:
        return "Cancelling" if self.run.cancel_requested else self.run.get_stage_display()

    @property
    def counts(self) -> str:
        """Return how many items of the stage are done, and of how many; empty if the stage does not count."""
        if not self.run.items_total or self.run.stage not in {Stage.READING, Stage.WRITING}:
            return ""
        about = "about " if self.run.stage == Stage.READING else ""
        unit = get_action(self.run).importer.unit
        return f"{self.run.items_done:,} of {about}{self.run.items_total:,} {unit}s"

    @property
    def percent(self) -> int:
        return int(100 * self.run.fraction_done)

    @property
    def announced_percent(self) -> int:
        return self.percent - self.percent % ANNOUNCED_PERCENT

    @property
    def time_left(self) -> timedelta | None:
        """Estimate the time left from the speed so far; None if it is too early to tell."""
        if self.run.work_began_at is None or self.run.fraction_done < 0.05:
            return None
        elapsed = timezone.now() - self.run.work_began_at
        return elapsed * (1 / self.run.fraction_done - 1)

    @cached_property
    def lacks_worker(self) -> bool:
        return self.run.is_for_worker and not heartbeat.is_alive()

    @property
    def queued_name(self) -> str:
        return get_action(self.run).queued_name


class RunView:
    """The page of one run, for one person."""

    def __init__(self, run: ImportRun, person: Person, query: QueryDict, answers: AnswersForm | None = None) -> None:
        self.run = run
        self.person = person
        self.query = query
        self.action = get_action(run)
        self.importer = self.action.importer
        self.may_import = self.importer.may_import(person)
        self._answers = answers

    @cached_property
    def progress(self) -> ProgressView:
        return ProgressView(self.run)

    @property
    def reason(self) -> str:
        return reason_text(self.run.reason, self.run.reason_params)

    @cached_property
    def summary(self) -> Summary:
        return self.action.summary(self.query)

    @cached_property
    def result_link(self) -> ResultLink | None:
        """Return where the person sees what the run brought, if it is applied."""
        return self.importer.get_result_link(self.run, self.person) if self.run.is_applied else None

    @cached_property
    def preview(self) -> PagePart | None:
        return self.action.preview(self.query) if self.may_import and not self.run.is_working else None

    @cached_property
    def has_error_report(self) -> bool:
        return self.may_import and not self.run.is_undo and self.importer.has_error_report(self.run)

    @cached_property
    def questions(self) -> AnswersForm | None:
        """Return the form of the questions, if the run waits for answers and the person may give them."""
        if not (self.run.needs_answers and self.may_import):
            return None
        if self._answers:
            return self._answers
        with open_uploads(self.run) as files:
            return self.importer.make_answers_form(self.run, files)

    @cached_property
    def assumptions(self) -> list[tuple[str, BoundField | None]]:
        """Return what the plan assumes, in sentences, each with the field that changes it if the person may do so."""
        if self.run.is_undo or self.run.is_working:
            return []
        form = self.reading_form
        sentences = self.importer.describe_assumptions(self.run).items()
        return [(sentence, form[name] if form and name in form.fields else None) for name, sentence in sentences]

    @cached_property
    def reading_form(self) -> AnswersForm | None:
        """Return the form that changes how the files are read, without their first rows; None if nobody may."""
        return self.importer.make_answers_form(self.run, ()) if self.may_read_again else None

    @property
    def other_readings(self) -> list[BoundField]:
        """Return the fields of the form that changes how the files are read, without those of assumptions."""
        assumed = [field.name for _, field in self.assumptions if field]
        return [field for field in self.reading_form or () if field.name not in assumed]

    @cached_property
    def better_importer(self) -> Importer | None:
        """Return the importer that the files fit better, if the person may use it."""
        better = get_better_importer(self.run)
        return better if better and better.may_import(self.person) else None

    @property
    def may_read_again(self) -> bool:
        """Return whether the person may change how the files are read."""
        return self.may_import and self.run.is_checked and self.importer.may_read_again(self.run)

    @cached_property
    def undone_by(self) -> ImportRun | None:
        """Return the undo that undid this run, if it is undone."""
        undos = self.run.undos.filter(state=State.APPLIED).select_related("started_by")
        return undos.first() if self.run.is_undone else None

    @cached_property
    def remaining_count(self) -> int:
        """Return how many rows the undo of this run left, because somebody had changed them since."""
        return self.undone_by.conflicts.count() if self.undone_by else 0

    @cached_property
    def earlier_run(self) -> ImportRun | None:
        """Return the last run before this one that has a file with the same content."""
        same = ImportRun.objects.filter(
            importer=self.run.importer,
            kind=Kind.IMPORT,
            run_id__lt=self.run.run_id,
            files__sha256__in=[file.sha256 for file in self.run.all_files],
        )
        return same.select_related("started_by").first()

    @cached_property
    def buttons(self) -> list[Button]:
        return list(self._make_buttons())

    def _make_buttons(self) -> Iterator[Button]:
        held = self.importer.count_held(self.run)
        if self.may_import and self.run.is_checked and (held < self.run.valid_count or not held):
            yield self._make_apply_button(held)
        if self.may_import and not self.run.is_ended:
            yield Button("Cancel", self._get_address("cancel"))
        if is_undoable(self.run) and may_undo(self.person, self.run):
            label = get_undo_label(self.run)
            yield Button(label, self._get_address("undo"), sends=False, is_destructive=not self.run.is_undo)

    def _make_apply_button(self, held: int) -> Button:
        valid, invalid, unit = self.run.valid_count - held, self.run.invalid_count, self.importer.unit
        skipped = [f"skip {invalid:,}"] if self.run.error_count else []
        skipped += [f"hold back {held:,}"] if held else []
        is_idle = self.importer.changes_nothing(self.run)
        label = f"Import {valid:,} valid {unit}{'' if valid == 1 else 's'} ({', '.join(skipped)})"
        return Button(
            "Import without changes" if is_idle else label if skipped else "Import this file",
            self._get_address("apply"),
            is_default=not is_idle,
            name="without_invalid" if self.run.error_count else "",
        )

    def _get_address(self, page: str) -> str:
        return reverse(f"admin:imports_importrun_{page}", args=[self.run.pk])

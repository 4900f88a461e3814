"""An importer without rows, tables or patients: it counts the lines of several plain-text files.

Only tests register it. It proves that the life cycle of a run knows nothing of rows, tables or patients.
"""

from collections.abc import Mapping, Sequence

from django.db import connection
from django.http import QueryDict
from django.urls import reverse

from healthtrack.imports.importer import (
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
from healthtrack.imports.models import ImportRun, Stage
from healthtrack.imports.progress import Progress
from healthtrack.imports.reasons import Reason
from healthtrack.imports.results import ApplyResult, CheckResult

NAME = "tests.lines"
PERMISSION = "auth.change_group"  # any that no other importer needs
MAKE_TABLE = "CREATE TABLE line_counts (run_id bigint, name text, lines bigint)"
BLANK_LINES = Question("blank_lines", ["count", "skip"], suggested="skip")


class LineImporter(Importer):
    name = NAME
    label = "line counts"
    unit = "line"
    takes_several_files = True
    accepts = ".txt"

    def may_import(self, person: Person) -> bool:
        return person.has_perm(PERMISSION)

    def may_view(self, person: Person) -> bool:
        return person.has_perm(PERMISSION)

    @property
    def list_url(self) -> str:
        return reverse("home")

    def upload_hint(self) -> str:
        return "Plain text"

    def plan(self, files: Sequence[StoredFile], progress: Progress) -> ReadingPlan:
        parts = [DetectedPart("encoding", "utf-8", Certainty.ASSUMED)]
        has_blank_lines = any(b"\n\n" in file.path.read_bytes() for file in files)
        return ReadingPlan(parts, [BLANK_LINES] if has_blank_lines else [])

    def wording(self, question: Question) -> QuestionWording:
        return QuestionWording("Do blank lines count?", {"count": "Yes, count them", "skip": "No, skip them"})

    def check(self, work: RunInput, progress: Progress) -> CheckResult:
        progress.begin(Stage.READING, len(work.files))
        skips_blank = work.answers.get(BLANK_LINES.name) == "skip"
        try:
            texts = {file.name: file.path.read_text("utf-8") for file in work.files}
        except UnicodeDecodeError:
            return CheckResult(refused=Reason.UNREADABLE)
        counts = {name: sum(1 for line in text.splitlines() if line or not skips_blank) for name, text in texts.items()}
        return CheckResult(read=sum(counts.values()), affected=len(counts), details={"lines": counts})

    def apply(self, work: RunInput, progress: Progress) -> ApplyResult:
        lines = ImportRun.objects.get(pk=work.run_id).result["lines"]
        with connection.cursor() as cursor:
            rows = [(work.run_id, name, count) for name, count in lines.items()]
            cursor.executemany("INSERT INTO line_counts VALUES (%s, %s, %s)", rows)
        return ApplyResult(len(lines), {"stored": True})

    def undo(self, run: ImportRun, undo: ImportRun, progress: Progress) -> ApplyResult:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM line_counts WHERE run_id = %s", [run.run_id])
            return ApplyResult(cursor.rowcount)

    def preview(self, run: ImportRun, query: QueryDict) -> PagePart | None:
        return PagePart("line-counts.html", run.result["lines"]) if "lines" in run.result else None

    def preview_undo(self, run: ImportRun) -> UndoPreview:
        counts = stored_counts()
        return UndoPreview("line-counts.html", counts, deleted=len(counts))

    def summary(self, run: ImportRun) -> Summary:
        return Summary(headline=f"{run.read_count} lines in {len(run.all_files)} files.")

    def undo_summary(self, run: ImportRun, query: QueryDict) -> Summary:
        return Summary(headline=f"{run.affected_count} counts are removed.")

    def as_json(self, run: ImportRun) -> dict[str, object]:
        return {"lines": run.read_count}


line_importer = LineImporter()


def stored_counts() -> Mapping[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, lines FROM line_counts ORDER BY name")
        return dict(cursor.fetchall())

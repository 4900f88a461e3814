"""The triggers that write the history: a row of `changes` for each row that a statement inserted, changed or deleted.

They are our own. The statement-level trigger of django-pghistory joins the old rows with the new ones by a plan that
the session caches: planned for one row, it took 38 s for the next 20,000. It also does not support composite keys, and
it writes its context in front of each statement, which does not work with COPY.

Their functions run with the rights of the owner of the tables, so nobody else needs the right to insert into `changes`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pgtrigger
from django.apps import apps
from django.db.models import BigIntegerField, Model

from healthtrack.audit.actor import PERSON, REQUEST, RUN, RunOfSession, setting
from healthtrack.audit.recording import ROW_NAME, Recording
from healthtrack.audit.trigger_sql import HistoryTriggerSql

MADE_BY_RUN = "made_by_run"
OWN_KEY = "row_id"  # the column of `changes` for a key that names no subject
_ACTOR_COLUMNS = {
    "person_id": setting(PERSON, "integer"),
    "run_id": setting(RUN, "bigint"),
    "request": f"coalesce(current_setting('{REQUEST}', true), '')",
    "database_role": "session_user",
}
# EXECUTE plans it each time for the actual number of rows: one edited by hand, or all rows of an import.
_WRITE = "EXECUTE $history$ INSERT INTO changes ({columns}) SELECT {values} FROM {rows} $history$; RETURN NULL;"
_NOT_INSERTED_BY_THIS_RUN = f"{MADE_BY_RUN} IS NULL OR {MADE_BY_RUN} IS DISTINCT FROM {setting(RUN, 'bigint')}"
_COLUMN_IN_BRACES = re.compile(r"\{(\w+)\}")
# A row whose key is changed is another row.
_ACTION = (
    "CASE WHEN old_values.{key} IS NULL THEN 'insert' WHEN new_values.{key} IS NULL THEN 'delete' ELSE 'update' END"
)


@dataclass(frozen=True)
class Subject:
    """What a change concerns, such as a patient. Models whose rows concern it declare it by calling `history`.

    `column` is the column of these models that names the subject; one model has it as its only key. `stored_in` is the
    column of `changes` that holds its value. With `is_named_by_key`, the history shows its key instead of its str().
    With `is_access_logged`, the access log records who views a change that concerns it.
    """

    column: str
    stored_in: str
    is_named_by_key: bool = False
    is_access_logged: bool = False


def made_by_run() -> BigIntegerField[int | None, int | None]:
    """Return the field for the import run that inserted a row; the database fills it in."""
    return BigIntegerField(
        "added by import",
        null=True,
        editable=False,
        db_default=RunOfSession(),
        db_comment="The import run that inserted the row, null when none did",
    )


def history(*subjects: Subject, internal: Sequence[str] = ()) -> list[pgtrigger.Trigger]:
    """Return the triggers for the Meta of a model.

    `subjects` are what a change of a row concerns; it appears on the history page of the first one. The model has a
    column for each of them. A key that names no subject is stored as the row's own number.
    `internal` columns are maintained by the program itself, and their changes are not recorded.
    """
    return [
        HistoryTrigger(pgtrigger.Insert, subjects, internal, new="new_values"),
        HistoryTrigger(pgtrigger.Update, subjects, internal, old="old_values", new="new_values"),
        HistoryTrigger(pgtrigger.Delete, subjects, internal, old="old_values"),
        _truncate_trigger(),
    ]


def history_as(recording: Recording) -> list[pgtrigger.Trigger]:
    """Return the triggers for the Meta of a model of which the history stores only what the recording says."""
    return [
        HistoryTrigger(pgtrigger.Insert, recording=recording, new="new_values"),
        HistoryTrigger(pgtrigger.Update, recording=recording, old="old_values", new="new_values"),
        *history_of_deletions(recording),
    ]


def history_of_deletions(recording: Recording) -> list[pgtrigger.Trigger]:
    """Return the triggers for the Meta of a model of which only deleted rows matter."""
    return [HistoryTrigger(pgtrigger.Delete, recording=recording, old="old_values"), _truncate_trigger()]


@cache
def tracked_models() -> Mapping[str, type[Model]]:
    """Return the models with a history, by the names of their tables; for tables of Django, our proxies."""
    return {
        model._meta.db_table: model
        for model in apps.get_models()
        if any(isinstance(trigger, HistoryTrigger) for trigger in getattr(model._meta, "triggers", ()))
    }


@dataclass(frozen=True)
class ProgramHistory:
    """The history of a table that has no triggers: the program writes it. A model has it as `program_history`.

    `labels` are what pages call the columns of its changes; pages leave out those with an empty label. The first
    subject identifies what a change concerns.
    """

    subjects: Sequence[Subject]
    labels: Mapping[str, str]
    internal: Sequence[str] = ()
    recording: None = None


@cache
def recorded_models() -> Mapping[str, type[Model]]:
    """Return the models whose changes are in the history, whether triggers or the program write it, by table."""
    by_program = (model for model in apps.get_models() if hasattr(model, "program_history"))
    return {**tracked_models(), **{model._meta.db_table: model for model in by_program}}


def history_of(model: Any) -> "HistoryTrigger | ProgramHistory":
    """Return a history trigger of the model, which holds its subjects and internal columns, or what replaces it."""
    if program := get_program_history(model):
        return program
    return next(trigger for trigger in model._meta.triggers if isinstance(trigger, HistoryTrigger))


def get_program_history(model: Any) -> ProgramHistory | None:
    """Return the history of the model that the program writes; None if triggers do."""
    return getattr(model, "program_history", None)


class DefinerTrigger(pgtrigger.Trigger):
    """A trigger whose function has the rights of the owner of the tables."""

    def compile(self, model: Any) -> pgtrigger.compiler.Trigger:
        sql = HistoryTriggerSql(
            pgid=self.get_pgid(model),
            func=self.render_func(model),
            table=model._meta.db_table,
            when=self.when,
            operation=self.operation,
            referencing=self.referencing or "",
            level=self.level,
        )
        return pgtrigger.compiler.Trigger(name=self.name, sql=sql)


def _truncate_trigger() -> DefinerTrigger:
    return DefinerTrigger(
        name="history_truncate",
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        func=f"INSERT INTO changes (table_name, action, fields, {', '.join(_ACTOR_COLUMNS)})"  # noqa: S608 (constants of this module)
        f" VALUES (TG_TABLE_NAME, 'truncate', '{{}}', {', '.join(_ACTOR_COLUMNS.values())}); RETURN NULL;",
    )


class HistoryTrigger(DefinerTrigger):
    """Writes a row of `changes` for each row that a statement inserted, changed or deleted."""

    def __init__(
        self,
        operation: pgtrigger.Operation,
        subjects: Sequence[Subject] = (),
        internal: Sequence[str] = (),
        recording: Recording | None = None,
        **referencing: str,
    ) -> None:
        super().__init__(
            name=f"history_{str(operation).lower()}",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=operation,
            referencing=pgtrigger.Referencing(**referencing),
        )
        self.subjects = subjects
        self.internal = internal
        self.recording = recording
        self.has_old, self.has_new = "old" in referencing, "new" in referencing

    def get_func(self, model: Any) -> str:
        keys = [str(field.column) for field in model._meta.pk_fields]
        if self.recording and self.recording.column not in keys:
            keys.append(self.recording.column)  # what is moved to another account ends there and begins here
        recorded = self._recorded(model, keys)
        written = {
            "table_name": f"'{model._meta.db_table}'",
            "action": self._action(keys),
            **self._concerned(keys),
            "fields": self._fields(recorded, self._list_nullable(model, recorded)),
            **_ACTOR_COLUMNS,
        }
        return _WRITE.format(
            columns=", ".join(written), values=", ".join(written.values()), rows=self._rows(list(recorded), keys)
        )

    def _recorded(self, model: Any, keys: Sequence[str]) -> Mapping[str, str]:
        """Return the recorded columns, each with SQL for its value, in which {} stands for the column."""
        if self.recording:
            return self.recording.columns
        columns = [str(field.column) for field in model._meta.concrete_fields if field.column]
        left_out = {*keys, *self.internal, *([MADE_BY_RUN] if self.has_old and self.has_new else [])}
        return {column: "{}" for column in columns if column not in left_out}

    def _action(self, keys: Sequence[str]) -> str:
        if self.has_old and self.has_new:
            return _ACTION.format(key=keys[0])
        return "'insert'" if self.has_new else "'delete'"

    def _concerned(self, keys: Sequence[str]) -> dict[str, str]:
        if self.recording:
            return {OWN_KEY: self._latest(self.recording.column), ROW_NAME: self._fill(self.recording.name)}
        concerned = {subject.stored_in: self._latest(subject.column) for subject in self.subjects}
        named = {subject.column for subject in self.subjects}
        own = [key for key in keys if key not in named]
        return concerned | ({OWN_KEY: self._latest(own[0])} if len(own) == 1 else {})

    def _latest(self, column: str) -> str:
        there = [*(["new_values"] if self.has_new else []), *(["old_values"] if self.has_old else [])]
        return f"coalesce({', '.join(f'{alias}.{column}' for alias in there)})"

    def _fill(self, sql: str) -> str:
        """Return the SQL with the latest value of each column that is written in braces."""
        return _COLUMN_IN_BRACES.sub(lambda found: self._latest(found[1]), sql)

    def _list_nullable(self, model: Any, recorded: Mapping[str, str]) -> list[str]:
        """Return the recorded columns that may have nothing to record: in an update, all of them."""
        if self.recording or (self.has_old and self.has_new):
            return list(recorded)
        return [field.column for field in model._meta.concrete_fields if field.null and field.column in recorded]

    def _fields(self, recorded: Mapping[str, str], nullable: Sequence[str]) -> str:
        """Return SQL for the object of all cells that have something to record."""
        cells = ", ".join(
            self._cell(column, value, may_be_null=column in nullable) for column, value in recorded.items()
        )
        built = f"jsonb_build_object({cells})"
        if not nullable:
            return built
        if len(nullable) == len(recorded):
            return f"jsonb_strip_nulls({built})"
        # To look for nulls in an object takes about as long as to build it.
        values = ", ".join(map(self._latest, nullable))
        return f"CASE WHEN num_nulls({values}) = 0 THEN {built} ELSE jsonb_strip_nulls({built}) END"

    def _cell(self, column: str, value: str, *, may_be_null: bool) -> str:
        old = f"old_values.{column}" if self.has_old else "NULL"
        new = f"new_values.{column}" if self.has_new else "NULL"
        values = ", ".join(value.format(side) if side != "NULL" else side for side in (old, new))
        cell = f"jsonb_build_array({values})"
        return (
            f"'{column}', CASE WHEN {old} IS DISTINCT FROM {new} THEN {cell} END"
            if may_be_null
            else f"'{column}', {cell}"
        )

    def _rows(self, recorded: Sequence[str], keys: Sequence[str]) -> str:
        if not self.has_old:
            return f"new_values WHERE {_NOT_INSERTED_BY_THIS_RUN}" if MADE_BY_RUN in recorded else "new_values"
        if not self.has_new:
            condition = self._fill(self.recording.condition) if self.recording else ""
            return f"old_values WHERE {condition}" if condition else "old_values"
        old, new = (", ".join(f"{alias}.{column}" for column in recorded) for alias in ("old_values", "new_values"))
        return f"old_values FULL JOIN new_values USING ({', '.join(keys)}) WHERE ROW({old}) IS DISTINCT FROM ROW({new})"

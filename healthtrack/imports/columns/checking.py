"""Clean and validate a batch of rows, one whole column at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from healthtrack.core.cleaning import INVISIBLE, MEANINGLESS, NO_REQUIRED_VALUE, NO_TYPED_VALUE, NO_VALUE
from healthtrack.core.downloads.formula_escaping import ERROR, FORMULA
from healthtrack.imports.columns.date_cells import exchange_days_and_months
from healthtrack.imports.columns.notation import DOCUMENTED, Notation
from healthtrack.imports.columns.plan import Column, RowRule
from healthtrack.imports.columns.text_marks import is_marked_number, remove_marks, unwrap_formula_texts
from healthtrack.imports.columns.widgets import ErrorRule, TextWidget
from healthtrack.imports.columns.words import translate
from healthtrack.imports.reading.table import LINE
from healthtrack.imports.row_errors import RowError

# Control characters that do not count as whitespace. XLSX files can hold hardly any of them.
_CONTROL = "[\\p{Cc}\ufffe\uffff]"
_ENDS = rf"^(?:\s|{INVISIBLE})+|(?:\s|{INVISIBLE})+$"


@dataclass(frozen=True)
class CheckedBatch:
    """The valid rows of a batch, as their line and typed columns in the plan's order, and its errors.

    `contradicted` are the columns that have values which only another notation reads, or about which the plan
    has decided nothing; with the latter, there are no rows.
    """

    rows: pl.DataFrame
    errors: list[RowError]
    contradicted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ColumnCheck:
    """A column, the notation of its values in this file, and how the file's header spells it.

    `words` has what words mean in it, `has_marks` says that an apostrophe before its values marks texts, and
    `has_exchanged_cells` that day and month are exchanged in its date cells. Unless the
    whole file was looked at, `new_words` are those that need a decision, `proved_forms` the forms of values, such as
    the separators of dates, whose notation is proved, and `watches_marks` says that a number with such a mark does.
    """

    column: Column
    notation: Notation = DOCUMENTED
    header: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    new_words: Collection[str] = ()
    proved_forms: str | None = None
    has_marks: bool = False
    has_exchanged_cells: bool = False
    watches_marks: bool = False

    @property
    def needs_decision(self) -> pl.Expr | None:
        """Return whether any text is a new word or has a form about which nothing is decided; None if none can be."""
        if self.watches_marks:
            return is_marked_number(self.text).any()
        text = self.text.unique()  # most columns repeat few texts
        folded = text.str.to_lowercase()
        is_new = [folded.is_in([*self.new_words])] if self.new_words else []
        if self.proved_forms is not None:
            other_form = self.column.widget.has_other_form(text, self.proved_forms)
            is_new += [] if other_form is None else [other_form]
        return pl.any_horizontal(each.any() for each in is_new) if is_new else None

    @property
    def meant_text(self) -> pl.Expr:
        """Return the texts without marks, and with the documented word for each that means the same."""
        text = exchange_days_and_months(self.text) if self.has_exchanged_cells else self.text
        return translate(remove_marks(text) if self.has_marks else text, self.words)

    @property
    def is_translated(self) -> bool:
        return bool(self.words or self.has_marks or self.has_exchanged_cells)

    @property
    def text(self) -> pl.Expr:
        return pl.col(text_name(self.column))

    @property
    def shown_header(self) -> str:
        return self.header or self.column.header

    def error_rules(self, *, has_odd_texts: bool) -> list[ErrorRule]:
        """Return the rules of the column. Those about texts of any type are left out if it has no odd texts."""
        column, text, value = self.column, self.text, pl.col(self.column.name)
        required = [(text.is_null(), "A value is required. Fill it in.")] if column.required else []
        return [
            *required,
            *(_list_text_rules(column, text) if has_odd_texts else []),
            *column.widget.error_rules(text, value, column.field, self.notation),
        ]

    def is_contradicted(self, work: pl.DataFrame, broken: pl.Series) -> bool:
        """Return whether a value that breaks a rule is valid in another notation."""
        widget = self.column.widget
        others = [each for each in widget.all_notations if each != self.notation]
        if not others or broken.null_count() == len(broken):
            return False
        texts = work.lazy().select(self.text.alias("text")).filter(broken.is_not_null())
        return any(
            read_valid(self.column, texts, notation, "value").select(pl.col("value").count()).collect().item()
            for notation in others
        )


def read_valid(column: Column, texts: pl.LazyFrame, notation: Notation, name: str) -> pl.LazyFrame:
    """Add the values of the cleaned texts `text` in this notation; null where the column's widget accepts none."""
    text, value = pl.col("text"), pl.col(name)
    rules = column.widget.error_rules(text, value, column.field, notation)
    is_broken = pl.any_horizontal(broken.fill_null(value=False) for broken, _ in rules)
    # In two steps, because polars would read the texts again for each rule about their values.
    read = texts.with_columns(column.widget.read(text, column.field, notation).alias(name))
    return read.with_columns(pl.when(~is_broken).then(value))


def check_batch(
    batch: pl.DataFrame, columns: Sequence[Column], rules: Sequence[RowRule], checks: Sequence[ColumnCheck] = ()
) -> CheckedBatch:
    """Check a batch whose text columns have the names of the plan's columns.

    Without `checks`, columns are read as the documentation says.
    """
    checks = checks or [ColumnCheck(column) for column in columns]
    cleaned = clean_batch(batch, columns)
    if undecided := _find_undecided(cleaned, checks):
        return CheckedBatch(cleaned.clear(), [], undecided)
    meant = cleaned.lazy().with_columns(each.meant_text for each in checks if each.is_translated)
    values = (
        each.column.widget.read(each.text, each.column.field, each.notation).alias(each.column.name) for each in checks
    )
    work = meant.with_columns(values).collect()  # lazily, polars computes what expressions share only once
    rules_by_column = _list_rules(work, checks, rules)
    # Which rule each row breaks first: a column for each entry of the list, null where the row breaks none.
    broken = work.select(
        _first_broken(column_rules).alias(str(place)) for place, (_, column_rules) in enumerate(rules_by_column)
    )
    errors = [
        error
        for place, (each, column_rules) in enumerate(rules_by_column)
        for error in _collect_errors(work, broken[str(place)], each, column_rules)
    ]
    names = [each.column.name for each in checks]
    if not errors:
        return CheckedBatch(work.select(LINE, *names), [])
    contradicted = [
        each.column.name for place, each in enumerate(checks) if each.is_contradicted(work, broken[str(place)])
    ]
    valid = broken.select(pl.all_horizontal(pl.all().is_null())).to_series()
    return CheckedBatch(work.filter(valid).select(LINE, *names), errors, frozenset(contradicted))


def _list_rules(
    work: pl.DataFrame, checks: Sequence[ColumnCheck], rules: Sequence[RowRule]
) -> list[tuple[ColumnCheck, list[ErrorRule]]]:
    """Return the rules of each column in the order of `checks`, then each rule over several columns by itself."""
    odd = _have_odd_texts(work, checks)
    of_columns = [(each, each.error_rules(has_odd_texts=has_odd)) for each, has_odd in zip(checks, odd, strict=True)]
    by_name = {each.column.name: each for each in checks}
    return [*of_columns, *((by_name[rule.column], [(rule.broken, rule.reason)]) for rule in rules)]


def _find_undecided(cleaned: pl.DataFrame, checks: Sequence[ColumnCheck]) -> frozenset[str]:
    """Return the columns with texts about which the plan has decided nothing."""
    watched = {each.column.name: each.needs_decision for each in checks}
    conditions = [is_new.alias(name) for name, is_new in watched.items() if is_new is not None]
    found = cleaned.select(conditions).row(0, named=True) if conditions else {}
    return frozenset(name for name, has_new in found.items() if has_new)


def clean_batch(batch: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Return the batch with each column's raw texts, and its cleaned texts under `text_name`."""
    work = batch.rename({column.name: _raw(column) for column in columns})
    odd, foreign = _have_odd_spaces(work, columns), _have_foreign_letters(work, columns)
    marked = _have_marks(work, columns)
    cleaned = (
        _clean(column, collapse_spaces=has_odd, normalize=is_foreign, unmark=is_marked).alias(text_name(column))
        for column, has_odd, is_foreign, is_marked in zip(columns, odd, foreign, marked, strict=True)
    )
    return work.lazy().with_columns(cleaned).collect()  # lazily, polars computes what expressions share only once


def text_name(column: Column) -> str:
    """Return the name under which a batch has the column's cleaned texts."""
    return f"text {column.name}"


def _raw(column: Column) -> str:
    return f"raw {column.name}"


def _have_odd_texts(work: pl.DataFrame, checks: Sequence[ColumnCheck]) -> tuple[bool, ...]:
    """Return which columns hold a text that breaks a rule for all types: few do, and one pattern finds them faster."""
    return work.select(
        each.text.str.contains(f"{_CONTROL}|\ufffd|{_formula(each.column)}|{ERROR}").any() for each in checks
    ).row(0)


def _list_text_rules(column: Column, text: pl.Expr) -> list[ErrorRule]:
    return [
        (text.str.contains("\x00", literal=True), "Contains a NUL character. Remove it."),
        (text.str.contains(_CONTROL), "Contains an invisible control character. Remove it."),
        (text.str.contains("\ufffd", literal=True), "Not encoded in UTF-8. Save the file as “CSV UTF-8”."),
        (
            text.str.contains(_formula(column)),
            "Looks like a formula. Enter its value, or put ' before it to import it as text.",
        ),
        (text.str.contains(ERROR), "This is a spreadsheet error. Enter the value instead."),
    ]


def _have_odd_spaces(work: pl.DataFrame, columns: Sequence[Column]) -> tuple[bool, ...]:
    """Return which columns hold several spaces in a row, or other whitespace: few do, and to replace it is slow."""
    return work.select(pl.col(_raw(column)).str.contains(r"\s\s|[^\S ]").any() for column in columns).row(0)


def _have_foreign_letters(work: pl.DataFrame, columns: Sequence[Column]) -> tuple[bool, ...]:
    """Return which columns hold anything but ASCII: only they have invisible characters and normal forms."""
    return work.select(
        (pl.col(_raw(column)).str.len_bytes() > pl.col(_raw(column)).str.len_chars()).any() for column in columns
    ).row(0)


def _have_marks(work: pl.DataFrame, columns: Sequence[Column]) -> tuple[bool, ...]:
    """Return which columns hold texts that begin with what may be a mark."""
    texts = (pl.col(_raw(column)) for column in columns)
    return work.select((text.str.starts_with("=") | text.str.starts_with("'")).any() for text in texts).row(0)


def _clean(column: Column, *, collapse_spaces: bool, normalize: bool, unmark: bool) -> pl.Expr:
    """Return the column's texts as `core.cleaning.clean_text` cleans them, null where there is no value.

    If some have marks, texts are taken out of formulas, and values of other types lose an apostrophe before them.
    """
    text = pl.col(_raw(column))
    if unmark:
        text = unwrap_formula_texts(text)
        text = text if isinstance(column.widget, TextWidget) else text.str.replace("^'", "")
    if normalize:
        hidden = INVISIBLE if column.is_key or not isinstance(column.widget, TextWidget) else MEANINGLESS
        text = text.str.replace_all(hidden, "").str.replace_all(_ENDS, "").str.normalize("NFC")
    text = (text.str.replace_all(r"\s+", " ") if collapse_spaces else text).str.strip_chars(" ")
    return pl.when((text != "") & ~text.str.contains(_no_value(column))).then(text)


def _no_value(column: Column) -> str:
    if not isinstance(column.widget, TextWidget):
        return NO_TYPED_VALUE
    return NO_VALUE if column.is_key or not column.required else NO_REQUIRED_VALUE


def _formula(column: Column) -> str:
    """Return the pattern of a formula. A minus or plus before a digit begins a number, unless the column is text."""
    return FORMULA if column.field.get_internal_type() == "CharField" else r"^[=@]|^[+\-][^\d]"


def _first_broken(rules: Sequence[ErrorRule]) -> pl.Expr:
    return pl.coalesce(pl.when(broken).then(pl.lit(number, pl.Int8)) for number, (broken, _) in enumerate(rules))


def _collect_errors(
    work: pl.DataFrame, broken: pl.Series, each: ColumnCheck, rules: Sequence[ErrorRule]
) -> list[RowError]:
    if broken.null_count() == len(broken):
        return []
    invalid = work.select(LINE, pl.col(_raw(each.column)).alias("value"), broken.alias("rule")).drop_nulls("rule")
    return [RowError(rules[rule][1], line, each.shown_header, value or "") for line, value, rule in invalid.iter_rows()]

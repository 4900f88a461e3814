"""The words of the questions of reading plans."""

from collections.abc import Sequence
from datetime import date

from healthtrack.imports.columns.notation import DateOrder, DecimalMark
from healthtrack.imports.columns.plan import Column
from healthtrack.imports.detection import names
from healthtrack.imports.detection.choices import DATE_CELLS, add_examples, describe_meanings
from healthtrack.imports.detection.reasons import Why, describe_reason
from healthtrack.imports.importer import QuestionWording
from healthtrack.imports.reading.encodings import ENCODINGS
from healthtrack.imports.reading_plans import Question

_EXAMPLE_DAY = date(1980, 5, 17)
_DATE_ORDERS = {
    DateOrder.MONTH_FIRST: f"Month first, such as {_EXAMPLE_DAY:%m/%d/%Y} for {_EXAMPLE_DAY:%-d %B %Y}",
    DateOrder.DAY_FIRST: f"Day first, such as {_EXAMPLE_DAY:%d/%m/%Y} for {_EXAMPLE_DAY:%-d %B %Y}",
    DateOrder.YEAR_DAY_MONTH: f"Year, day, month, such as {_EXAMPLE_DAY:%Y-%d-%m} for {_EXAMPLE_DAY:%-d %B %Y}",
}
_DECIMAL_MARKS = {
    DecimalMark.POINT: "A point, such as 1,299.50",
    DecimalMark.COMMA: "A comma, such as 1.299,50",
}


def describe_question(question: Question, columns: Sequence[Column]) -> QuestionWording:
    """Return the words of a question about a file."""
    header = question.params.get("header", "")
    if names.get_position(question.name) is not None:
        choices = {names.NOT_IMPORTED: "Do not import"} | {column.name: column.header for column in columns}
        label = f"Which field is the column “{header}”?"
        return QuestionWording(label, choices, for_commands="Rename the column, or use --profile.")
    if question.name == names.ENCODING:
        encodings = add_examples(ENCODINGS, question.params.get("examples", {}))
        return QuestionWording("How is this file encoded?", encodings, for_commands="Add --encoding, such as cp1252.")
    if question.name == names.PROFILE:
        profiles = {name: name for name in question.params.get("profiles", ())} | {names.NO_PROFILE: "None of them"}
        return QuestionWording("Which profile is this file read with?", profiles, for_commands="Add --profile NAME.")
    if named := names.get_word(question.name):
        field, word = named
        label = f"What does “{word}” mean in “{header}”?"
        return QuestionWording(label, describe_meanings(field, columns), for_commands=f"Add --word {word}=MEANING.")
    return _describe_notation(question, header)


def _describe_notation(question: Question, header: str) -> QuestionWording:
    if names.get_field_of_cells(question.name):
        label = f"How are the date cells of “{header}” to be read?"
        options = f"Add --date-cells {' or --date-cells '.join(DATE_CELLS)}."
        return QuestionWording(label, DATE_CELLS, describe_reason(Why.EARLY_CELLS, question.params), options)
    example = question.params.get("example", "")
    shown = f"The file contains “{example}”." if example else ""
    if names.get_dated_field(question.name):
        orders = {str(order): words for order, words in _DATE_ORDERS.items() if order in question.choices}
        if DateOrder.YEAR_DAY_MONTH in orders:
            orders[DateOrder.MONTH_FIRST] += f", and {_EXAMPLE_DAY:%Y-%m-%d}"
        options = f"Add {' or '.join(f'--date-order {order}' for order in orders)}."
        return QuestionWording(f"In which order are the dates in “{header}”?", orders, shown, options)
    marks = {str(mark): words for mark, words in _DECIMAL_MARKS.items()}
    return QuestionWording(
        f"What is the decimal mark of the numbers in “{header}”?",
        marks,
        shown,
        "Add --decimal point or --decimal comma.",
    )

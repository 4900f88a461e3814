"""The names of the parts of a reading plan, which are also the names of questions, answers and form fields."""

from urllib.parse import quote, unquote

ENCODING = "encoding"
DELIMITER = "delimiter"
SHEET = "sheet"
HEADER_ROW = "header_row"
DUPLICATE_ROWS = "duplicate_rows"
# Answers for all columns of dates or numbers.
ALL_DATE_ORDERS = "date_order"
ALL_DECIMAL_MARKS = "decimal_mark"
PROFILE = "profile"
NO_PROFILE = "-"
FORM = "form"  # the name of another form of upload, which is made into a table
MERGED_CELLS = "merged_cells"
MERGED_COLUMNS = "merged_columns"
HIDDEN_ROWS = "hidden_rows"
STRUCTURE = (ENCODING, DELIMITER, SHEET, HEADER_ROW)
MARKS = (MERGED_CELLS, MERGED_COLUMNS, HIDDEN_ROWS)  # of a sheet
_COLUMN = "column:"
_DATE_ORDER = "date_order:"
_DECIMAL_MARK = "decimal_mark:"
_WORD = "word:"
_TEXT_MARK = "text_mark:"
ALL_DATE_CELLS = "date_cells"
_DATE_CELLS = "date_cells:"
NOT_IMPORTED = "-"  # the answer for a column of the file that belongs to no field


def column(position: int) -> str:
    """Return the name of the part that says which field a column of the file belongs to."""
    return f"{_COLUMN}{position}"


def date_order(field: str) -> str:
    return f"{_DATE_ORDER}{field}"


def decimal_mark(field: str) -> str:
    return f"{_DECIMAL_MARK}{field}"


def word(field: str, text: str) -> str:
    """Return the name of the part that says what a word means in a field; in all fields if `field` is empty."""
    return f"{_WORD}{field}:{quote(text, safe='')}"


def text_mark(field: str) -> str:
    """Return the name of the part that says whether an apostrophe before the values of a field belongs to them."""
    return f"{_TEXT_MARK}{field}"


def get_marked_field(name: str) -> str:
    """Return the field in the name of a part that `text_mark` made, or an empty text."""
    return name.removeprefix(_TEXT_MARK) if name.startswith(_TEXT_MARK) else ""


def date_cells(field: str) -> str:
    """Return the name of the part that says whether day and month are exchanged in the date cells of a field."""
    return f"{_DATE_CELLS}{field}"


def get_field_of_cells(name: str) -> str:
    """Return the field in the name of a part that `date_cells` made, or an empty text."""
    return name.removeprefix(_DATE_CELLS) if name.startswith(_DATE_CELLS) else ""


def get_word(name: str) -> tuple[str, str] | None:
    """Return the field and the word in the name of a part that `word` made, or None."""
    if not name.startswith(_WORD):
        return None
    field, _, text = name.removeprefix(_WORD).partition(":")
    return field, unquote(text)


def get_position(name: str) -> int | None:
    """Return the position in the name of a part that `column` made, or None."""
    digits = name.removeprefix(_COLUMN)
    return int(digits) if digits != name and digits.isdecimal() else None


def get_dated_field(name: str) -> str:
    """Return the field in the name of a part that `date_order` made, or an empty text."""
    return name.removeprefix(_DATE_ORDER) if name.startswith(_DATE_ORDER) else ""


def get_noted_field(name: str) -> str:
    """Return the field whose notation a part says, or an empty text."""
    return get_dated_field(name) or get_numeric_field(name)


def get_read_field(name: str) -> str:
    """Return the field about whose values a part says how they are read, or an empty text."""
    word = get_word(name)
    return word[0] if word else get_noted_field(name) or get_marked_field(name) or get_field_of_cells(name)


def get_numeric_field(name: str) -> str:
    """Return the field in the name of a part that `decimal_mark` made, or an empty text."""
    return name.removeprefix(_DECIMAL_MARK) if name.startswith(_DECIMAL_MARK) else ""

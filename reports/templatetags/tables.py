from collections.abc import Iterable, Sequence

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from reports.tables import Cell, Head, Row

register = template.Library()


@register.simple_tag
def table_rows(rows: Iterable[Row], heads: Sequence[Head] = ()) -> SafeString:
    """Return the rows as HTML. A template would take several times as long for hundreds of cells.

    With the heads of the columns, the cells have the labels that stacked rows show.
    """
    labels = [format_html(' data-label="{}"', head.column.label) for head in heads[1:]]
    return mark_safe("\n".join(f"<tr>{_row(row, labels)}</tr>" for row in rows))  # noqa: S308 (each cell is escaped)


def _row(row: Row, labels: Sequence[str]) -> str:
    first, *others = map(_content, row)
    figures = (cell.is_figure for cell in row[1:])
    cells = (
        f'<td class="figure"{label}>{text}</td>' if is_figure else f"<td{label}>{text}</td>"
        for text, is_figure, label in zip(others, figures, labels or [""] * len(others), strict=True)
    )
    return f'<th scope="row">{first}</th>{"".join(cells)}'


def _content(cell: Cell) -> SafeString:
    return format_html('<a href="{}">{}</a>', cell.href, cell.text) if cell.href else format_html("{}", cell.text)

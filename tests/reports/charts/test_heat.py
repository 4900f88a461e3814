import pytest

from reports.charts.heat import heat_table
from reports.charts.rows import HeatCell, HeatRow


def shades(*values: float | None) -> list[int]:
    columns = [f"Brand {number}" for number in range(len(values))]
    (row,) = heat_table(columns, [HeatRow("Asthma", [HeatCell(value) for value in values])]).rows
    return [cell.shade for cell in row.cells]


def test_the_higher_the_figure_the_darker_the_cell() -> None:
    assert shades(100, 80, 79, 21, 20, 1) == [5, 4, 4, 2, 1, 1]


def test_zero_and_unknown_values_have_no_shade() -> None:
    assert shades(0, None, 5) == [0, 0, 5]
    assert shades(0, 0) == [0, 0]


def test_the_title_of_a_cell_has_row_column_and_value() -> None:
    (row,) = heat_table(["Honor", "Huawei"], [HeatRow("Asthma", [HeatCell(1200, "?", "3 %"), HeatCell(None)])]).rows
    assert [cell.name for cell in row.cells] == ["Asthma, Honor: 1,200, 3 %", "Asthma, Huawei: unknown"]
    assert [cell.text for cell in row.cells] == ["1,200", ""]


def test_a_row_has_a_cell_for_each_column() -> None:
    with pytest.raises(ValueError, match="shorter"):
        heat_table(["Honor", "Huawei"], [HeatRow("Asthma", [HeatCell(1)])])

import pytest

from reports.charts.formatting import describe, format_figure, format_short, shorten


@pytest.mark.parametrize(
    ("figure", "text"),
    [(0, "0"), (999, "999"), (1000, "1k"), (33930, "33.9k"), (999_600, "1M"), (1_254_000, "1.25M"), (0.25, "0.25")],
)
def test_a_short_figure_has_three_digits(figure: float, text: str) -> None:
    assert format_short(figure) == text


@pytest.mark.parametrize(("figure", "text"), [(52022, "52,022"), (1234.56, "1,234.6"), (0.02, "0.02"), (0.0, "0")])
def test_a_figure_is_formatted_in_full(figure: float, text: str) -> None:
    assert format_figure(figure) == text


def test_a_short_name_is_not_changed() -> None:
    assert shorten("Asthma", 6) == "Asthma"


def test_a_longer_name_ends_in_an_ellipsis() -> None:
    assert shorten("Asthma and more", 8) == "Asthma…"


def test_the_title_of_a_bar_has_label_value_and_unit() -> None:
    assert describe("51+", 52022, "patients", "52.0 %") == "51+: 52,022 patients, 52.0 %"
    assert describe("51+", 52022, "") == "51+: 52,022"
    assert describe("51+", 1, "patients") == "51+: 1 patient"

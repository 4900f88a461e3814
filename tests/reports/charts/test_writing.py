import pytest

from reports.charts.writing import briefly, named, shortened, written


@pytest.mark.parametrize(
    ("figure", "text"),
    [(0, "0"), (999, "999"), (1000, "1k"), (33930, "33.9k"), (999_600, "1M"), (1_254_000, "1.25M"), (0.25, "0.25")],
)
def test_a_brief_figure_has_three_digits(figure: float, text: str) -> None:
    assert briefly(figure) == text


@pytest.mark.parametrize(("figure", "text"), [(52022, "52,022"), (1234.56, "1,234.6"), (0.02, "0.02"), (0.0, "0")])
def test_a_figure_is_written_out(figure: float, text: str) -> None:
    assert written(figure) == text


def test_a_name_that_fits_stays_whole() -> None:
    assert shortened("Asthma", 6) == "Asthma"


def test_a_longer_name_ends_in_an_ellipsis() -> None:
    assert shortened("Asthma and more", 8) == "Asthma…"


def test_a_bar_says_its_label_its_value_and_what_it_counts() -> None:
    assert named("51+", 52022, "patients", "52.0 %") == "51+: 52,022 patients, 52.0 %"
    assert named("51+", 52022, "") == "51+: 52,022"
    assert named("51+", 1, "patients") == "51+: 1 patient"

"""The colours of the charts in the style sheet, checked with the formulas of WCAG 2.2."""

from itertools import combinations

import pytest

from tests.support.chart_colors import colors

BACKGROUNDS = ("#ffffff", "#121212")


def channels(color: str) -> list[float]:
    values = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    return [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]


def luminance(color: str) -> float:
    red, green, blue = channels(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", [0, 1])
def test_there_are_eight_colours(mode: int) -> None:
    assert len(set(colors(mode))) == 8


@pytest.mark.parametrize("mode", [0, 1])
def test_a_bar_stands_out_from_the_page_and_a_value_from_its_bar(mode: int) -> None:
    # The values in bars have the colour of the page, so both contrasts are the same.
    assert [color for color in colors(mode) if contrast(color, BACKGROUNDS[mode]) < 4.5] == []


# How people without one kind of cone see a colour of linear light (Viénot, Brettel and Mollon 1999).
RED_BLIND = ((0.11238, 0.88762, 0), (0.11238, 0.88762, 0), (0.00401, -0.00401, 1))
GREEN_BLIND = ((0.29275, 0.70725, 0), (0.29275, 0.70725, 0), (-0.02234, 0.02234, 1))


def seen(color: str, by: tuple[tuple[float, ...], ...]) -> list[float]:
    light = channels(color)
    return [max(sum(a * b for a, b in zip(row, light, strict=True)), 0) ** (1 / 2.4) for row in by]


@pytest.mark.parametrize("by", [RED_BLIND, GREEN_BLIND])
@pytest.mark.parametrize("mode", [0, 1])
def test_colour_blind_people_can_distinguish_all_colours(mode: int, by: tuple[tuple[float, ...], ...]) -> None:
    shown = [seen(color, by) for color in colors(mode)]
    for one, other in combinations(shown, 2):
        assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 > 0.1

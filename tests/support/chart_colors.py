"""The colours of the charts, as the style sheet declares them."""

import re
from pathlib import Path

from django.contrib.staticfiles import finders


def style_sheet() -> str:
    found = finders.find("core/series.css")
    assert isinstance(found, str)
    return Path(found).read_text(encoding="utf-8")


def colors(mode: int) -> list[str]:
    """Return the colours of the series: those of the light mode for 0, and of the dark mode for 1."""
    return [pair[mode] for pair in re.findall(r"--series-\d: light-dark\((#\w{6}), (#\w{6})\)", style_sheet())]

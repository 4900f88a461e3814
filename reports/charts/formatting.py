"""How charts format figures and names."""

from reports.charts.rows import Figure

SHORT_SCALE = ((10**12, "T"), (10**9, "bn"), (10**6, "M"), (10**3, "k"))


def format_figure(figure: Figure) -> str:
    """Return the figure in full: 52,022 or 1,234.6."""
    if isinstance(figure, int):
        return f"{figure:,}"
    return f"{figure:,.1f}" if figure >= 1 else f"{figure:.2g}"


def format_short(figure: Figure) -> str:
    """Return the figure with at most three digits and a letter: 52k or 1.25M."""
    for size, letter in SHORT_SCALE:
        # 999,600 rounds to 1,000k, and is therefore 1M.
        if float(f"{figure:.3g}") >= size:
            return f"{float(f'{figure / size:.3g}'):g}{letter}"
    return f"{figure:.3g}" if isinstance(figure, float) else str(figure)


def shorten(text: str, max_length: int) -> str:
    """Return the text, cut off with an ellipsis if it is longer than the maximum."""
    return text if len(text) <= max_length else f"{text[: max_length - 1].rstrip()}…"


def describe(label: str, figure: Figure, unit: str, detail: str = "") -> str:
    """Return a bar's title for screen readers, such as '51+: 52,022 patients, 52.0 %'."""
    counted = f"{format_figure(figure)} {unit.removesuffix('s') if figure == 1 else unit}".rstrip()
    return f"{label}: {counted}, {detail}" if detail else f"{label}: {counted}"


def percent(share: float) -> str:
    """Return a share from 0 to 1 as a length in SVG."""
    return f"{share * 100:.2f}%"

"""Figures and names as a chart writes them."""

from reports.charts.rows import Figure

SHORT_SCALE = ((10**12, "T"), (10**9, "bn"), (10**6, "M"), (10**3, "k"))


def written(figure: Figure) -> str:
    if isinstance(figure, int):
        return f"{figure:,}"
    return f"{figure:,.1f}" if figure >= 1 else f"{figure:.2g}"


def briefly(figure: Figure) -> str:
    """Three digits and a letter: 52k, 1.25M."""
    for size, letter in SHORT_SCALE:
        # What would be rounded up to a thousand is one of the next size.
        if float(f"{figure:.3g}") >= size:
            return f"{float(f'{figure / size:.3g}'):g}{letter}"
    return f"{figure:.3g}" if isinstance(figure, float) else str(figure)


def shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def named(label: str, figure: Figure, unit: str, detail: str = "") -> str:
    """A bar as a sentence for who hears it."""
    counted = f"{written(figure)} {unit.removesuffix('s') if figure == 1 else unit}".rstrip()
    return f"{label}: {counted}, {detail}" if detail else f"{label}: {counted}"


def percent(share: float) -> str:
    return f"{share * 100:.2f}%"

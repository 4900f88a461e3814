"""An invented catalogue in the format of the vendors' file, with its blanks, duplicates and gaps."""

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import NamedTuple, TypeVar

T = TypeVar("T")
Row = tuple[str, ...]

HEADER: Row = (
    "Brand Name",
    "Device Type",
    "Model Name",
    "Color",
    "Selling Price",
    "Original Price",
    "Display",
    "Rating (Out of 5)",
    "Strap Material",
    "Average Battery Life (in days)",
    "Reviews",
)

BAND, WATCH = "FitnessBand", "Smartwatch"
AMOLED, OLED, LED, LCD = "AMOLED Display", "OLED Display", "LED Display", "LCD Display"
POLYURETHANE = "Thermoplastic polyurethane"

STEP_BETWEEN_MODELS = 500
SMALLEST_DISCOUNT, DISCOUNTS = 100, 6
LATER_DISCOUNT = 30
OFFERS_PER_REPEAT = 9
EXACT_REPEATS = 3
RATINGS = ("", "3.4", "3.8", "3.9", "4", "4.1", "4.1", "4.2", "4.2", "4.3", "4.3", "4.5", "4.6", "5")
MAX_REVIEWS = 20_000
ODD_SPELLINGS = {"Leather": "leather", "leather": "Leather "}


class SourceFile(NamedTuple):
    name: str
    header: Row
    rows: Iterable[Row]


class Series(NamedTuple):
    """Models that differ in name and price alone, each sold in every color with every strap."""

    brand: str
    device_type: str
    models: tuple[str, ...]
    colors: tuple[str, ...]
    display: str
    straps: tuple[str, ...]
    battery_days: int
    lowest_price: int


class Offer(NamedTuple):
    brand: str
    device_type: str
    model: str
    color: str
    selling_price: int
    original_price: int
    display: str
    rating: str
    strap: str
    battery_days: int
    reviews: str

    def row(self) -> Row:
        prices = {"selling_price": f"{self.selling_price:,}", "original_price": f"{self.original_price:,}"}
        return tuple(map(str, {**self._asdict(), **prices}.values()))


# The source has the same trailing blanks and letter case.
CATALOGUE = (
    Series(
        "Tarnwell",
        BAND,
        ("Loop", "Loop 2", "Loop 3", "Stride", "Stride Pro"),
        ("Black", "Blue", "Rose"),
        AMOLED,
        ("Silicone",),
        14,
        2499,
    ),
    Series(
        "Tarnwell",
        WATCH,
        ("Summit", "Summit S", "Summit 2"),
        ("Black", "Silver"),
        AMOLED,
        ("Silicone", "Leather"),
        7,
        9999,
    ),
    Series(
        "Orvika ",
        BAND,
        ("Loop", "Loop 2", "Trace", "Trace Mini"),
        ("Black ", "Coral"),
        OLED,
        (POLYURETHANE,),
        10,
        1999,
    ),
    Series(
        "Orvika ",
        WATCH,
        ("Meridian", "Meridian Lite", "Day One"),
        ("Graphite, Ivory", "Sand "),
        "TFT-LCD Display",
        ("Silicone", "Stainless Steel"),
        12,
        5499,
    ),
    Series(
        "ZENTREL ",
        BAND,
        ("Loop", "Loop 2", "Pulse Band", "Pulse Band 2"),
        ("Black", "Moss, Slate, Amber"),
        "PMOLED Display",
        ("Plastic",),
        7,
        1299,
    ),
    Series(
        "ZENTREL ",
        WATCH,
        ("Halo 3", "Halo 3 Music", "Halo 4"),
        ("Deep Teal", "Black "),
        AMOLED,
        ("Leather ", "Elastomer"),
        2,
        14990,
    ),
    Series(
        "Mirelo",
        WATCH,
        ("Aria Hybrid", "Aria Hybrid 2", "Corso HR"),
        ("Gold", "Silver", "Brown"),
        LCD,
        ("leather", "Stainless Steel"),
        28,
        8995,
    ),
    Series(
        "Kadenzo",
        WATCH,
        ("Trail 40", "Trail 40S", "Trail X", "Day One"),
        ("Black", "Olive"),
        LCD,
        ("Silicone", "Nylon"),
        20,
        21990,
    ),
    Series("brizzo ", BAND, ("Tik", "Tik 2", "Stride"), ("Black", "Red ", "Blue"), LED, ("Rubber",), 5, 899),
    Series(
        "Lumivo ",
        WATCH,
        ("ColorMove", "ColorMove Pro", "Vista"),
        ("Jet Black", "Mist Grey "),
        AMOLED,
        ("Silicone", "Aluminium"),
        45,
        3499,
    ),
    Series("Sundra", BAND, ("SB-10", "SB-10 HR", "Flint"), ("Black", "White "), OLED, ("Fabric",), 4, 1499),
)


def pick(rng: Random, options: Sequence[T]) -> T:
    """Return a random option."""
    # random() is the only method of Random that gives the same numbers in every version of Python.
    return options[int(rng.random() * len(options))]


def get_brands_by_model() -> dict[str, list[str]]:
    """Return the brands that use each model name."""
    brands: dict[str, list[str]] = {}
    for series in CATALOGUE:
        for model in series.models:
            brands.setdefault(model, []).append(series.brand.strip())
    return brands


def make_source_file(rng: Random) -> SourceFile:
    """Return the invented catalogue; the same seed of the generator gives the same rows."""
    offers = [offer for series in CATALOGUE for offer in _make_offers(rng, series)]
    offers += [_repeat_offer(rng, offer) for offer in offers[::OFFERS_PER_REPEAT]]
    offers += [pick(rng, offers) for _ in range(EXACT_REPEATS)]
    return SourceFile("fitness_trackers.csv", HEADER, [offer.row() for offer in offers])


def _make_offers(rng: Random, series: Series) -> Iterator[Offer]:
    for place, model in enumerate(series.models):
        original_price = series.lowest_price + place * STEP_BETWEEN_MODELS
        for color in series.colors:
            for strap in series.straps:
                yield Offer(
                    series.brand,
                    series.device_type,
                    model,
                    color,
                    original_price - pick(rng, range(DISCOUNTS)) * SMALLEST_DISCOUNT,
                    original_price,
                    series.display,
                    pick(rng, RATINGS),
                    strap,
                    series.battery_days,
                    _pick_reviews(rng),
                )


def _repeat_offer(rng: Random, offer: Offer) -> Offer:
    """Return the same variant at a later price, in a slightly different spelling."""
    return offer._replace(
        brand=offer.brand.strip(),
        selling_price=offer.selling_price - LATER_DISCOUNT,
        rating=pick(rng, RATINGS),
        strap=ODD_SPELLINGS.get(offer.strap, offer.strap),
    )


def _pick_reviews(rng: Random) -> str:
    share, reviews = rng.random(), pick(rng, range(1, MAX_REVIEWS))
    if share < 0.8:
        return ""
    return f"{reviews:,}" if share < 0.85 else str(reviews)

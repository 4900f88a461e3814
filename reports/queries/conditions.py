from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from healthtrack.core.replicas.routing import reading
from patients.filters.records import Records
from reports.queries.brands import Catalogue
from reports.queries.model_sets import model_sets

# Split as the filter by condition does: ignoring case and blanks around the commas.
_TERMS = r"""
    SELECT written, lower(term), min(term)
      FROM unnest(%s::text[]) AS written, regexp_split_to_table(written, '\s*,\s*') AS term
     WHERE term <> ''
     GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Condition:
    name: str
    patients: int
    with_tracker: int
    by_brand: Mapping[str, int]


@dataclass(frozen=True)
class Conditions:
    conditions: list[Condition]
    brands: list[str]
    without_condition: int


class _Counts:
    def __init__(self) -> None:
        self.spellings = Counter[str]()
        self.patients = self.with_tracker = 0
        self.by_brand = Counter[str]()

    def add(self, spelling: str, patients: int, brands: Collection[str]) -> None:
        self.spellings[spelling] += patients
        self.patients += patients
        self.by_brand.update(dict.fromkeys(brands, patients))
        if brands:
            self.with_tracker += patients

    def condition(self) -> Condition:
        name = min(self.spellings, key=lambda spelling: (-self.spellings[spelling], spelling))
        return Condition(name, self.patients, self.with_tracker, dict(self.by_brand))


def tracker_use_by_condition(records: Records) -> Conditions:
    """Count the patients of each condition, and how many of them use a tracker of each brand."""
    sets = list(model_sets(records, by_conditions=True))
    catalogue = Catalogue(sets)
    terms = _terms({found.conditions for found in sets})
    counts: dict[str, _Counts] = defaultdict(_Counts)
    of_brand = Counter[str]()
    for found in sets:
        brands = catalogue.brands(found)
        for term, spelling in terms[found.conditions].items():
            counts[term].add(spelling, found.patients, brands)
        if terms[found.conditions]:
            of_brand.update(dict.fromkeys(brands, found.patients))
    return Conditions(
        conditions=sorted(
            (counted.condition() for counted in counts.values()),
            key=lambda condition: (-condition.patients, condition.name.casefold()),
        ),
        brands=sorted(of_brand, key=lambda brand: (-of_brand[brand], brand.casefold())),
        without_condition=sum(found.patients for found in sets if not terms[found.conditions]),
    )


def _terms(texts: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the conditions in each text: the spelling of each, by the condition in lower case."""
    with reading().cursor() as cursor:
        cursor.execute(_TERMS, [list(texts)])
        rows = cursor.fetchall()
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for written, term, spelling in rows:
        found[written][term] = spelling
    return found

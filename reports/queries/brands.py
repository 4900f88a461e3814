from collections import Counter
from dataclasses import dataclass

from django.db import connection

# Most patients have one link, so a brand's links are nearly its patients: only who has several links, and stands in a
# partial index, may stand under a brand twice. Those are counted by the set of models that they have, as there are few
# such sets. Two or three models are told by the lowest, the highest and the sum, which is quicker than gathering them
# into an array patient by patient. It is one statement, so that all counts see the same state of the tables.
LINKS_AND_SETS = """
WITH links AS (
    SELECT model_id, count(*) AS links FROM medical_record_and_trackers GROUP BY model_id
), several AS (
    SELECT patient_id, count(*) AS links, min(model_id) AS lowest, max(model_id) AS highest, sum(model_id) AS total
      FROM medical_records JOIN medical_record_and_trackers USING (patient_id)
     WHERE link_count > 1
     GROUP BY patient_id
), alike AS (
    SELECT links, lowest, highest, total, CASE WHEN links > 3 THEN patient_id END AS patient_id, count(*) AS patients
      FROM several
     GROUP BY 1, 2, 3, 4, 5
)
SELECT ARRAY[model_id], links, lower(brand_name), brand_name
  FROM links JOIN tracker_models USING (model_id)
 UNION ALL
SELECT CASE links WHEN 2 THEN ARRAY[lowest, highest]
                  ELSE ARRAY[lowest, (total - lowest - highest)::integer, highest] END, patients, NULL, NULL
  FROM alike
 WHERE links <= 3
 UNION ALL
SELECT array_agg(model_id), 1, NULL, NULL
  FROM alike JOIN medical_record_and_trackers USING (patient_id)
 WHERE links > 3
 GROUP BY patient_id
"""


@dataclass(frozen=True)
class Brand:
    name: str
    patients: int


@dataclass(frozen=True)
class Brands:
    brands: list[Brand]
    patients: int
    of_several_brands: int


def patients_by_brand() -> Brands:
    with connection.cursor() as cursor:
        cursor.execute(LINKS_AND_SETS)
        rows: list[tuple[list[int], int, str | None, str | None]] = cursor.fetchall()
    counts, names, brand_of = Counter[str](), dict[str, str](), dict[int, str]()
    most_linked_first = sorted(rows, key=lambda row: (-row[1], row[0]))
    for (model, *_), links, brand, name in most_linked_first:
        if brand and name:
            brand_of[model] = brand
            counts[brand] += links
            names.setdefault(brand, name)
    sets = [
        (Counter(brand_of[model] for model in models), patients) for models, patients, brand, _ in rows if not brand
    ]
    total = counts.total()
    for brands, patients in sets:
        counts.subtract({brand: (links - 1) * patients for brand, links in brands.items()})
        total -= (brands.total() - 1) * patients
    return Brands(
        brands=sorted((Brand(names[brand], count) for brand, count in counts.items()), key=_most_first),
        patients=total,
        of_several_brands=sum(patients for brands, patients in sets if len(brands) > 1),
    )


def _most_first(brand: Brand) -> tuple[int, str]:
    return -brand.patients, brand.name.casefold()

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from patients.filters.records import Records
from patients.models import MedicalRecord
from reports.queries.model_sets import ModelSet, model_sets
from trackers.models import TrackerModel


@dataclass(frozen=True)
class Model:
    model_id: int
    name: str
    device_type: str
    patients: int


@dataclass(frozen=True)
class Brand:
    name: str
    patients: int
    models: list[Model]


@dataclass(frozen=True)
class Brands:
    brands: list[Brand]
    patients: int
    with_several_brands: int


class Catalogue:
    """The brands and models that patients use.

    Brands that differ only in case are one brand, spelt as that of its most used model.
    """

    def __init__(self, sets: list[ModelSet]) -> None:
        self.patients = Counter[int]()
        for found in sets:
            self.patients.update(dict.fromkeys(found.models, found.patients))
        self.models = TrackerModel.objects.in_bulk(self.patients)

    @cached_property
    def brand_of(self) -> dict[int, str]:
        names: dict[str, str] = {}
        by_use = sorted(self.models, key=lambda model: (-self.patients[model], model))
        return {
            model: names.setdefault(self.models[model].brand_name.lower(), self.models[model].brand_name)
            for model in by_use
        }

    def brands(self, found: ModelSet) -> set[str]:
        # A model that was deleted after the count has no brand.
        return {self.brand_of[model] for model in found.models if model in self.brand_of}

    def models_of(self, brand: str) -> list[Model]:
        models = [self.models[pk] for pk, of in self.brand_of.items() if of == brand]
        counted = [Model(model.pk, model.model_name, model.device_type, self.patients[model.pk]) for model in models]
        return sorted(counted, key=lambda model: (-model.patients, model.name.casefold(), model.model_id))


def patients_by_brand(records: Records | None = None) -> Brands:
    """Count patients by brand and model of their trackers, most patients first; each patient once per brand."""
    sets = list(model_sets(MedicalRecord.objects.all() if records is None else records))
    catalogue = Catalogue(sets)
    counts = Counter[str]()
    for found in sets:
        counts.update(dict.fromkeys(catalogue.brands(found), found.patients))
    return Brands(
        brands=sorted(
            (Brand(name, count, catalogue.models_of(name)) for name, count in counts.items()),
            key=lambda brand: (-brand.patients, brand.name.casefold()),
        ),
        patients=sum(found.patients for found in sets),
        with_several_brands=sum(found.patients for found in sets if len(catalogue.brands(found)) > 1),
    )

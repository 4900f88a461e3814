from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce


def rows_per_model(rows: QuerySet[Any]) -> Coalesce:
    """Return an expression that counts these rows for each tracker model, to which their column `model` refers."""
    counted = rows.filter(model=OuterRef("pk")).order_by().values("model").annotate(rows=Count("*"))
    return Coalesce(Subquery(counted.values("rows")), 0, output_field=IntegerField())

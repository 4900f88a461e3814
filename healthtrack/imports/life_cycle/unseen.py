"""The runs that finished since the person who started them last looked: the navigation shows how many there are."""

from typing import Any

from django.db.models import Count, OuterRef, Subquery
from django.http import HttpRequest

from healthtrack.accounts import session_facts
from healthtrack.imports.life_cycle import runs
from healthtrack.imports.models import ImportRun

FACT = "unseen_imports"


def count_unseen() -> "Subquery[Any]":
    """Return the expression of how many runs of the person are unseen."""
    unseen = ImportRun.objects.filter(started_by=OuterRef("user"), is_unseen=True).order_by()
    return Subquery(unseen.values("started_by").annotate(runs=Count("*")).values("runs"))


def get_unseen(request: HttpRequest) -> int:
    """Return how many runs of the person finished unseen."""
    return session_facts.get_fact(request, FACT)


def mark_as_seen(request: HttpRequest, **looked_at: object) -> None:
    """Remember that the person has looked at these runs of theirs, or at all."""
    if unseen := get_unseen(request):
        session_facts.set_fact(request, FACT, unseen - runs.mark_as_seen(started_by=request.user.pk, **looked_at))

"""The latest imports and changes by hand, of what the person may see."""

from datetime import timedelta

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from healthtrack.audit.models import Action
from healthtrack.audit.presentation import Entry, entries
from healthtrack.audit.views import changes_shown_to
from healthtrack.imports.models import AWAITING_PERSON, ImportRun, Kind, State

CHANGES_SHOWN = 8
RUNS_SHOWN = 5
MOURNED_FOR = timedelta(days=7)


def latest_changes(request: HttpRequest) -> list[Entry]:
    by_hand = changes_shown_to(request).filter(run_id=None).exclude(action=Action.TRUNCATE)
    latest = by_hand.select_related("person").order_by("-changed_at", "-change_id")
    return entries(list(latest[:CHANGES_SHOWN]))


def latest_runs(request: HttpRequest) -> list[ImportRun]:
    return list(_runs(request)[:RUNS_SHOWN])


def last_applied(request: HttpRequest) -> ImportRun | None:
    return _runs(request).filter(state=State.APPLIED, kind=Kind.IMPORT).first()


def runs_to_see_to(request: HttpRequest) -> list[ImportRun]:
    """Those that wait for a person's word, and those that ended badly and no later import made good."""
    later = ImportRun.objects.filter(importer=OuterRef("importer"), run_id__gt=OuterRef("run_id"), state=State.APPLIED)
    ended_badly = Q(state__in=(State.REFUSED, State.FAILED), finished_at__gte=timezone.now() - MOURNED_FOR)
    return list(_runs(request).filter(Q(state__in=AWAITING_PERSON) | (ended_badly & ~Exists(later)))[:RUNS_SHOWN])


def _runs(request: HttpRequest) -> QuerySet[ImportRun]:
    pages = admin.site.get_model_admin(ImportRun)
    if not pages.has_view_permission(request):
        return ImportRun.objects.none()
    return pages.get_queryset(request).select_related("started_by").order_by("-run_id")

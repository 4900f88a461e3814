"""Which addresses can be saved as views, and who can see and change which view."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse

from healthtrack.core import search_terms
from healthtrack.core.permissions import can_view
from healthtrack.core.text import quote
from patients.filters.records import PARAMETERS, RecordFilter
from patients.models import MedicalRecord
from reports.models import SavedView
from reports.registry import reports

RECORDS = "admin:patients_medicalrecord_changelist"
SHARE = "reports.share_savedview"
MAX_QUERY_LENGTH = 1000
SEARCH_PARAMETERS = {
    search_terms.QUERY,
    search_terms.TOKEN,
}  # never saved: the search terms may be a patient's name, and the navigation shows shared views to others
RECORD_PARAMETERS = {*PARAMETERS, "o"}
TRANSIENT_PARAMETERS = {"page", "p", "count", "format", "e"}


class UnsavableError(ValueError):
    """An address cannot be saved as a view. The message says why, and what to do."""


def get_page_titles(user: User | AnonymousUser) -> dict[str, str]:
    """Return the titles of the pages that this person may save as views, by their URL names."""
    titles = {f"reports:{report.name}": report.title for report in reports() if report.is_open_to(user)}
    if user.is_staff and can_view(user, MedicalRecord):
        titles[RECORDS] = "Records"
    return titles


def build_view(address: str, user: User) -> SavedView:
    """Return an unsaved view of an address of this site, without transient parameters such as the page number."""
    try:
        parts = urlsplit(address)
    except ValueError:
        raise UnsavableError(f"{quote(address)} is not an address.") from None
    pages = get_page_titles(user)
    page = next((page for page in pages if not parts.scheme and not parts.netloc and reverse(page) == parts.path), "")
    if not page:
        raise UnsavableError(
            f"{quote(address)} is not a report or list of records that you can open. Open the page that you want to"
            " save, and choose “Save this view” there."
        )
    known = RECORD_PARAMETERS if page == RECORDS else {*PARAMETERS, "sort", *_get_parameters_of_reports()}
    return SavedView(owner=user, page=page, query=_clean_query(parts.query, known))


def describe_filters(view: SavedView) -> list[tuple[str, str]]:
    """Return the labels and values of the filters of a view, and the other parameters in its address."""
    parameters = QueryDict(view.query, mutable=True)
    models: list[str] = parameters.pop("tracker_model", [])  # their names would take a query for each view
    active = [(each.label, each.value) for each in RecordFilter(parameters).active_filters]
    others = [(name, value) for name, value in parse_qsl(view.query) if name not in PARAMETERS]
    numbers = [("Tracker model", f"number {number}") for number in models]
    return [*active, *numbers, *((name.replace("_", " ").capitalize(), value) for name, value in others)]


def is_searched(address: str) -> bool:
    """Return whether the address contains a search."""
    return any(name in SEARCH_PARAMETERS for name, _ in parse_qsl(urlsplit(address).query))


def get_visible_views(user: User | AnonymousUser) -> QuerySet[SavedView]:
    """Return the person's own views and the shared ones, of pages that the person may open."""
    mine_or_shared = Q(owner=user.pk) | Q(is_shared=True)
    return SavedView.objects.filter(mine_or_shared, page__in=get_page_titles(user)).select_related("owner")


def get_changeable_views(user: User | AnonymousUser) -> QuerySet[SavedView]:
    """Return the person's own views, and all shared ones if the person may share views.

    So shared views can be changed even after the person who saved them has left.
    """
    views = get_visible_views(user)
    return views if user.has_perm(SHARE) else views.filter(owner=user.pk)


def _get_parameters_of_reports() -> set[str]:
    return {name for report in reports() for name in report.extra_parameters} - SEARCH_PARAMETERS


def _clean_query(query: str, known: set[str]) -> str:
    ignored = TRANSIENT_PARAMETERS | SEARCH_PARAMETERS
    pairs = [(name, value) for name, value in parse_qsl(query) if value.strip() and name not in ignored]
    for name, _ in pairs:
        if name not in known:
            raise UnsavableError(f"The address contains {quote(name)}, which cannot be saved in a view. Remove it.")
    cleaned = urlencode(pairs)
    if len(cleaned) > MAX_QUERY_LENGTH:
        raise UnsavableError(f"The filters are too long: a view can have at most {MAX_QUERY_LENGTH:,} characters.")
    return cleaned

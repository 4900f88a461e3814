"""Which addresses may be saved as views, and who sees which view."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, QuerySet
from django.urls import reverse

from healthtrack.core import search_terms
from healthtrack.core.permissions import can_view
from healthtrack.core.text import shown
from patients.filters import PARAMETERS
from patients.models import MedicalRecord
from reports.models import SavedView
from reports.registry import reports

RECORDS = "admin:patients_medicalrecord_changelist"
SHARE = "reports.share_savedview"
LONGEST_QUERY = 1000
OF_A_SEARCH = {
    search_terms.QUERY,
    search_terms.TOKEN,
}  # the words may be a name, and the navigation shows views to others
OF_RECORDS = {*PARAMETERS, "o"}
OF_REPORTS = {*PARAMETERS, "bands", "sort"}
OF_THE_MOMENT = {"page", "p", "count", "format", "e"}


class UnsavableError(ValueError):
    """Says what of the address cannot be saved, and the way out."""


def titles_open_to(user: User | AnonymousUser) -> dict[str, str]:
    """The pages of which this person may have views, by what they are called."""
    titles = {f"reports:{report.name}": report.title for report in reports() if report.open_to(user)}
    if user.is_staff and can_view(user, MedicalRecord):
        titles[RECORDS] = "Records"
    return titles


def view_of(address: str, user: User) -> SavedView:
    """The view at an address of this site; what only serves the moment, such as the number of a page, is left out."""
    try:
        parts = urlsplit(address)
    except ValueError:
        raise UnsavableError(f"{shown(address)} is no address.") from None
    pages = titles_open_to(user)
    page = next((page for page in pages if not parts.scheme and not parts.netloc and reverse(page) == parts.path), "")
    if not page:
        raise UnsavableError(
            f"{shown(address)} is neither a report nor the list of records that you may open. Open the page that you"
            " want to save, and choose “Save this view” there."
        )
    return SavedView(owner=user, page=page, query=_kept(parts.query, OF_RECORDS if page == RECORDS else OF_REPORTS))


def is_searched(address: str) -> bool:
    return any(name in OF_A_SEARCH for name, _ in parse_qsl(urlsplit(address).query))


def visible_to(user: User | AnonymousUser) -> QuerySet[SavedView]:
    mine_or_shared = Q(owner=user.pk) | Q(is_shared=True)
    return SavedView.objects.filter(mine_or_shared, page__in=titles_open_to(user)).select_related("owner")


def changeable_by(user: User | AnonymousUser) -> QuerySet[SavedView]:
    """One's own, and the shared ones for who may share: those whom they serve must not depend on who saved them."""
    views = visible_to(user)
    return views if user.has_perm(SHARE) else views.filter(owner=user.pk)


def _kept(query: str, known: set[str]) -> str:
    left_out = OF_THE_MOMENT | OF_A_SEARCH
    pairs = [(name, value) for name, value in parse_qsl(query) if value.strip() and name not in left_out]
    for name, _ in pairs:
        if name not in known:
            raise UnsavableError(f"The address asks for {shown(name)}, which no view can hold. Leave it out.")
    kept = urlencode(pairs)
    if len(kept) > LONGEST_QUERY:
        raise UnsavableError(f"The filters are longer than the {LONGEST_QUERY:,} letters that a view can hold.")
    return kept

"""The one navigation of every page: what there is, and to whom it is shown."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse


@dataclass(frozen=True)
class Entry:
    label: str
    page: str
    permissions: tuple[str, ...]
    others: tuple[tuple[str, ...], ...] = ()  # each of which will do instead

    def is_shown_to(self, user: User | AnonymousUser) -> bool:
        return any(user.has_perms(permissions) for permissions in (self.permissions, *self.others))


@dataclass(frozen=True)
class Section:
    """Leads to its own page or, where it has none, to the first of its entries that the person may see."""

    label: str
    entries: tuple[Entry, ...] = ()
    page: str = ""


IMPORT_RECORDS = ("patients.import_medicalrecord", "patients.view_medicalrecord")
IMPORT_VARIANTS = ("trackers.import_fitnesstracker", "trackers.view_fitnesstracker")
IMPORT_MODELS = ("trackers.import_trackermodel", "trackers.view_trackermodel")

SECTIONS = (
    Section("Home", page="home"),
    Section(
        "Records", (Entry("Records", "admin:patients_medicalrecord_changelist", ("patients.view_medicalrecord",)),)
    ),
    Section(
        "Trackers",
        (
            Entry("Models", "admin:trackers_trackermodel_changelist", ("trackers.view_trackermodel",)),
            Entry("Variants", "admin:trackers_fitnesstracker_changelist", ("trackers.view_fitnesstracker",)),
            Entry("Tracker names", "tracker-names:list", ("trackers.view_trackeralias", "patients.view_medicalrecord")),
        ),
    ),
    Section(
        "Imports",
        (
            Entry(
                "All imports",
                "admin:imports_importrun_changelist",
                ("imports.view_importrun",),
                (IMPORT_RECORDS, IMPORT_VARIANTS, IMPORT_MODELS),
            ),
            Entry("Medical records", "admin:patients_medicalrecord_import", IMPORT_RECORDS),
            Entry("Trackers", "admin:trackers_fitnesstracker_import", IMPORT_VARIANTS),
        ),
    ),
    Section(
        "Reports",
        (
            Entry("By age group", "reports:age-groups", ("reports.view_age_groups",)),
            Entry("Without a tracker", "reports:without-tracker", ("reports.view_without_tracker",)),
            Entry("By brand", "reports:brands", ("reports.view_brands",)),
            Entry("By condition", "reports:conditions", ("reports.view_conditions",)),
            Entry("Data quality", "reports:data-quality", ("reports.view_data_quality",)),
        ),
        page="reports:index",
    ),
    Section(
        "Administration",
        (
            Entry("Users", "admin:auth_user_changelist", ("auth.view_user",)),
            Entry("Groups", "admin:auth_group_changelist", ("auth.view_group",)),
            Entry("Roles", "roles", ("auth.view_user",)),
            Entry("Emergency accesses", "admin:roles_emergencyaccess_changelist", ("roles.view_emergencyaccess",)),
            Entry("Changes", "changes", ("audit.view_change",)),
            Entry("Who saw what", "accesses", ("audit.view_access",)),
        ),
        page="admin:index",
    ),
)


@dataclass(frozen=True)
class Link:
    label: str
    address: str
    entries: tuple["Link", ...] = ()
    current: str = ""  # as in aria-current


def links(user: User | AnonymousUser, path: str) -> list[Link]:
    """The sections that the person may open, with the one marked that the page of this path stands in."""
    sections = list(_shown(user))
    addresses = {link.address for section in sections for link in (section, *section.entries)}
    here = max((address for address in addresses if _is_above(address, path)), key=len, default="")
    return [_marked(section, here, path) for section in sections]


def _shown(user: User | AnonymousUser) -> Iterator[Link]:
    for section in SECTIONS:
        entries = tuple(Link(entry.label, reverse(entry.page)) for entry in section.entries if entry.is_shown_to(user))
        if entries or not section.entries:
            yield Link(section.label, reverse(section.page) if section.page else entries[0].address, entries)


def _is_above(address: str, path: str) -> bool:
    """Whether the page is this one, or a page of it: as is every page under a list, and none under the front page."""
    return path == address or (path.startswith(address) and address != reverse("home"))


def _marked(link: Link, here: str, path: str) -> Link:
    entries = tuple(_marked(entry, here, path) for entry in link.entries)
    if here not in _addresses(link, entries):
        return Link(link.label, link.address, entries)
    return Link(link.label, link.address, entries, "page" if link.address == path else "true")


def _addresses(link: Link, entries: Iterable[Link]) -> set[str]:
    return {link.address, *(entry.address for entry in entries)}

"""Who may do what. The groups in the database and the page "Roles" are made of this.

The permissions of the apps stand here, so that one page says what a role is. Only what is added one by one, such as
a report, declares itself which right it belongs to.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Right:
    """What a role may do: by its own permissions, and those that apps add by `register_permissions`."""

    words: str
    own: tuple[str, ...] = ()

    @property
    def permissions(self) -> tuple[str, ...]:
        added = (name for permissions in _providers for right, name in permissions() if right == self)
        return (*self.own, *added)


@dataclass(frozen=True)
class Role:
    name: str
    words: str
    rights: tuple[Right, ...]

    @property
    def permissions(self) -> frozenset[str]:
        return frozenset(permission for right in self.rights for permission in right.permissions)


_providers: list[Callable[[], Iterable[tuple[Right, str]]]] = []


def register_permissions(permissions: Callable[[], Iterable[tuple[Right, str]]]) -> None:
    """Add permissions to rights; the function is called when they are needed."""
    _providers.append(permissions)


TOTALS = Right("See the reports of totals, without names")
NAMED_LISTS = Right("See the reports that name patients")
CATALOGUE = Right(
    "See tracker models, variants and settled names",
    ("trackers.view_trackermodel", "trackers.view_fitnesstracker", "trackers.view_trackeralias"),
)
RECORDS = Right("See patients' records", ("patients.view_medicalrecord",))
KEEP_RECORDS = Right(
    "Add, change and delete records, and link trackers to them",
    ("patients.add_medicalrecord", "patients.change_medicalrecord", "patients.delete_medicalrecord"),
)
KEEP_CATALOGUE = Right(
    "Add, change and delete tracker models and variants",
    tuple(
        f"trackers.{action}_{model}"
        for model in ("trackermodel", "fitnesstracker")
        for action in ("add", "change", "delete")
    ),
)
SETTLE_NAMES = Right(
    "Settle tracker names",
    ("trackers.add_trackeralias", "trackers.change_trackeralias", "trackers.delete_trackeralias"),
)
IMPORT = Right(
    "Import files",
    ("patients.import_medicalrecord", "trackers.import_trackermodel", "trackers.import_fitnesstracker"),
)
SEE_IMPORTS = Right("See all imports, whoever brought the file", ("imports.view_importrun",))
UNDO = Right("Undo an import", ("imports.undo_importrun",))
EXPORT = Right(
    "Export files",
    ("patients.export_medicalrecord", "trackers.export_trackermodel", "trackers.export_fitnesstracker"),
)
SHARE = Right("Share saved views with everyone", ("reports.share_savedview",))
HISTORY = Right("See who changed what", ("audit.view_change",))
ACCESSES = Right("See who saw which patient", ("audit.view_access",))
EMERGENCIES = Right("See who used emergency access, and why", ("roles.view_emergencyaccess",))
SEE_PEOPLE = Right("See people and their roles", ("auth.view_user", "auth.view_group"))
KEEP_PEOPLE = Right(
    "Add, change and delete people, and give them roles", ("auth.add_user", "auth.change_user", "auth.delete_user")
)
EMERGENCY = Right(
    "In an emergency, see everything for an hour, for a reason that is kept", ("roles.use_emergencyaccess",)
)

_ALL = (
    *(TOTALS, NAMED_LISTS, RECORDS, KEEP_RECORDS, CATALOGUE, KEEP_CATALOGUE, SETTLE_NAMES),
    *(IMPORT, SEE_IMPORTS, UNDO, EXPORT, SHARE, HISTORY, ACCESSES, EMERGENCIES, SEE_PEOPLE, KEEP_PEOPLE, EMERGENCY),
)
ROLES = (
    Role("Viewer", "Reads figures, and no patient's name.", (TOTALS,)),
    Role(
        "Record keeper",
        "Keeps patients' records and the trackers.",
        (TOTALS, RECORDS, KEEP_RECORDS, CATALOGUE, KEEP_CATALOGUE, HISTORY),
    ),
    Role(
        "Data steward",
        "Brings files, mends what is wrong in them, and settles tracker names.",
        (TOTALS, NAMED_LISTS, RECORDS, CATALOGUE, SETTLE_NAMES, IMPORT, SEE_IMPORTS, UNDO, HISTORY),
    ),
    Role(
        "Analyst",
        "Reads all reports and records, and takes them out as files.",
        (TOTALS, NAMED_LISTS, RECORDS, CATALOGUE, EXPORT, SHARE),
    ),
    Role(
        "Auditor",
        "Asks who did what, and changes nothing.",
        (RECORDS, CATALOGUE, SEE_IMPORTS, HISTORY, ACCESSES, EMERGENCIES, SEE_PEOPLE),
    ),
    Role("Administrator", "Runs HealthTrack: people, and all that the other roles may.", _ALL),
    Role("Emergency access", "Given besides another role, to who may have to help at once.", (EMERGENCY,)),
)


def rights() -> Iterator[Right]:
    yield from _ALL


def seen_in_emergency() -> frozenset[str]:
    """Return the permissions that an emergency gives: to see all that anybody may see, and to change nothing."""
    return frozenset(permission for right in _ALL for permission in right.permissions if ".view_" in permission)

"""The roles and their rights. The groups in the database and the page "Roles" are built from this table.

The permissions of all apps are listed here, so that one file defines the roles. Only things that are added one by one,
such as a report, declare themselves which right they belong to.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Right:
    """Something that a role allows: its own permissions, and those that apps add by `register_permissions`."""

    label: str
    included: tuple[str, ...] = ()

    @property
    def permissions(self) -> tuple[str, ...]:
        added = (name for permissions in _providers for right, name in permissions() if right == self)
        return (*self.included, *added)


@dataclass(frozen=True)
class Role:
    name: str
    description: str
    rights: tuple[Right, ...]

    @property
    def permissions(self) -> frozenset[str]:
        return frozenset(permission for right in self.rights for permission in right.permissions)


_providers: list[Callable[[], Iterable[tuple[Right, str]]]] = []


def register_permissions(permissions: Callable[[], Iterable[tuple[Right, str]]]) -> None:
    """Register a function that returns permissions, each with the right that it belongs to."""
    _providers.append(permissions)


TOTALS = Right("View reports with totals, without names")
NAMED_LISTS = Right("View reports with patients' names")
CATALOGUE = Right(
    "View tracker models, variants and resolved tracker names",
    (
        *("trackers.view_trackermodel", "trackers.view_fitnesstracker"),
        *("trackers.view_trackeralias", "trackers.view_missingmodel"),
    ),
)
RECORDS = Right("View medical records", ("patients.view_medicalrecord",))
EDIT_RECORDS = Right(
    "Add, change and delete medical records, and link trackers to them",
    ("patients.add_medicalrecord", "patients.change_medicalrecord", "patients.delete_medicalrecord"),
)
BULK_DELETE = Right("Delete many medical records at once", ("patients.bulk_delete_medicalrecord",))
MERGE_RECORDS = Right("Merge two records of one person", ("patients.merge_medicalrecord",))
EDIT_CATALOGUE = Right(
    "Add, change and delete tracker models and variants",
    (
        *(
            f"trackers.{action}_{model}"
            for model in ("trackermodel", "fitnesstracker")
            for action in ("add", "change", "delete")
        ),
        "trackers.delete_missingmodel",  # to decline a request
    ),
)
RESOLVE_NAMES = Right(
    "Resolve tracker names",
    (
        *("trackers.add_trackeralias", "trackers.change_trackeralias", "trackers.delete_trackeralias"),
        *("trackers.add_missingmodel", "trackers.delete_missingmodel"),
    ),
)
READINGS = Right(
    "View readings, devices, who wore them, and consents",
    (
        *("readings.view_readingday", "readings.view_readingstream", "readings.view_metric", "readings.view_consent"),
        *("readings.view_device", "readings.view_deviceassignment"),
    ),
)
EDIT_DEVICES = Right(
    "Add, change and delete devices, assign them to patients, and decide which device readings came from",
    (
        *(
            f"readings.{action}_{model}"
            for model in ("device", "deviceassignment")
            for action in ("add", "change", "delete")
        ),
        "readings.decide_streamdevice",
    ),
)
DECIDE_READINGS = Right(
    "Record consents to readings, and exclude readings from statistics",
    (
        *("readings.add_consent", "readings.change_consent", "readings.delete_consent"),
        "readings.exclude_reading",
    ),
)
IMPORT = Right(
    "Import files",
    (
        *("patients.import_medicalrecord", "trackers.import_trackermodel", "trackers.import_fitnesstracker"),
        *("readings.import_reading", "readings.import_device", "readings.import_deviceassignment"),
    ),
)
VIEW_IMPORTS = Right("View all imports, whoever uploaded the file", ("imports.view_importrun",))
UNDO = Right("Undo an import", ("imports.undo_importrun",))
EXPORT = Right(
    "Export files",
    (
        *("patients.export_medicalrecord", "trackers.export_trackermodel", "trackers.export_fitnesstracker"),
        *("readings.export_reading", "readings.export_device", "readings.export_deviceassignment"),
    ),
)
SHARE = Right("Share saved views with everyone", ("reports.share_savedview",))
HISTORY = Right("View history and the activity log", ("audit.view_change",))
ACCESSES = Right("View the access log", ("audit.view_access",))
SIGN_IN_EVENTS = Right("View sign-in events", ("signin.view_signinevent",))
EMERGENCIES = Right("View who used emergency access, and why", ("roles.view_emergencyaccess",))
RESTORES = Right("View restores of the database from backups", ("operations.view_restore",))
SYSTEM_STATUS = Right(
    "View the system status, and record restore drills", ("operations.view_systemstatus", "operations.add_restoredrill")
)
VIEW_PEOPLE = Right("View users and their roles", ("auth.view_user", "auth.view_group"))
EDIT_PEOPLE = Right("Add, change and deactivate users, and assign roles", ("auth.add_user", "auth.change_user"))
EMERGENCY = Right(
    "In an emergency, view everything for an hour, with a recorded reason", ("roles.use_emergencyaccess",)
)

_ALL = (
    *(TOTALS, NAMED_LISTS, RECORDS, EDIT_RECORDS, BULK_DELETE, MERGE_RECORDS, CATALOGUE, EDIT_CATALOGUE, RESOLVE_NAMES),
    *(READINGS, EDIT_DEVICES, DECIDE_READINGS),
    *(IMPORT, VIEW_IMPORTS, UNDO, EXPORT, SHARE, HISTORY, ACCESSES, SIGN_IN_EVENTS, EMERGENCIES, RESTORES),
    *(SYSTEM_STATUS, VIEW_PEOPLE, EDIT_PEOPLE, EMERGENCY),
)
ROLES = (
    Role("Viewer", "Views totals, without patients' names.", (TOTALS,)),
    Role(
        "Record keeper",
        "Edits medical records and the tracker catalogue.",
        (
            *(TOTALS, RECORDS, EDIT_RECORDS, CATALOGUE, EDIT_CATALOGUE, HISTORY),
            *(READINGS, EDIT_DEVICES, DECIDE_READINGS),
        ),
    ),
    Role(
        "Data steward",
        "Uploads files, corrects errors and resolves tracker names.",
        (
            *(
                TOTALS,
                NAMED_LISTS,
                RECORDS,
                MERGE_RECORDS,
                CATALOGUE,
                RESOLVE_NAMES,
                IMPORT,
                VIEW_IMPORTS,
                UNDO,
                HISTORY,
            ),
            *(READINGS, EDIT_DEVICES),
        ),
    ),
    Role(
        "Analyst",
        "Views and exports reports and records.",
        (TOTALS, NAMED_LISTS, RECORDS, READINGS, CATALOGUE, EXPORT, SHARE),
    ),
    Role(
        "Auditor",
        "Reviews activity. Read-only.",
        (
            RECORDS,
            READINGS,
            CATALOGUE,
            VIEW_IMPORTS,
            HISTORY,
            ACCESSES,
            SIGN_IN_EVENTS,
            EMERGENCIES,
            RESTORES,
            VIEW_PEOPLE,
        ),
    ),
    Role("Administrator", "Manages users, and can do everything that the other roles can.", _ALL),
    Role("Emergency access", "Added to another role for staff who may need urgent access.", (EMERGENCY,)),
)


def rights() -> Iterator[Right]:
    """Yield all rights, in the order of the page "Roles"."""
    yield from _ALL


def emergency_permissions() -> frozenset[str]:
    """Return the permissions of emergency access: to view everything, and to change nothing."""
    return frozenset(permission for right in _ALL for permission in right.permissions if ".view_" in permission)

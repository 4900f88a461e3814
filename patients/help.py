"""The sections of the help about records and tracker names."""

from healthtrack.core.help import HelpSection

_RECORD = "admin:patients_medicalrecord_"
HELP = (
    HelpSection(
        "find", "Find a patient", 20, ("search*", f"{_RECORD}changelist"), "search filter list columns typing error"
    ),
    HelpSection("edit", "Add and edit a record", 30, (f"{_RECORD}add", f"{_RECORD}change"), "save conflict"),
    HelpSection("merge", "Possible duplicates, and merging records", 40, (f"{_RECORD}merge",), "same person twice"),
    HelpSection(
        "restore",
        "History, deleting and restoring",
        50,
        (f"{_RECORD}delete", "admin:*_history", "admin:*_restore", "admin:*_delete"),
        "bring back deleted",
    ),
    HelpSection("download", "Download a list", 60, ("admin:*_export",), "export csv xlsx file"),
    HelpSection(
        "fhir",
        "Records from EHR systems (FHIR)",
        75,
        (f"{_RECORD}fhir",),
        "epic cerner synthea bundle ndjson bulk export json",
    ),
    HelpSection(
        "tracker-names",
        "Tracker names",
        120,
        ("tracker-names:*", "admin:trackers_trackeralias*"),
        "match resolve unmatched",
    ),
)

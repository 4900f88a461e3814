"""The sections of the help about imports."""

from healthtrack.core.help import HelpSection

_RUN = "admin:imports_importrun_"
HELP = (
    HelpSection(
        "upload",
        "Upload a file",
        70,
        ("admin:*_import", "admin:*_import_template", f"{_RUN}changelist", f"{_RUN}new", f"{_RUN}upload"),
        "import csv xlsx template",
    ),
    HelpSection(
        "reading",
        "How a file is read",
        80,
        (f"{_RUN}reading", f"{_RUN}answer", "admin:imports_readingprofile_*"),
        "columns dates day month decimal encoding sheet header profile",
    ),
    HelpSection("preview", "Preview, errors and warnings", 90, ("admin:imports_*",), "invalid rows held back"),
    HelpSection("undo", "Undo an import", 100, (f"{_RUN}undo",), "take back mistake conflict"),
)

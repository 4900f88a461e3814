"""Static files gathered under names that change with their content, so that browsers may keep them for ever."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def collect() -> None:
    """Gathers them when any has changed since the last time, for that takes a second.

    What was gathered before stays: a page that is open may still ask for it.
    """
    mark = Path(settings.STATIC_ROOT, "collected")
    found = _fingerprint()
    if mark.is_file() and mark.read_text() == found:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    mark.write_text(found)


def _fingerprint() -> str:
    files = sorted(Path(storage.path(name)) for finder in get_finders() for name, storage in finder.list([]))
    content = hashlib.sha256()
    for file in files:
        content.update(f"{file} {file.stat().st_size}\n".encode())
        content.update(file.read_bytes())
    return content.hexdigest()

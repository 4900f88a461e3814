"""Collect the static files under names that change with their content, so that browsers can cache them for ever."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def collect() -> None:
    """Collect the static files if any has changed since the last time, because collecting takes a second.

    Older files stay, because a page that is still open may load them.
    """
    mark = Path(settings.STATIC_ROOT, "collected")
    fingerprint = _fingerprint()
    if mark.is_file() and mark.read_text() == fingerprint:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    mark.write_text(fingerprint)


def _fingerprint() -> str:
    files = sorted(Path(storage.path(name)) for finder in get_finders() for name, storage in finder.list([]))
    content = hashlib.sha256()
    for file in files:
        content.update(f"{file} {file.stat().st_size}\n".encode())
        content.update(file.read_bytes())
    return content.hexdigest()

"""Pages that a command writes, and that `make check` compares with what the command would write now."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError


def update(name: str, page: str, *, command: str, check: bool) -> None:
    """Write the page or, with `check`, fail when the file does not hold it."""
    file = Path(settings.BASE_DIR, name)
    if not check:
        file.parent.mkdir(exist_ok=True)
        file.write_text(page, encoding="utf-8")
    elif not file.exists() or file.read_text(encoding="utf-8") != page:
        raise CommandError(f"{name} is stale; write it again with `.venv/bin/python manage.py {command}`.")

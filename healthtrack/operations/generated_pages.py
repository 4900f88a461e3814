"""Write generated pages, or check that they are up to date, as `make check` does."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError


def update(name: str, page: str, *, command: str, check: bool) -> None:
    """Write the page to the file or, with `check`, raise CommandError if the file has other content."""
    file = Path(settings.BASE_DIR, name)
    if not check:
        file.parent.mkdir(exist_ok=True)
        file.write_text(page, encoding="utf-8")
    elif not file.exists() or file.read_text(encoding="utf-8") != page:
        raise CommandError(f"{name} is not up to date. Run `.venv/bin/python manage.py {command}`.")

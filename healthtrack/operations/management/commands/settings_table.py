from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from healthtrack.operations import generated_pages, settings_table

PAGE = "docs/settings.md"


class Command(BaseCommand):
    help = "Write the table of docs/settings.md from the variables that healthtrack/environment/ declares."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if the table is not up to date")

    def handle(self, *, check: bool, **_: object) -> None:
        page = settings_table.replace_table(Path(settings.BASE_DIR, PAGE).read_text(encoding="utf-8"))
        generated_pages.update(PAGE, page, command="settings_table", check=check)

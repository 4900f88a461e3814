from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from healthtrack.operations import data_model


class Command(BaseCommand):
    help = "Writes docs/data-model.md, the diagram and description of the tables, from the models."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is not up to date")

    def handle(self, *, check: bool, **_: object) -> None:
        file = Path(settings.BASE_DIR, "docs", "data-model.md")
        page = data_model.page(data_model.own_models())
        if not check:
            file.parent.mkdir(exist_ok=True)
            file.write_text(page, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != page:
            raise CommandError(
                "docs/data-model.md is stale; write it anew with `.venv/bin/python manage.py data_model`."
            )

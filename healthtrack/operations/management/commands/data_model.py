from django.core.management.base import BaseCommand, CommandParser

from healthtrack.operations import data_model, generated_pages


class Command(BaseCommand):
    help = "Write docs/data-model.md, the diagram and description of the tables, from the models."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if the file is not up to date")

    def handle(self, *, check: bool, **_: object) -> None:
        page = data_model.render_page(data_model.own_models())
        generated_pages.update("docs/data-model.md", page, command="data_model", check=check)

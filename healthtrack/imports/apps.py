from django.apps import AppConfig

from healthtrack.audit.registry import register_insert_source, register_page_names
from healthtrack.core import navigation

PAGE_NAMES = {
    "admin:imports_importrun_change": "Read the rows of an import",
    "admin:imports_importrun_faulty": "Took out the faulty rows of an import",
    "admin:imports_importrun_undo": "Was asked whether to undo an import",
}


class ImportsConfig(AppConfig):
    name = "healthtrack.imports"
    verbose_name = "Imports"

    def ready(self) -> None:
        from healthtrack.imports.history import INSERT_SOURCE  # noqa: PLC0415  (models are only ready here)
        from healthtrack.imports.navigation import entries  # noqa: PLC0415  (models are only ready here)

        navigation.register(entries)
        register_page_names(lambda: PAGE_NAMES)
        register_insert_source(INSERT_SOURCE)

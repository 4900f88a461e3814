from django.apps import AppConfig

from healthtrack.accounts import session_facts
from healthtrack.audit.registry import register_filter_labels, register_insert_source, register_page_names
from healthtrack.core import attention, navigation
from healthtrack.core.help import register_help
from healthtrack.core.replicas.routing import WRITTEN_BY_WORKER
from healthtrack.imports.help import HELP

PAGE_NAMES = {
    "admin:imports_importrun_change": "Viewed the rows of an import",
    **dict.fromkeys(
        ("admin:imports_importrun_errors", "admin:imports_importrun_faulty"),  # the present and the former name
        "Downloaded the invalid rows of an import",
    ),
    "admin:imports_importrun_reading": "Viewed how the file of an import is read",
    "admin:imports_importrun_undo": "Previewed the undo of an import",
}


class ImportsConfig(AppConfig):
    name = "healthtrack.imports"
    verbose_name = "Imports"

    def ready(self) -> None:
        from healthtrack.imports.history import INSERT_SOURCE  # noqa: PLC0415  (models are only ready here)
        from healthtrack.imports.life_cycle import own_writes, unseen  # noqa: PLC0415  (models are only ready here)
        from healthtrack.imports.navigation import entries  # noqa: PLC0415  (models are only ready here)

        navigation.register(entries)
        register_help(*HELP)
        attention.register("healthtrack.imports.attention.SOURCES")
        session_facts.register(unseen.FACT, unseen.count_unseen)
        session_facts.register(WRITTEN_BY_WORKER, own_writes.get_latest_position)
        navigation.register_badge("Imports", unseen.get_unseen, "finished since you last looked")
        register_page_names(lambda: PAGE_NAMES)
        register_filter_labels(lambda: {"faulty": "Errors"})  # the former name of the list
        register_insert_source(INSERT_SOURCE)

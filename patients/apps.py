from django.apps import AppConfig

from healthtrack.audit.registry import register_filter_labels, register_page_names
from healthtrack.core import attention, navigation, search_terms
from healthtrack.core.help import register_help
from healthtrack.core.replicas import routing as replicas
from healthtrack.imports.edits import register_edit
from patients.help import HELP
from patients.navigation import entries

PAGE_NAMES = {
    "search": "Searched for patients",
    "search-suggestions": "Searched for patients, while typing",
    "admin:patients_medicalrecord_change": "Opened the record",
    "admin:patients_medicalrecord_changelist": "Viewed the list of records",
    "admin:patients_medicalrecord_delete": "Opened the page to delete the record",
    "admin:patients_medicalrecord_export": "Exported records",
    "admin:patients_medicalrecord_fhir": "Exported the record",
    "admin:patients_medicalrecord_history": "Viewed the record's history",
    "admin:patients_medicalrecord_merge": "Compared or merged two records",
    "admin:patients_medicalrecord_add": "Saw possible duplicates of a new record",
    "admin:patients_medicalrecord_restore": "Restored a deleted record or link, or viewed what would come back",
}


def get_filter_labels() -> dict[str, str]:
    """Return the labels of the filters of records, by their names in the access log."""
    from patients.filters.addresses import FORMER_NAMES  # noqa: PLC0415  (models are only ready here)
    from patients.filters.records import RecordFilter  # noqa: PLC0415  (models are only ready here)

    labels = {name: str(each.label) for name, each in RecordFilter().filters.items()}
    return labels | {former: labels[name] for former, name in FORMER_NAMES.items()} | {search_terms.TOKEN: "Search"}


class PatientsConfig(AppConfig):
    name = "patients"
    verbose_name = "Records"

    def ready(self) -> None:
        from healthtrack.imports import registry  # noqa: PLC0415  (models are only ready here)
        from patients import follows  # noqa: PLC0415  (models are only ready here)
        from patients.linking import links  # noqa: PLC0415  (models are only ready here)
        from patients.linking.tracker_models import PatientsOfModels  # noqa: PLC0415  (models are only ready here)
        from patients.parts import FormerNumbers, TrackerLinks  # noqa: PLC0415  (models are only ready here)
        from trackers import model_extensions, model_hooks  # noqa: PLC0415  (models are only ready here)

        navigation.register(entries)
        register_help(*HELP)
        attention.register("patients.attention.SOURCES")
        follows.register(TrackerLinks())
        follows.register(FormerNumbers())
        _register_edits()
        register_page_names(lambda: PAGE_NAMES)
        register_filter_labels(get_filter_labels)
        pages = ["admin:patients_medicalrecord_changelist", "search"]
        replicas.register("patients", lambda: pages, posts=["search-suggestions"])
        registry.register("patients.medicalrecord", "patients.importers.medical_records")
        model_extensions.register(PatientsOfModels())
        model_hooks.register(
            model_hooks.ModelFollower(
                link=links.link_waiting_patients,
                count_links=links.count_waiting_patients,
                relink_names=links.relink_names,
            )
        )


def _register_edits() -> None:
    from patients.edits.bulk_actions import BULK_ACTIONS  # noqa: PLC0415  (models are only ready here)

    register_edit("merge", "Merge of two medical records", "patients.merge_medicalrecord")
    for action in BULK_ACTIONS:
        permission = f"patients.{action.permission}_medicalrecord"
        register_edit(action.code, f"{{count}} medical records: {action.done}", permission)

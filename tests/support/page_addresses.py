"""The addresses of every page, from the URL resolver, and rows for all of them to show."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group, User
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from healthtrack.imports.profiles import save_profile
from healthtrack.roles.emergency import begin
from patients.models import MedicalRecord
from readings.devices.attribution import attribute
from readings.models import Device, DeviceAssignment, ReadingStream
from reports.models import SavedView
from tests.support import factories
from tests.support.readings import Reading, make_readings, streams, write_run

PAGES_OF_ROW = {"change", "delete", "history", "undo", "password_change", "fhir"}
PAGES_OF_ROW |= {"end", "link", "reset", "activate", "deactivate"}
PAGES_OF_ROW |= {"answer", "apply", "cancel", "decide", "errors", "faulty", "progress", "reading"}
PAGES_OF_PATIENT = {
    *("readings:patient", "readings:file", "readings:upload"),
    *("readings:exclude", "readings:count-again", "readings:consent"),
}
ARGUMENTS = {"admin:app_list": ["patients"], "sign-in:link": ["invalid"]}
QUERIES = {"tracker-names:resolve": "?name=Band+2", "reports:save-view": "?of=/reports/brands/"}
NOT_PAGES = {
    "admin:autocomplete",  # JSON, for a field to choose from
    "admin:jsi18n",  # a script
    "admin:logout",  # only accepts a form
    "search-suggestions",  # a part of every page
    "help-skip-tour",
    # Nobody may use these.
    *("admin:trackers_missingmodel_add", "admin:trackers_missingmodel_delete"),
    *("admin:readings_deviceassignment_add", "admin:readings_deviceassignment_delete"),
    "tracker-names:add",  # leads to a form of the admin
    *("tracker-names:undo", "tracker-names:request", "tracker-names:dismiss", "tracker-names:undecide"),
    "end-emergency-access",
    "reports:delete-view",
    *("sign-in:end", "sign-in:everywhere", "sign-in:stay", "sign-in:idle"),
    *("dismiss-task", "restore-tasks"),
    *("readings:file", "readings:exclude", "readings:count-again", "readings:consent"),
    "reports:charts",  # for developers only
    "healthz",  # for machines
    "metrics",
    "policy-report",
}
# Targets of forms, downloads, parts of pages, and pages of deleted rows (tests/browser/test_restoring.py opens those).
NOT_PAGES_OF_A_MODEL = (
    "_restore",
    "_fhir",
    "_apply",
    "_decide",
    "_answer",
    "_cancel",
    "_import_template",
    "_errors",
    "_faulty",
    *("_start", "_chunk", "_discard"),
    "_progress",
    "_reading",
    "_link",  # leads back to accounts that have signed in
)


def page_names() -> list[str]:
    return sorted({name for name in _names(get_resolver()) if is_page(name)})


def address(name: str) -> str:
    kind = name.rpartition("_")[2]
    if name in ARGUMENTS:
        return reverse(name, args=ARGUMENTS[name])
    if name in {"reports:change-view", "reports:delete-view", "unassigned-sources:decide", *PAGES_OF_PATIENT}:
        return reverse(name, args=[_key_for(name)])
    if name == "admin:auth_user_password_change":
        kind = "password_change"
    if name.startswith("admin:") and kind in PAGES_OF_ROW and name != "admin:password_change":
        return reverse(name, args=[_key_of_a_row(name)])
    if kind in {"upload", "sign-in:list-settings"}:
        return reverse(name, args=["patients.medicalrecord"])
    if kind == "template":
        return f"{reverse(name)}?format=csv"
    return reverse(name) + QUERIES.get(name, "")


def make_rows(number: str = "P1", name: str = "Ada Byron") -> User:
    """Create rows of every model, with this first patient, and return a person with all permissions."""
    models = [factories.tracker_model(brand, "Band 2") for brand in ("Xiaomi", "Honor")]
    for model in models:
        factories.variant(model, display="AMOLED Display", strap_material="Silicone", rating="4.3", reviews=1204)
    people = {number: name, "P2": "Ada Byron", "P3": "Ada Byron"}
    records = [
        factories.medical_record(patient, name=full_name, tracker="Band 2", last_appointment_date=date(2025, 3, day))
        for day, (patient, full_name) in enumerate(people.items(), start=1)
    ]
    factories.medical_record("P4", name="Grace Hopper", tracker="Mi Bend", medical_conditions="Asthma, Diabetes")
    for record in records:
        factories.link(record, models[0])
    device = Device.objects.create(model=models[0], serial_number="S-2741")
    DeviceAssignment.objects.create(device=device, patient_id=number, worn_from=date(2025, 3, 1))
    write_run(1, [make_readings()], streams(number, source="S-2741"))
    write_run(2, [[Reading(1, 1_709_640_000_000_000, 72)]], streams(number, "Watch")[:1])
    attribute([number])
    factories.tracker_alias("My band", models[1])
    factories.missing_model("Smart tracker")
    Group.objects.create(name="Record keepers")
    factories.import_run()
    save_profile("patients.medicalrecord", "Clinic 7", ["MRN", "Born"], {"column:0": "patient_id"}, None)
    person = User.objects.create_superuser("ada", password=factories.DEFAULT_PASSWORD)
    begin(person, "Somebody fainted in the hall", "192.0.2.7")
    SavedView.objects.create(owner=person, name="Brands", page="reports:brands", is_shared=True)
    return person


def _names(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _names(pattern, f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield prefix + pattern.name


def is_page(name: str) -> bool:
    """Return whether the view shows a page, and no part of one, file or answer for a machine."""
    return name not in NOT_PAGES and not name.endswith(NOT_PAGES_OF_A_MODEL)


def _key_of_a_patient() -> str:
    return quote(MedicalRecord.objects.order_by("pk")[0].pk)


def _key_for(name: str) -> Any:
    if name in PAGES_OF_PATIENT:
        return _key_of_a_patient()
    if name == "unassigned-sources:decide":
        return ReadingStream.objects.earliest("stream_id").stream_id
    return SavedView.objects.get().pk


def _key_of_a_row(name: str) -> str:
    if name.startswith("admin:auth_group_"):
        return quote(Group.objects.get(name="Record keepers").pk)  # the other groups are roles, which nobody can change
    for model in admin.site._registry:
        if name.startswith(f"admin:{model._meta.app_label}_{model._meta.model_name}_"):
            row = model._default_manager.order_by("pk").first()
            assert row, f"{name} has nothing to show: create a {model._meta.verbose_name} in make_rows()"
            return quote(row.pk)
    raise LookupError(name)

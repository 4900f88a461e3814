"""Every address, and which roles may open it: the one table of them all."""

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse

from healthtrack.roles.table import ROLES
from tests.support.databases import rolled_back
from tests.support.every_address import ALL, addresses, ask, client_with, each_address, session_of
from tests.support.role_holders import IN_EMERGENCY, NO_ROLE, make_person

STRANGER = "Nobody signed in"
EVERYONE = {role.name for role in ROLES} | {IN_EMERGENCY, NO_ROLE}
ANYBODY = EVERYONE | {STRANGER}
NOBODY: set[str] = set()
STRANGERS = {STRANGER}
ADMINISTRATORS = {"Administrator"}
KEEPERS = {"Record keeper", "Administrator"}
STEWARDS = {"Data steward", "Administrator"}
EXPORTERS = {"Analyst", "Administrator"}
AUDITORS = {"Auditor", "Administrator", IN_EMERGENCY}
IN_EMERGENCIES = {"Emergency access", "Administrator", IN_EMERGENCY}
IMPORT_READERS = STEWARDS | AUDITORS
HISTORY_READERS = KEEPERS | STEWARDS | AUDITORS
RECORD_READERS = HISTORY_READERS | EXPORTERS  # and readers of the catalogue
NAME_READERS = STEWARDS | EXPORTERS | {IN_EMERGENCY}
REPORT_READERS = NAME_READERS | KEEPERS | {"Viewer"}
VIEW_OWNERS = REPORT_READERS | AUDITORS
# Who may GET the address, and who may POST to it; nobody, if the address does not accept the method.
ADDRESSES = {
    "home": (EVERYONE, NOBODY),
    "dismiss-task": (NOBODY, EVERYONE),
    "restore-tasks": (NOBODY, EVERYONE),
    "help": (ANYBODY, NOBODY),
    "help-tour": (ANYBODY, NOBODY),
    "help-skip-tour": (NOBODY, ANYBODY),
    "search": (EVERYONE, EVERYONE),
    "search-suggestions": (NOBODY, EVERYONE),
    "admin:index": (EVERYONE, EVERYONE),
    "admin:app_list": (EVERYONE, EVERYONE),  # leads to the first page of the administration, or to Home
    "admin:jsi18n": (EVERYONE, NOBODY),
    "admin:login": (ANYBODY, ANYBODY),
    "admin:logout": (STRANGERS, ANYBODY),
    "admin:password_change": (EVERYONE, EVERYONE),
    "admin:password_change_done": (EVERYONE, NOBODY),
    "admin:autocomplete": (NOBODY, NOBODY),  # without the parameters that a field sends
    "accesses": (AUDITORS, NOBODY),
    "changes": (HISTORY_READERS, NOBODY),
    "sign-in-events": (AUDITORS, NOBODY),
    "sign-in:own": (EVERYONE, NOBODY),
    "sign-in:link": (ANYBODY, ANYBODY),  # and people who have a link that works
    "sign-in:preferences": (EVERYONE, EVERYONE),
    "sign-in:code": (EVERYONE, EVERYONE),
    "sign-in:enrol": (EVERYONE, EVERYONE),
    "sign-in:list-settings": (RECORD_READERS, RECORD_READERS),
    "sign-in:stay": (NOBODY, EVERYONE),
    "sign-in:end": (NOBODY, EVERYONE),
    "sign-in:everywhere": (NOBODY, NOBODY),  # because it redirects to the sign-in page
    "sign-in:idle": (NOBODY, NOBODY),  # it redirects to the sign-in page, too
    "healthz": (ANYBODY, NOBODY),
    "metrics": (ANYBODY, NOBODY),  # of this machine
    "policy-report": (NOBODY, ANYBODY),
    "roles": (EVERYONE, NOBODY),
    "emergency-access": (IN_EMERGENCIES, IN_EMERGENCIES),
    "end-emergency-access": (NOBODY, IN_EMERGENCIES),
    "admin:roles_emergencyaccess_changelist": (AUDITORS, AUDITORS),
    "admin:operations_restore_changelist": (AUDITORS, AUDITORS),
    "system-status": (ADMINISTRATORS | {IN_EMERGENCY}, NOBODY),
    "record-drill": (ADMINISTRATORS, ADMINISTRATORS),
    "admin:auth_group_add": (NOBODY, NOBODY),
    "admin:auth_group_change": (AUDITORS, NOBODY),
    "admin:auth_group_changelist": (AUDITORS, AUDITORS),
    "admin:auth_group_delete": (NOBODY, NOBODY),
    "admin:auth_group_history": (AUDITORS, NOBODY),
    "admin:auth_user_add": (ADMINISTRATORS, ADMINISTRATORS),
    "admin:auth_user_change": (AUDITORS, NOBODY),  # the first user is a superuser
    "admin:auth_user_changelist": (AUDITORS, AUDITORS),
    "admin:auth_user_history": (AUDITORS, NOBODY),
    "admin:auth_user_password_change": (NOBODY, NOBODY),
    "admin:auth_user_activate": (NOBODY, NOBODY),
    "admin:auth_user_deactivate": (NOBODY, NOBODY),
    "admin:auth_user_end": (NOBODY, NOBODY),
    "admin:auth_user_link": (NOBODY, NOBODY),
    "admin:auth_user_reset": (NOBODY, NOBODY),
    "admin:imports_importrun_answer": (NOBODY, STEWARDS),
    "admin:imports_importrun_apply": (NOBODY, STEWARDS),
    "admin:imports_importrun_cancel": (NOBODY, STEWARDS),
    "admin:imports_importrun_change": (IMPORT_READERS, NOBODY),
    "admin:imports_importrun_changelist": (IMPORT_READERS, IMPORT_READERS),
    "admin:imports_importrun_decide": (NOBODY, STEWARDS),
    "admin:imports_importrun_errors": (NOBODY, NOBODY),  # only for a run with errors
    "admin:imports_importrun_faulty": (NOBODY, NOBODY),  # as above
    "admin:imports_importrun_new": (STEWARDS, STEWARDS),
    "admin:imports_importrun_progress": (IMPORT_READERS, NOBODY),
    "admin:imports_importrun_reading": (NOBODY, NOBODY),  # only for a run that is ready to import
    "admin:imports_importrun_start": (NOBODY, STEWARDS),
    "admin:imports_importrun_chunk": (NOBODY, NOBODY),  # only of one's own unfinished upload
    "admin:imports_importrun_discard": (NOBODY, NOBODY),  # the same
    "admin:imports_importrun_undo": (STEWARDS, STEWARDS),
    "admin:imports_importrun_upload": (STEWARDS, STEWARDS),
    "admin:imports_readingprofile_change": (STEWARDS, STEWARDS),
    "admin:imports_readingprofile_changelist": (STEWARDS, STEWARDS),
    "admin:imports_readingprofile_delete": (STEWARDS, STEWARDS),
    "admin:patients_medicalrecord_add": (KEEPERS, KEEPERS),
    "admin:patients_medicalrecord_change": (RECORD_READERS, KEEPERS),
    "admin:patients_medicalrecord_changelist": (RECORD_READERS, RECORD_READERS),
    "admin:patients_medicalrecord_delete": (KEEPERS, KEEPERS),
    "admin:patients_medicalrecord_export": (EXPORTERS, EXPORTERS),
    "admin:patients_medicalrecord_fhir": (EXPORTERS, NOBODY),
    "admin:patients_medicalrecord_history": (HISTORY_READERS, NOBODY),
    "admin:patients_medicalrecord_merge": (STEWARDS, STEWARDS),
    "admin:patients_medicalrecord_restore": (NOBODY, NOBODY),  # only for a deleted row
    "admin:patients_medicalrecord_import": (STEWARDS, STEWARDS),
    "admin:patients_medicalrecord_import_template": (STEWARDS, STEWARDS),
    **{
        f"admin:trackers_{model}_{page}": who
        for model in ("trackermodel", "fitnesstracker")
        for page, who in {
            "add": (KEEPERS, KEEPERS),
            "change": (RECORD_READERS, KEEPERS),
            "changelist": (RECORD_READERS, RECORD_READERS),
            "delete": (KEEPERS, KEEPERS),
            "export": (EXPORTERS, EXPORTERS),
            "history": (HISTORY_READERS, NOBODY),
            "restore": (NOBODY, NOBODY),  # only for a deleted row
            "import": (STEWARDS, STEWARDS),
            "import_template": (STEWARDS, STEWARDS),
        }.items()
    },
    "admin:readings_device_add": (KEEPERS | STEWARDS, KEEPERS | STEWARDS),
    "admin:readings_device_change": (RECORD_READERS, KEEPERS | STEWARDS),
    "admin:readings_device_changelist": (RECORD_READERS, RECORD_READERS),
    "admin:readings_device_delete": (KEEPERS | STEWARDS, KEEPERS | STEWARDS),
    "admin:readings_device_history": (HISTORY_READERS, NOBODY),
    "unassigned-sources:list": (RECORD_READERS, NOBODY),
    "unassigned-sources:decide": (RECORD_READERS, KEEPERS | STEWARDS),
    "admin:readings_deviceassignment_add": (NOBODY, NOBODY),
    "admin:readings_deviceassignment_change": (RECORD_READERS, NOBODY),
    "admin:readings_deviceassignment_changelist": (RECORD_READERS, RECORD_READERS),
    "admin:readings_deviceassignment_delete": (NOBODY, NOBODY),
    "admin:readings_deviceassignment_history": (HISTORY_READERS, NOBODY),
    **{
        f"admin:readings_{model}_{page}": who
        for model in ("device", "deviceassignment")
        for page, who in {
            "export": (EXPORTERS, EXPORTERS),
            "restore": (NOBODY, NOBODY),  # only for a deleted row
            "import": (STEWARDS, STEWARDS),
            "import_template": (STEWARDS, STEWARDS),
        }.items()
    },
    "readings:patients": (RECORD_READERS, NOBODY),
    "readings:patient": (RECORD_READERS, NOBODY),
    "readings:file": (EXPORTERS, NOBODY),
    "readings:upload": (STEWARDS, STEWARDS),
    "readings:exclude": (NOBODY, KEEPERS),
    "readings:count-again": (NOBODY, KEEPERS),
    "readings:consent": (NOBODY, KEEPERS),
    "admin:trackers_trackeralias_add": (STEWARDS, STEWARDS),
    "admin:trackers_trackeralias_change": (RECORD_READERS, STEWARDS),
    "admin:trackers_trackeralias_changelist": (RECORD_READERS, RECORD_READERS),
    "admin:trackers_trackeralias_delete": (STEWARDS, STEWARDS),
    "admin:trackers_trackeralias_history": (HISTORY_READERS, NOBODY),
    "admin:trackers_missingmodel_add": (NOBODY, NOBODY),
    "admin:trackers_missingmodel_change": (RECORD_READERS, NOBODY),
    "admin:trackers_missingmodel_changelist": (RECORD_READERS, RECORD_READERS),
    "admin:trackers_missingmodel_delete": (NOBODY, NOBODY),
    "admin:trackers_missingmodel_history": (HISTORY_READERS, NOBODY),
    "tracker-names:list": (RECORD_READERS, NOBODY),
    "tracker-names:add": (KEEPERS, NOBODY),
    "tracker-names:request": (NOBODY, STEWARDS),
    "tracker-names:dismiss": (NOBODY, STEWARDS),
    "tracker-names:undecide": (NOBODY, KEEPERS | STEWARDS),
    "tracker-names:resolve": (STEWARDS, STEWARDS),
    "tracker-names:undo": (NOBODY, STEWARDS),
    "reports:index": (REPORT_READERS, NOBODY),
    "reports:age-groups": (REPORT_READERS, NOBODY),
    "reports:brands": (REPORT_READERS, NOBODY),
    "reports:comparison": (REPORT_READERS, NOBODY),
    "reports:over-time": (REPORT_READERS, NOBODY),
    "reports:conditions": (REPORT_READERS, NOBODY),
    "reports:data-quality": (REPORT_READERS, NOBODY),
    "reports:without-tracker": (NAME_READERS, NOBODY),  # without the search terms
    "reports:charts": (NOBODY, NOBODY),  # for developers
    "reports:saved-views": (VIEW_OWNERS, NOBODY),
    "reports:save-view": (VIEW_OWNERS, VIEW_OWNERS),
    "reports:change-view": (EXPORTERS, EXPORTERS),  # a shared view of somebody else
    "reports:delete-view": (NOBODY, EXPORTERS),
}


def is_let_in(answer: HttpResponse) -> bool:
    """Return whether the page opened, and was not refused, redirected to the sign-in page, or missing."""
    to_sign_in = answer.status_code == 302 and "/login/" in answer["Location"]
    return not to_sign_in and answer.status_code not in {403, 404, 405}


def test_the_table_lists_exactly_the_existing_addresses() -> None:
    assert ADDRESSES.keys() == ALL.keys()


def test_the_table_names_existing_roles() -> None:
    assert set().union(*(get | post for get, post in ADDRESSES.values())) == ANYBODY


@pytest.fixture(scope="module")
def sessions(administrator: User, no_session_timeout: None) -> dict[str, str]:
    """Sign in a person with each role; return their sessions."""
    return {STRANGER: "", **{role: session_of(make_person(role)) for role in sorted(EVERYONE)}}


@pytest.mark.django_db
@pytest.mark.usefixtures("refusals_without_pages")
@pytest.mark.parametrize("method", ["get", "post"])
@each_address
def test_exactly_the_roles_in_the_table_can_open_the_address(name: str, method: str, sessions: dict[str, str]) -> None:
    where, *_ = addresses(name)
    may = ADDRESSES[name][method == "post"]
    got_in = {role for role, session in sessions.items() if is_let_in(answer_to(session, method, where))}
    assert got_in == may, f"{method} {where}"


def answer_to(session: str, method: str, where: str) -> HttpResponse:
    """Send the request, and roll back what it changed."""
    with rolled_back():
        return ask(client_with(session), method, where)

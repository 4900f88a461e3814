"""Every address, and who gets in by it: the one table of them all."""

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse

from healthtrack.roles.table import ROLES
from tests.support.every_address import ALL, addresses, ask, client_of
from tests.support.page_addresses import make_rows
from tests.support.role_holders import IN_EMERGENCY, NO_ROLE, person_of

STRANGER = "Nobody signed in"
LETTERS = {
    "v": "Viewer",
    "k": "Record keeper",
    "s": "Data steward",
    "a": "Analyst",
    "u": "Auditor",
    "d": "Administrator",
    "e": "Emergency access",
    "!": IN_EMERGENCY,
    "-": NO_ROLE,
    "?": STRANGER,
}
EVERYONE = "vksaude!-"
ANYBODY = EVERYONE + "?"
NOBODY = ""
READ = "ksaud!"  # who reads records and the catalogue
HISTORY = "ksud!"  # and who changed them
# Who may look, and who may send a form there. An address that is only sent to, or only looked at, lets nobody else in.
ADDRESSES = {
    "home": (EVERYONE, NOBODY),
    "admin:index": (EVERYONE, EVERYONE),
    "admin:app_list": (READ, READ),
    "admin:jsi18n": (EVERYONE, NOBODY),
    "admin:login": (ANYBODY, ANYBODY),
    "admin:logout": ("?", ANYBODY),
    "admin:password_change": (EVERYONE, EVERYONE),
    "admin:password_change_done": (EVERYONE, NOBODY),
    "admin:autocomplete": (NOBODY, NOBODY),  # without the words that a field sends
    "accesses": ("ud!", NOBODY),
    "changes": (HISTORY, NOBODY),
    "sign-in:own": (EVERYONE, NOBODY),
    "sign-in:code": (EVERYONE, EVERYONE),
    "sign-in:enrol": (EVERYONE, EVERYONE),
    "sign-in:stay": (NOBODY, EVERYONE),
    "sign-in:everywhere": (NOBODY, NOBODY),  # as it leads to the sign-in
    "sign-in:idle": (NOBODY, NOBODY),  # likewise
    "healthz": (ANYBODY, NOBODY),
    "metrics": (ANYBODY, NOBODY),  # of this machine
    "policy-report": (NOBODY, ANYBODY),
    "roles": ("ud!", NOBODY),
    "emergency-access": ("de!", "de!"),
    "end-emergency-access": (NOBODY, "de!"),
    "admin:roles_emergencyaccess_changelist": ("ud!", "ud!"),
    "admin:auth_group_add": (NOBODY, NOBODY),
    "admin:auth_group_change": ("ud!", NOBODY),
    "admin:auth_group_changelist": ("ud!", "ud!"),
    "admin:auth_group_delete": (NOBODY, NOBODY),
    "admin:auth_group_history": ("ud!", "ud!"),
    "admin:auth_user_add": ("d", "d"),
    "admin:auth_user_change": ("ud!", NOBODY),  # the first of them is a superuser
    "admin:auth_user_changelist": ("ud!", "ud!"),
    "admin:auth_user_delete": (NOBODY, NOBODY),
    "admin:auth_user_history": ("ud!", "ud!"),
    "admin:auth_user_password_change": (NOBODY, NOBODY),
    "admin:auth_user_end": (NOBODY, NOBODY),
    "admin:auth_user_reset": (NOBODY, NOBODY),
    "admin:imports_importrun_answer": (NOBODY, "sd"),
    "admin:imports_importrun_apply": (NOBODY, "sd"),
    "admin:imports_importrun_cancel": (NOBODY, "sd"),
    "admin:imports_importrun_change": ("sud!", NOBODY),
    "admin:imports_importrun_changelist": ("sud!", "sud!"),
    "admin:imports_importrun_faulty": (NOBODY, NOBODY),  # of a run that has faults
    "admin:imports_importrun_progress": ("sud!", NOBODY),
    "admin:imports_importrun_undo": ("sd", "sd"),
    "admin:imports_importrun_upload": ("sd", "sd"),
    "admin:patients_medicalrecord_add": ("kd", "kd"),
    "admin:patients_medicalrecord_change": (READ, "kd"),
    "admin:patients_medicalrecord_changelist": (READ, READ),
    "admin:patients_medicalrecord_delete": ("kd", "kd"),
    "admin:patients_medicalrecord_export": ("ad", "ad"),
    "admin:patients_medicalrecord_history": (HISTORY, NOBODY),
    "admin:patients_medicalrecord_import": ("sd", "sd"),
    "admin:patients_medicalrecord_import_template": ("sd", "sd"),
    **{
        f"admin:trackers_{model}_{page}": who
        for model in ("trackermodel", "fitnesstracker")
        for page, who in {
            "add": ("kd", "kd"),
            "change": (READ, "kd"),
            "changelist": (READ, READ),
            "delete": ("kd", "kd"),
            "export": ("ad", "ad"),
            "history": (HISTORY, NOBODY),
            "import": ("sd", "sd"),
            "import_template": ("sd", "sd"),
        }.items()
    },
    "admin:trackers_trackeralias_add": ("sd", "sd"),
    "admin:trackers_trackeralias_change": (READ, "sd"),
    "admin:trackers_trackeralias_changelist": (READ, READ),
    "admin:trackers_trackeralias_delete": ("sd", "sd"),
    "admin:trackers_trackeralias_history": (HISTORY, NOBODY),
    "tracker-names:list": (READ, NOBODY),
    "tracker-names:settle": ("sd", "sd"),
    "tracker-names:undo": (NOBODY, "sd"),
    "reports:index": ("vksad!", NOBODY),
    "reports:age-groups": ("vksad!", NOBODY),
    "reports:brands": ("vksad!", NOBODY),
    "reports:conditions": ("vksad!", NOBODY),
    "reports:data-quality": ("vksad!", NOBODY),
    "reports:without-tracker": ("sad!", NOBODY),  # without the words that a search sends
    "reports:charts": (NOBODY, NOBODY),  # for developers
    "reports:saved-views": ("vksaud!", NOBODY),
    "reports:save-view": ("vksaud!", "vksaud!"),
    "reports:change-view": ("ad", "ad"),  # of another's view that is shared
    "reports:delete-view": (NOBODY, "ad"),
}


def is_let_in(answer: HttpResponse) -> bool:
    """Refused is who may not, whom to sign in is asked of, and what is not there for this person."""
    to_sign_in = answer.status_code == 302 and "/login/" in answer["Location"]
    return not to_sign_in and answer.status_code not in {403, 404, 405}


def test_every_address_stands_in_the_table_and_nothing_else_does() -> None:
    assert ADDRESSES.keys() == ALL.keys()


def test_every_role_has_a_letter() -> None:
    assert {role.name for role in ROLES} == set(LETTERS.values()) - {IN_EMERGENCY, NO_ROLE, STRANGER}


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", sorted(ADDRESSES))
def test_those_get_in_whom_the_table_names(name: str, method: str) -> None:
    make_rows()
    where, *_ = addresses(name)
    may = ADDRESSES[name][method == "post"]
    people = {letter: None if role == STRANGER else person_of(role) for letter, role in LETTERS.items()}
    got_in = {letter for letter, person in people.items() if is_let_in(answer_to(person, method, where))}
    assert got_in == set(may), f"{method} {where}"


def answer_to(person: User | None, method: str, where: str) -> HttpResponse:
    """What one person does there is not done yet when the next one comes."""
    with transaction.atomic():
        answer = ask(client_of(person), method, where)
        transaction.set_rollback(True)
    return answer

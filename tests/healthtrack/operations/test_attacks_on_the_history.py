"""Attacks on the history fail while gunicorn runs in production form, with a role of its own and another owner."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.commands import run_manage, run_script
from tests.support.gunicorn_server import started
from tests.support.serving import Server
from tests.support.signing_in import PASSWORD, code
from tests.support.two_roles import OwnerAndProgram
from tests.support.visitors import CODE, Visitor

KEY = "3132333435363738393031323334353637383930"
LIST = "/admin/patients/medicalrecord/"
MAKE_PEOPLE = f"""
from django.contrib.auth.models import User
from healthtrack.accounts.models import AuthenticatorApp
from tests.support import factories
for name in ("ada", "grace"):
    person = User.objects.create_superuser(name, password={PASSWORD!r})
    AuthenticatorApp.enrol(person, bytes.fromhex({KEY!r}))
for number in ("P1", "P2", "P3"):
    factories.medical_record(number, name="Patient " + number)
"""
# What the owner of a schema that captures calls would do with the owner's rights.
CAPTURE = """
    CREATE SCHEMA {owner};
    CREATE TABLE {owner}.captured (who text);
    CREATE FUNCTION {owner}.access_log_make_month(date) RETURNS void LANGUAGE sql
        AS 'INSERT INTO {owner}.captured VALUES (current_user)';
    GRANT USAGE ON SCHEMA {owner} TO PUBLIC;
    GRANT ALL ON ALL TABLES IN SCHEMA {owner} TO PUBLIC
"""
FORGERIES = (
    "INSERT INTO changes (table_name, action, request, database_role, person_id) VALUES ('x', 'update', '', 'x', 1)",
    "INSERT INTO access_log (page, patient_ids, asked, request, person_id) VALUES ('home', '{P1}', '{}', '', 1)",
    "INSERT INTO restores (database_role) VALUES ('x')",
    "CREATE SCHEMA anything",
    "INSERT INTO django_migrations (app, name, applied) VALUES ('audit', '0099_guard', now())",
    "UPDATE auth_permission SET codename = 'view_medicalrecord'",
    "UPDATE import_runs SET started_by_id = 1",
    "CREATE TEMPORARY TABLE one (); CREATE TRIGGER forged BEFORE TRUNCATE ON one EXECUTE FUNCTION {truncate}()",
)


@pytest.fixture
def server(as_the_program: dict[str, str]) -> Iterator[Server]:
    run_script(as_the_program, MAKE_PEOPLE)
    with started(as_the_program) as server:
        yield server


def sign_in(server: Server, name: str) -> Visitor:
    visitor = Visitor(server, "203.0.113.7")
    assert visitor.sign_in(name, PASSWORD) == 302
    assert visitor.ask(CODE, {"code": code(KEY)}).status == 302
    return visitor


def test_history_and_access_log_name_the_person_and_cannot_be_forged(server: Server, deployed: OwnerAndProgram) -> None:
    owner, program = deployed
    people = dict(owner.ask("SELECT username, id FROM auth_user"))
    visitors = {name: sign_in(server, name) for name in people}
    requests = []
    for name, number in (("ada", "P1"), ("grace", "P2")):  # by turns, on the same connections
        assert visitors[name].ask(f"{LIST}{number}/change/").status == 200
        answer = visitors[name].ask(f"{LIST}{number}/delete/", {"post": "yes"})
        assert answer.status == 302
        requests.append((number, people[name], answer.headers["X-Request-ID"]))
    program.ask("DELETE FROM medical_records WHERE patient_id = 'P3'")
    deleted = "SELECT patient_id, person_id, request FROM changes WHERE action = 'delete' ORDER BY change_id"
    assert owner.ask(deleted) == [*requests, ("P3", None, "")]
    seen = "SELECT DISTINCT patient_ids[1], person_id FROM access_log WHERE patient_ids[1] IN ('P1', 'P2') ORDER BY 1"
    assert owner.ask(seen) == [("P1", people["ada"]), ("P2", people["grace"])]
    ((truncate,),) = owner.ask(
        "SELECT tgfoid::regproc::text FROM pg_trigger"
        " WHERE tgrelid = 'medical_records'::regclass AND starts_with(tgname, 'pgtrigger_history_truncate')"
    )
    for forgery in FORGERIES:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            program.ask(forgery.replace("{truncate}", truncate))


def test_a_schema_with_the_name_of_the_owner_captures_nothing(
    as_the_program: dict[str, str], deployed: OwnerAndProgram
) -> None:
    owner, program = deployed
    role = owner.params["user"]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        program.ask(f"CREATE SCHEMA {role}")
    superuser = owner.as_superuser()
    # As in versions before 0.2.0.
    superuser.ask(f"GRANT CREATE ON DATABASE {owner.params['dbname']} TO {program.params['user']}")
    program.ask(CAPTURE.format(owner=role))
    owner.ask("SELECT access_log_make_month(current_date)")
    for command in ("keep_access_log", "migrate"):
        ended = run_manage({**as_the_program, "DATABASE_URL": owner.url}, command)
        assert ended.returncode == 1
        assert f"The schema {role} has the name of the role that runs this command" in ended.stderr
        assert "Traceback" not in ended.stderr
    assert superuser.ask(f"SELECT who FROM {role}.captured") == []

"""The application role can do its work, and cannot change append-only tables.

Everything happens in the test's transaction, including the creation of the role, and is rolled back with it.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from healthtrack.accounts.models import Mail, SignInEvent
from healthtrack.audit import tasks
from healthtrack.audit.account_names import AccountName
from healthtrack.audit.models import Access, Change
from healthtrack.imports import staging_tables
from healthtrack.imports.models import State
from healthtrack.operations import checks
from healthtrack.operations.database_roles import FIRST_WITH_MAINTAIN, append_only_tables
from healthtrack.operations.history_rights import ways_to_rewrite_history
from healthtrack.operations.models import Backup, Restore, RestoreDrill
from healthtrack.operations.preparation import refuse_role_that_can_rewrite_history
from healthtrack.roles.models import EmergencyAccess, EmergencyEnd
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.commands import manage
from tests.support.import_files import RECORDS, write_csv
from tests.support.import_pages import last_run, press_import, run_jobs, upload
from tests.support.signing_in import SignIn
from tests.support.two_roles import OwnerAndProgram

ROLE = f"healthtrack_app_of_{os.getpid()}"  # roles belong to the whole server, and tests run in parallel
LIST = "/admin/patients/medicalrecord/"
EVERYTHING = (
    *RECORDS.steward,
    *(f"patients.{action}_medicalrecord" for action in ("add", "change", "delete", "export")),
    *("audit.view_change", "audit.view_access", "roles.use_emergencyaccess", "reports.view_without_tracker"),
    *("trackers.view_trackermodel", "reports.view_brands", "imports.undo_importrun"),
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_superuser_of_the_database")]


def do(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def role(db: None) -> None:
    do(f"CREATE ROLE {ROLE} LOGIN")
    call_command("database_roles", app=ROLE, apply=True)


@pytest.fixture
def as_the_program(role: None) -> Iterator[None]:
    do(f"SET SESSION AUTHORIZATION {ROLE}")
    yield
    # After an error, the transaction accepts no statement; its rollback resets the role too.
    if not connection.needs_rollback:
        do("RESET SESSION AUTHORIZATION")


@pytest.fixture
def steward(sign_in: SignIn, as_the_program: None) -> Client:
    return sign_in(*EVERYTHING)


def test_the_history_the_logs_and_the_restores_are_append_only() -> None:
    models = (Change, Access, AccountName, SignInEvent, Mail, EmergencyAccess, EmergencyEnd)
    assert set(append_only_tables()) == {model._meta.db_table for model in (*models, Restore, Backup, RestoreDrill)}


class TestTheApplicationRoleCanWork:
    def test_it_shows_pages_and_deletes_records(self, steward: Client) -> None:
        factories.medical_record("P1", name="Grace Hopper")
        for address in ("/", LIST, f"{LIST}P1/change/", "/reports/without-tracker/", "/reports/brands/"):
            assert steward.get(address).status_code == 200
        assert steward.get(f"{LIST}P1/delete/").status_code == 200
        assert steward.post(f"{LIST}P1/delete/", {"post": "yes"}).status_code == 302
        assert not MedicalRecord.objects.exists()

    def test_it_imports_a_file(self, steward: Client, tmp_path: Path, settings: LazySettings) -> None:
        settings.MEDIA_ROOT = tmp_path / "uploads"
        preview = upload(steward, RECORDS, write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {})))
        press_import(steward, preview)
        assert last_run().state == State.APPLIED
        assert MedicalRecord.objects.count() == 2

    def test_it_imports_what_an_earlier_version_checked_into_a_schema_of_the_run(
        self, steward: Client, tmp_path: Path, settings: LazySettings
    ) -> None:
        settings.MEDIA_ROOT = tmp_path / "uploads"
        preview = upload(steward, RECORDS, write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {"gender": "X"})))
        old, new = f"import_run_{last_run().pk}", f"imports.run_{last_run().pk}_"
        do("RESET SESSION AUTHORIZATION")
        do(f"CREATE SCHEMA {old} AUTHORIZATION {ROLE}")
        for table, former in {"staged_rows": "staged_rows", "errors": "faults", "invalid_rows": "faulty_rows"}.items():
            do(f"CREATE TABLE {old}.{former} (LIKE {new}{table} INCLUDING ALL)")
            do(f"INSERT INTO {old}.{former} OVERRIDING SYSTEM VALUE SELECT * FROM {new}{table}")
            do(f"ALTER TABLE {old}.{former} OWNER TO {ROLE}")
            do(f"DROP TABLE {new}{table}")
        do(f"SET SESSION AUTHORIZATION {ROLE}")
        assert "Ada Byron" in steward.get(f"{preview.request['PATH_INFO']}?show=new").content.decode()
        press_import(steward, preview)
        assert last_run().state == State.APPLIED
        assert MedicalRecord.objects.count() == 1
        staging_tables.drop(last_run().pk)
        assert staging_tables.list_staged_runs() == set()

    def test_it_undoes_an_import(self, steward: Client, tmp_path: Path) -> None:
        run = RECORDS.run(write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {}))).run
        assert steward.post(f"/admin/imports/importrun/{run.pk}/undo/").status_code == 302
        run_jobs()
        assert last_run().state == State.APPLIED
        assert not MedicalRecord.objects.exists()

    def test_it_exports_a_file(self, steward: Client) -> None:
        factories.medical_record("P1")
        answer = steward.post(f"{LIST}export/", {"format": "0", "resource": ""})
        assert "attachment" in answer["Content-Disposition"]

    def test_it_writes_the_history_and_the_access_log(self, steward: Client) -> None:
        factories.medical_record("P1")
        steward.get(LIST)
        assert Change.objects.filter(patient_id="P1").exists()
        assert Access.objects.get().patient_ids == ["P1"]
        assert "P1" in steward.get("/admin/accesses/").content.decode()

    def test_it_begins_and_ends_emergency_access(self, steward: Client) -> None:
        steward.post("/emergency-access/", {"reason": "Somebody fainted in the hall"})
        steward.post("/emergency-access/end/")
        assert EmergencyEnd.objects.count() == 1

    def test_it_adds_months_to_the_access_log_and_removes_none(self, role: None) -> None:
        do(f"DROP TABLE {Access.partitions.get_name(timezone.now().date())}")
        do("CREATE TABLE access_log_2020_01 PARTITION OF access_log FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')")
        do(f"SET SESSION AUTHORIZATION {ROLE}")
        tasks.keep_access_log(timestamp=0)
        do("RESET SESSION AUTHORIZATION")
        do(f"SELECT FROM {Access.partitions.get_name(timezone.now().date())}")
        do("SELECT FROM access_log_2020_01")


# Tests may be collected before the last midnight of a month and run after it.
THIS_MONTH = "access_log_of_this_month"
TAMPERING = [
    *(
        statement.format(table)
        for table in ("changes", "access_log", THIS_MONTH, "access_log_default", "emergency_accesses", "emergency_ends")
        for statement in (
            "DELETE FROM {}",
            "TRUNCATE {} CASCADE",
            "ALTER TABLE {} DISABLE TRIGGER ALL",
            "DROP TABLE {}",
        )
    ),
    "UPDATE changes SET person_id = 1",
    "INSERT INTO changes (table_name, action, database_role, request, person_id) VALUES ('x', 'update', '', '', 1)",
    "INSERT INTO access_log (page, patient_ids, asked, request, person_id) VALUES ('home', '{}', '{}', '', 1)",
    "INSERT INTO restores DEFAULT VALUES",
    "CREATE SCHEMA anything",
    "UPDATE access_log SET person_id = 1",
    f"UPDATE {THIS_MONTH} SET person_id = 1",
    f"INSERT INTO {THIS_MONTH} SELECT * FROM access_log",
    "UPDATE emergency_accesses SET reason = 'none'",
    "ALTER TABLE medical_records DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "CREATE OR REPLACE FUNCTION _pgtrigger_should_ignore(trigger_name name) RETURNS bool LANGUAGE sql AS 'SELECT true'",
    "CREATE TABLE public.mine ()",
    "ALTER TABLE access_log DETACH PARTITION access_log_default",
    # The owner would skip this migration, or apply one again, which would undo what later ones did.
    "INSERT INTO django_migrations (app, name, applied) VALUES ('audit', '0099_guard', now())",
    "DELETE FROM django_migrations",
    # One permission would become another without a row in the history.
    "UPDATE auth_permission SET codename = 'view_medicalrecord'",
    "UPDATE django_content_type SET model = 'medicalrecord'",
    # Of rows that an import added, the history has only the number of its run.
    "UPDATE import_runs SET started_by_id = NULL",
    "DELETE FROM import_runs",
    "UPDATE import_files SET name = 'another.csv'",
]


def with_month(text: str) -> str:
    """Return the text with the name of this month's partition of the access log."""
    return text.replace(THIS_MONTH, Access.partitions.get_name(timezone.now().date()))


@pytest.mark.parametrize("statement", TAMPERING)
def test_the_application_role_cannot_tamper_with_the_history(as_the_program: None, statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner|no schema"), transaction.atomic():
        do(with_month(statement))


# The function as django-pgtrigger defines it, and as migrations of other triggers define it again.
OLD_IGNORE = """
    CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean LANGUAGE sql
        AS $$ SELECT trigger_name = ANY (nullif(current_setting('pgtrigger.ignore', true), '')::text[]) $$
"""


@pytest.mark.parametrize(
    "bypass",
    [
        "SELECT set_config('pgtrigger.ignore', (SELECT array_agg(tgname)::text FROM pg_trigger), true)",
        "CREATE TEMPORARY TABLE changes (LIKE public.changes INCLUDING ALL)",
    ],
)
def test_no_setting_and_no_temporary_table_bypasses_the_history(role: None, bypass: str) -> None:
    do(OLD_IGNORE)
    do(f"SET SESSION AUTHORIZATION {ROLE}")
    factories.medical_record("P1")
    do(bypass)
    do("UPDATE medical_records SET name = 'Another' WHERE patient_id = 'P1'")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM public.changes WHERE patient_id = 'P1' AND action = 'update'")
        assert cursor.fetchone() == (1,)
    do("RESET SESSION AUTHORIZATION")


class TestForgedTriggers:
    """A trigger of the history on a table of the application role's own would write whatever the table gets."""

    @pytest.fixture
    def forged(self, role: None) -> str:
        """Return the statement that attaches the function to a temporary table of the same name."""
        do(f"SET SESSION AUTHORIZATION {ROLE}")
        do("CREATE TEMPORARY TABLE medical_records (LIKE public.medical_records INCLUDING DEFAULTS)")
        do("RESET SESSION AUTHORIZATION")
        return (
            "CREATE TRIGGER forged AFTER INSERT ON pg_temp.medical_records REFERENCING NEW TABLE AS new_values"
            f" FOR EACH STATEMENT EXECUTE FUNCTION public.{self.function()}()"
        )

    def function(self) -> str:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tgfoid::regproc::text FROM pg_trigger"
                " WHERE tgrelid = 'public.medical_records'::regclass AND tgname LIKE 'pgtrigger_history_insert%'"
            )
            return str(cursor.fetchone()[0])

    def test_the_role_cannot_attach_the_function(self, forged: str) -> None:
        do(f"SET SESSION AUTHORIZATION {ROLE}")
        with pytest.raises(DatabaseError, match="permission denied for function"), transaction.atomic():
            do(forged)
        do("RESET SESSION AUTHORIZATION")

    def test_the_function_refuses_other_tables(self, forged: str) -> None:
        do(f"GRANT EXECUTE ON FUNCTION {self.function()}() TO {ROLE}")
        do(f"SET SESSION AUTHORIZATION {ROLE}")
        do(forged)
        columns = "patient_id, name, date_of_birth, gender, medications"
        insert = f"INSERT INTO pg_temp.medical_records ({columns}) VALUES ('P1', 'Forged', '2000-01-01', 'F', false)"
        with pytest.raises(DatabaseError, match="only writes the history of the table"), transaction.atomic():
            do(insert)
        do("RESET SESSION AUTHORIZATION")
        assert not Change.objects.exists()

    def test_the_role_may_execute_no_trigger_function_not_even_a_later_one(self, role: None) -> None:
        do("CREATE FUNCTION public.later() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT proname FROM pg_proc WHERE prorettype = 'trigger'::regtype"
                " AND pronamespace = 'public'::regnamespace AND has_function_privilege(%s, oid, 'EXECUTE')",
                [ROLE],
            )
            assert cursor.fetchall() == []


class TestASchemaWithTheNameOfTheOwner:
    @pytest.fixture(autouse=True)
    def captured(self, role: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT quote_ident(current_user)")
            do(f"CREATE SCHEMA {cursor.fetchone()[0]} AUTHORIZATION {ROLE}")

    @pytest.mark.parametrize(
        "command",
        [
            ["migrate", "-v0"],
            ["database_roles", "--apply"],
            ["keep_access_log"],
            ["backup", "no.backup"],
            ["restore", "no.backup", "--key", "no.key"],
        ],
        ids=" ".join,
    )
    def test_commands_of_the_owner_refuse_to_run(self, command: list[str]) -> None:
        with pytest.raises(CommandError, match=rf"belongs to {ROLE}\..*DROP SCHEMA .* CASCADE"):
            call_command(*command)


class TestWaysToRewriteHistory:
    def test_the_application_role_has_none(self, as_the_program: None) -> None:
        assert ways_to_rewrite_history() == []

    @pytest.mark.parametrize(
        ("statement", "way"),
        [
            ("ALTER ROLE {role} SUPERUSER", "is a superuser"),
            ("ALTER ROLE {role} CREATEROLE", "may give itself other roles (CREATEROLE)"),
            ("GRANT SET ON PARAMETER session_replication_role TO {role}", "may switch triggers off (SET ON PARAMETER"),
            ("GRANT pg_write_server_files TO {role}", "is a member of pg_write_server_files"),
            ("GRANT pg_write_all_data TO {role}", "has DELETE, INSERT, UPDATE on the table access_log"),
            ("ALTER SCHEMA public OWNER TO {role}", "owns the schema public"),
            ("ALTER TABLE medical_records OWNER TO {role}", "owns the table medical_records"),
            ("ALTER TABLE changes OWNER TO {role}", "owns the table changes"),
            ("GRANT UPDATE (page) ON access_log TO {role}", "has UPDATE on the table access_log"),
            ("GRANT TRIGGER ON emergency_ends TO {role}", "has TRIGGER on the table emergency_ends"),
            (f"GRANT TRUNCATE ON {THIS_MONTH} TO {{role}}", f"has TRUNCATE on the table {THIS_MONTH}"),
            ("GRANT DELETE ON changes TO PUBLIC", "has DELETE on the table changes"),
            ("GRANT INSERT (page) ON access_log TO {role}", "has INSERT on the table access_log"),
            ("GRANT CREATE ON DATABASE {database} TO {role}", "may create schemas (CREATE on the database)"),
            ("GRANT CREATE ON SCHEMA public TO PUBLIC", "may create objects in the schema public"),
            ("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}", "may execute the trigger function pgtrigger"),
        ],
    )
    def test_each_way_is_found_in_the_catalogue(self, role: None, statement: str, way: str) -> None:
        # Formatted here, because the names of parameters must be the same in all workers of pytest.
        do(with_month(statement).format(role=ROLE, database=connection.settings_dict["NAME"]))
        do(f"SET SESSION AUTHORIZATION {ROLE}")
        ways = ways_to_rewrite_history()
        do("RESET SESSION AUTHORIZATION")
        assert any(found.startswith(with_month(way)) for found in ways), ways

    def test_the_rights_of_a_role_that_it_can_switch_to_count(self, role: None) -> None:
        do(f"CREATE ROLE {ROLE}_other")
        do(f"GRANT DELETE ON changes TO {ROLE}_other")
        do(f"ALTER ROLE {ROLE} NOINHERIT")
        do(f"GRANT {ROLE}_other TO {ROLE}")
        do(f"SET SESSION AUTHORIZATION {ROLE}")
        ways = ways_to_rewrite_history()
        do("RESET SESSION AUTHORIZATION")
        assert ways == ["has DELETE on the table changes"]


class TestTheDeployCheck:
    def test_it_names_the_role_its_rights_and_the_remedy(self) -> None:
        (error,) = checks.check_role_cannot_rewrite_history(databases=["default"])
        assert re.match(r"The database role \w+ can change the history or access log: it is a superuser;", error.msg)
        assert "database_roles --app ROLE --apply" in (error.hint or "")

    def test_it_accepts_the_application_role(self, as_the_program: None) -> None:
        assert checks.check_role_cannot_rewrite_history(databases=["default"]) == []

    def test_it_does_not_query_a_database_that_is_not_checked(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            assert checks.check_role_cannot_rewrite_history() == []

    def test_a_start_refuses_the_role_only_in_production(self, settings: LazySettings) -> None:
        refuse_role_that_can_rewrite_history()
        settings.PRODUCTION = True
        with pytest.raises(CommandError, match="can change the history or access log"):
            refuse_role_that_can_rewrite_history()


class TestTheCommand:
    def test_without_apply_it_only_prints_the_statements(self, capsys: pytest.CaptureFixture[str]) -> None:
        do(f"CREATE ROLE {ROLE} LOGIN")
        call_command("database_roles", app=ROLE)
        printed = capsys.readouterr().out
        maintain = ", MAINTAIN" if connection.pg_version >= FIRST_WITH_MAINTAIN else ""  # type: ignore[attr-defined]  # not in the stubs of responses
        assert f'GRANT SELECT ON public."changes" TO "{ROLE}";' in printed
        assert f'GRANT SELECT, INSERT ON public."emergency_ends" TO "{ROLE}";' in printed
        assert f'GRANT SELECT, INSERT, UPDATE, DELETE{maintain} ON public."medical_records" TO "{ROLE}";' in printed
        assert f'GRANT SELECT ON public."tracker_model_names" TO "{ROLE}";' in printed
        do(f"SET SESSION AUTHORIZATION {ROLE}")
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            do("SELECT FROM medical_records")
        do("RESET SESSION AUTHORIZATION")

    def test_it_can_be_run_again(self, role: None) -> None:
        call_command("database_roles", app=ROLE, apply=True)

    def test_a_missing_role_is_named(self) -> None:
        with pytest.raises(CommandError, match=r"There is no role nobody.*CREATE ROLE nobody LOGIN"):
            call_command("database_roles", app="nobody", apply=True)

    def test_it_refuses_the_role_that_owns_the_tables(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            (owner,) = cursor.fetchone()
        with pytest.raises(CommandError, match="no right can be denied to it"):
            call_command("database_roles", app=owner, apply=True)


class TestTwoRolesWithoutSuperuserRights:
    def test_the_owner_migrates_and_the_application_role_works(self, deployed: OwnerAndProgram, tmp_path: Path) -> None:
        owner, program = deployed
        (tmp_path / "data").mkdir()
        manage(program.url, tmp_path / "data", "migrate", "-v0")  # as the web server does at its start
        file = str(write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {})))
        assert '"new": 2' in manage(program.url, tmp_path / "data", "import_medical_records", file, "--json")
        manage(program.url, tmp_path / "data", "keep_access_log")
        program.ask("UPDATE medical_records SET name = 'Another' WHERE patient_id = 'P1'")
        assert owner.ask("SELECT patient_id, database_role FROM changes WHERE action = 'update'") == [
            ("P1", program.params["user"])
        ]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            program.ask("DELETE FROM changes")
        manage(owner.url, tmp_path / "data", "keep_access_log")

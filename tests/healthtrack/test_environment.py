import os
import subprocess
from dataclasses import FrozenInstanceError
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from healthtrack.core.environment_values import POSTGRESQL_ENGINE
from healthtrack.environment import Environment
from tests.support.commands import run_manage


def read(**variables: str) -> Environment:
    return Environment.read(variables)


@pytest.mark.parametrize("word", ["1", "yes", "TRUE", " on "])
def test_any_word_for_yes_sets_a_flag(word: str) -> None:
    assert read(HEALTHTRACK_DEBUG=word).debug is True


@pytest.mark.parametrize("word", ["", "0", "No", "false", "off"])
def test_any_word_for_no_leaves_a_flag_unset(word: str) -> None:
    assert read(HEALTHTRACK_DEBUG=word).debug is False


def test_a_missing_flag_is_not_set() -> None:
    assert read().debug is False


def test_an_unset_second_factor_differs_from_one_that_is_off() -> None:
    assert read(HEALTHTRACK_SECOND_FACTOR=" ").second_factor is None
    assert read(HEALTHTRACK_SECOND_FACTOR="0").second_factor is False


def test_any_other_word_for_a_flag_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="HEALTHTRACK_DEBUG is 'maybe'; set it to 1 or 0"):
        read(HEALTHTRACK_DEBUG="maybe")


@pytest.mark.parametrize(("value", "number"), [("", 200), (" 7 ", 7), ("0300", 300)])
def test_a_whole_number_is_read(value: str, number: int) -> None:
    assert read(HEALTHTRACK_MAX_UPLOAD_MB=value).max_upload_mb == number


@pytest.mark.parametrize("word", ["0", "-1", "1.5", "1e3", "200 MB", "many", "٣", "9" * 20])
def test_an_invalid_whole_number_is_refused(word: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"HEALTHTRACK_MAX_UPLOAD_MB is .*; set it to a whole number"):
        read(HEALTHTRACK_MAX_UPLOAD_MB=word)


@pytest.mark.parametrize("word", ["abc", "0", "65536", "-1", "80.5", "٨٠٠٠", "9" * 5000])
def test_an_invalid_port_is_refused(word: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"PORT is .*; set it to a number from 1 to 65535"):
        read(PORT=word)


@pytest.mark.parametrize(("word", "port"), [("", 8000), (" 8001 ", 8001), ("65535", 65535)])
def test_a_port_is_read(word: str, port: int) -> None:
    assert read(PORT=word).port == port


def test_the_default_is_one_process_more_than_processors() -> None:
    assert read().web_concurrency == (os.cpu_count() or 1) + 1
    assert read(WEB_CONCURRENCY="3").web_concurrency == 3


def test_names_are_separated_by_commas() -> None:
    assert read(HEALTHTRACK_ALLOWED_HOSTS=" a.example, ,b.example,").allowed_hosts == ("a.example", "b.example")
    assert read().allowed_hosts == ("localhost", "127.0.0.1", "[::1]")


def test_networks_are_addresses_or_ranges() -> None:
    proxies = read(HEALTHTRACK_TRUSTED_PROXIES="10.0.0.5, 10.1.0.0/16").trusted_proxies
    assert proxies == (ip_network("10.0.0.5/32"), ip_network("10.1.0.0/16"))


def test_ipv4_networks_in_the_form_of_ipv6_are_those_of_ipv4() -> None:
    proxies = read(
        HEALTHTRACK_TRUSTED_PROXIES="::ffff:10.0.0.5, ::ffff:10.1.0.0/112, ::1, ::ffff:0:0/96"
    ).trusted_proxies
    assert proxies == tuple(ip_network(text) for text in ("10.0.0.5", "10.1.0.0/16", "::1", "0.0.0.0/0"))


def test_the_folder_of_postgresql_programs_is_not_resolved(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert read().pg_bin is None
    assert read(HEALTHTRACK_PG_BIN=str(tmp_path / "link")).pg_bin == tmp_path / "link"


def test_without_database_url_there_is_no_other_database() -> None:
    assert read().database is None


def test_database_url_is_parsed() -> None:
    database = read(DATABASE_URL="postgresql://me:p%40ss@db.example:5433/records?sslmode=require").database
    assert database
    parts = ("ENGINE", "USER", "PASSWORD", "HOST", "PORT", "NAME", "OPTIONS")
    assert [database[part] for part in parts] == [
        POSTGRESQL_ENGINE,
        *("me", "p@ss", "db.example", "5433", "records"),
        {"sslmode": "require"},
    ]


@pytest.mark.parametrize(
    "address",
    ["postgresql://me@h1:5433,h2:5434/records", "postgresql://me@h1,h2/records?port=5433,5434"],
)
def test_database_url_may_name_several_servers_of_which_the_primary_is_used(address: str) -> None:
    database = read(DATABASE_URL=address).database
    assert database
    assert [database[part] for part in ("HOST", "PORT", "NAME")] == ["h1,h2", "5433,5434", "records"]
    assert database["OPTIONS"] == {"target_session_attrs": "read-write"}


def test_database_url_may_choose_another_server_than_the_primary() -> None:
    database = read(DATABASE_URL="postgresql://h1,h2/records?target_session_attrs=any").database
    assert database
    assert database["OPTIONS"] == {"target_session_attrs": "any"}


def test_a_direct_address_needs_one_of_the_pool() -> None:
    with pytest.raises(ImproperlyConfigured, match="Set DATABASE_URL to the address of the connection pool"):
        read(DATABASE_DIRECT_URL="postgresql://h1/records")


def test_commands_use_the_direct_address() -> None:
    addresses = {"DATABASE_URL": "postgresql://pool/records", "DATABASE_DIRECT_URL": "postgresql://h1/records"}
    assert print_setting("settings.DATABASES['default']['HOST']", **addresses) == "h1"
    assert print_setting("settings.POOLED_DATABASE['HOST']", **addresses) == "pool"


def test_options_in_database_url_take_precedence() -> None:
    options = print_setting(
        "settings.DATABASES['default']['OPTIONS']",
        DATABASE_URL="postgresql://me@db.example/records?application_name=mine",
    )
    assert options == "{'application_name': 'mine'}"


@pytest.mark.parametrize(
    "address",
    [
        "mysql://me:secret@host/db",
        "sqlite:///secret.db",
        "host/secret",
        "postgresql://me:secret@host:port/db",
        "host=secret",
    ],
)
def test_an_invalid_database_url_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is not the address of a") as refused:
        read(DATABASE_URL=address)
    assert "secret" not in str(refused.value)


IN_PRODUCTION = {
    "HEALTHTRACK_PRODUCTION": "1",
    "HEALTHTRACK_SECRET_KEY": 50 * "k",
    "HEALTHTRACK_TOTP_KEYS": 32 * "5e",
    "HEALTHTRACK_ALLOWED_HOSTS": "healthtrack.example",
}
LOCAL, REMOTE = "postgresql:///records", "postgresql://me:s3cr3t@db.example/records"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (REMOTE, "db.example"),
        (f"{REMOTE}?sslmode=prefer", "db.example"),
        (f"{REMOTE}?sslmode=require", "db.example"),
        (f"{REMOTE}?sslmode=verify-ca", "db.example"),
        (f"{LOCAL}?host=db.example", "db.example"),
        (f"{LOCAL}?hostaddr=10.0.0.5", "10.0.0.5"),
        ("postgresql://localhost/records?hostaddr=10.0.0.5", "10.0.0.5"),
        ("postgresql://localhost,db.example/records", "db.example"),
        ("postgresql://[2001:db8::5]/records", "2001:db8::5"),
        (f"{LOCAL}?service=ours", "that of the service ours"),
    ],
)
def test_production_refuses_another_machine_whose_certificate_is_not_checked(address: str, host: str) -> None:
    assert read(DATABASE_URL=address).database
    with pytest.raises(ImproperlyConfigured, match=f"DATABASE_URL connects to another machine, {host}, ") as refused:
        read(**IN_PRODUCTION, DATABASE_URL=address)
    assert "sslmode=verify-full" in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


def test_production_checks_the_direct_address_too() -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_DIRECT_URL connects to another machine"):
        read(**IN_PRODUCTION, DATABASE_URL=LOCAL, DATABASE_DIRECT_URL=REMOTE)


@pytest.mark.parametrize("name", ["PGHOST", "PGHOSTADDR", "PGSERVICE"])
def test_production_refuses_another_machine_that_a_variable_of_postgresql_names(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL connects to another machine"):
        read(**IN_PRODUCTION, DATABASE_URL=LOCAL, **{name: "10.0.0.5"})


@pytest.mark.parametrize(
    "address",
    [
        f"{REMOTE}?sslmode=verify-full",
        LOCAL,
        f"{LOCAL}?host=/run/postgresql",
        "postgresql://%2Frun%2Fpostgresql/records",
        "postgresql://localhost/records",
        "postgresql://127.0.0.1:5433/records",
        "postgresql://[::1]/records",
    ],
)
def test_production_connects_to_this_machine_or_checks_the_certificate(address: str) -> None:
    assert read(**IN_PRODUCTION, DATABASE_URL=address).database


def test_the_data_folder_is_var_by_default(tmp_path: Path) -> None:
    assert read().data_dir == (settings.BASE_DIR / "var").resolve()
    (tmp_path / "link").symlink_to(tmp_path)
    assert read(HEALTHTRACK_DATA_DIR=str(tmp_path / "link" / "data")).data_dir == tmp_path / "data"


def test_a_data_folder_in_the_home_of_an_unknown_user_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="HEALTHTRACK_DATA_DIR is '~nobody-of-this-name/data'; set it to"):
        read(HEALTHTRACK_DATA_DIR="~nobody-of-this-name/data")


def test_the_time_zone_is_utc_by_default() -> None:
    assert read().time_zone == "UTC"
    assert read(HEALTHTRACK_TIME_ZONE="Asia/Kolkata").time_zone == "Asia/Kolkata"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc", "/etc/passwd", "a\tb"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"TIME_ZONE is .*; set it to a time zone such as Asia/Kolkata"):
        read(HEALTHTRACK_TIME_ZONE=zone)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("HEALTHTRACK_MOST_UPLOAD_MB", "HEALTHTRACK_MAX_UPLOAD_MB", "max_upload_mb"),
        ("HEALTHTRACK_MOST_ROWS", "HEALTHTRACK_MAX_ROWS", "max_rows"),
    ],
)
def test_the_old_name_of_a_variable_counts_unless_the_new_one_is_set(old: str, new: str, field: str) -> None:
    environment = read(**{old: "7"})
    assert getattr(environment, field) == 7
    assert environment.renamed == ((old, new),)
    environment = read(**{old: "7", new: "8"})
    assert getattr(environment, field) == 8
    assert environment.renamed == ()
    with pytest.raises(ImproperlyConfigured, match=f"{old} is 'many'"):
        read(**{old: "many"})


def test_keys_of_apps_are_64_hexadecimal_digits_each() -> None:
    one, other = 32 * "5e", 32 * "C0"
    assert read(HEALTHTRACK_TOTP_KEYS=f"{one}, {other}").totp_keys == (one, other)
    for wrong in ("s3cr3t", f"{one},{one[1:]}", f"{one}{other}", 64 * "\u0661"):
        with pytest.raises(ImproperlyConfigured, match="HEALTHTRACK_TOTP_KEYS has a key that is not 64") as refused:
            read(HEALTHTRACK_TOTP_KEYS=wrong)
        assert "s3cr3t" not in str(refused.value)
        assert one[1:] not in str(refused.value)


def test_the_environment_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        read().debug = True  # type: ignore[misc]  # which is what the test is about


def test_the_representation_hides_secrets() -> None:
    environment = read(HEALTHTRACK_SECRET_KEY="c1dec0ffee", DATABASE_URL="postgresql://me:s3cr3t@db.example/records")
    assert "c1dec0ffee" not in repr(environment)
    assert "s3cr3t" not in repr(environment)


def test_reading_the_settings_writes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "absent"
    assert print_setting("settings.STATIC_ROOT", HEALTHTRACK_DATA_DIR=str(folder)) == str(folder / "static")
    assert not folder.exists()


def test_commands_without_a_data_folder_work() -> None:
    for command in ("help", "check"):
        manage(command, HEALTHTRACK_DATA_DIR="/dev/null/data").check_returncode()


def test_a_missing_secret_key_is_an_error_only_when_it_is_needed(tmp_path: Path) -> None:
    ended = manage("shell", "-v0", "-c", "from django.core import signing; signing.dumps(1)", **no_key(tmp_path))
    assert ended.returncode == 1
    assert ended.stderr.startswith("HealthTrack: A key is missing:")
    assert "Set HEALTHTRACK_SECRET_KEY, or create the file with `manage.py prepare`." in ended.stderr
    manage("prepare", **no_key(tmp_path)).check_returncode()
    manage(
        "shell", "-v0", "-c", "from django.core import signing; signing.dumps(1)", **no_key(tmp_path)
    ).check_returncode()


def test_manage_py_reports_an_invalid_variable_in_one_line() -> None:
    ended = manage("check", HEALTHTRACK_MAX_ROWS="many")
    assert ended.returncode == 1
    assert ended.stderr.startswith("HealthTrack: HEALTHTRACK_MAX_ROWS is 'many';")
    assert len(ended.stderr.splitlines()) == 1


def no_key(folder: Path) -> dict[str, str]:
    return {"HEALTHTRACK_DATA_DIR": str(folder), "HEALTHTRACK_SECRET_KEY": ""}


def print_setting(expression: str, **variables: str) -> str:
    """Return what a process with these environment variables prints for the expression."""
    ended = manage("shell", "-v0", "-c", f"from django.conf import settings; print({expression})", **variables)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_manage({**os.environ, **variables}, *arguments)


@pytest.mark.parametrize("address", ["https://s3.hospital.example", "https://s3.example:9000", "http://127.0.0.1:9000"])
def test_object_storage_is_reached_over_https_except_on_this_machine(address: str) -> None:
    assert read(HEALTHTRACK_UPLOADS_ENDPOINT=address).uploads_endpoint == address


@pytest.mark.parametrize(
    "address",
    ["http://s3.hospital.example", "s3.hospital.example", "ftp://s3.example", "https://", "https://a:b@s3.example"],
)
def test_another_address_of_object_storage_is_refused(address: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"HEALTHTRACK_UPLOADS_ENDPOINT is .*; set it to an address such as"):
        read(HEALTHTRACK_UPLOADS_ENDPOINT=address)


def test_an_unknown_encryption_of_objects_is_refused() -> None:
    assert read(HEALTHTRACK_UPLOADS_ENCRYPTION="aws:kms").uploads_encryption == "aws:kms"
    with pytest.raises(
        ImproperlyConfigured, match="HEALTHTRACK_UPLOADS_ENCRYPTION is 'none'; set it to AES256 or aws:kms"
    ):
        read(HEALTHTRACK_UPLOADS_ENCRYPTION="none")


def test_uploads_have_one_place() -> None:
    with pytest.raises(
        ImproperlyConfigured, match="HEALTHTRACK_UPLOADS_DIR and HEALTHTRACK_UPLOADS_BUCKET are both set"
    ):
        read(HEALTHTRACK_UPLOADS_DIR="/srv/uploads", HEALTHTRACK_UPLOADS_BUCKET="uploads")

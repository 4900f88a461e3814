from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from healthtrack.environment import Environment
from healthtrack.operations import checks


def test_the_table_of_the_settings_page_is_up_to_date() -> None:
    call_command("settings_table", check=True)


def test_every_variable_has_a_row_and_the_rest_of_the_page_stays(settings: LazySettings, tmp_path: Path) -> None:
    page = (settings.BASE_DIR / "docs/settings.md").read_text()
    for variable in Environment.variables().values():
        page = page.replace(f"| `{variable.name}` |", "| stale |")
    settings.BASE_DIR = tmp_path
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/settings.md").write_text(f"{page}\nMine")
    with pytest.raises(CommandError, match=r"docs/settings\.md is not up to date.*manage\.py settings_table"):
        call_command("settings_table", check=True)
    assert "stale" in (tmp_path / "docs/settings.md").read_text()
    call_command("settings_table")
    written = (tmp_path / "docs/settings.md").read_text()
    assert "| stale |" not in written
    assert written.startswith("# Settings\n")
    assert written.endswith("\nMine")
    assert "| `HEALTHTRACK_MAX_ROWS` | maximum number of rows in a file | 5000000 |\n" in written


def test_the_warning_about_an_old_name_gives_the_new_one(settings: LazySettings) -> None:
    settings.ENVIRONMENT = Environment.read({"HEALTHTRACK_MOST_ROWS": "7"})
    (warning,) = checks.check_renamed_variables()
    assert warning.msg == "The environment variable HEALTHTRACK_MOST_ROWS has a new name, HEALTHTRACK_MAX_ROWS."
    settings.ENVIRONMENT = Environment.read({"HEALTHTRACK_MAX_ROWS": "7"})
    assert checks.check_renamed_variables() == []

"""Uploading a file in the admin: the form, the preview, the confirmation."""

import html
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from time import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from healthtrack.imports.uploads import KEPT_SECONDS
from patients.models import MedicalRecord
from tests import factories
from tests.access import assert_page_needs
from tests.conftest import SignIn
from tests.forms import form_with
from tests.healthtrack.imports.files import CATALOGUE, MODELS, RECORDS, Kind, Row, tables, write_csv
from tests.healthtrack.imports.pages import confirm, messages, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

GONE = "This upload is gone: it was imported already, or is too old. Upload the file again."
PERMISSIONS = {kind: kind.steward for kind in (RECORDS, CATALOGUE, MODELS)}
each_kind = pytest.mark.parametrize("kind", PERMISSIONS, ids=str)


@pytest.fixture
def steward(sign_in: SignIn) -> Client:
    return sign_in(*(permission for permissions in PERMISSIONS.values() for permission in permissions))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def preview_of(client: Client, path: Path, *changes: Row, kind: Kind = RECORDS) -> Any:
    return upload(client, kind, write_csv(path, kind.rows(*changes)))


def text_of(page: Any) -> str:
    """What a reader sees, a blank between pieces."""
    body = re.sub(r"(?s)<(script|style).*?</\1>", "", page.content.decode())
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def uploads(data_folder: Path) -> list[Path]:
    return sorted((data_folder / "uploads").iterdir())


class TestWhoMayImport:
    @each_kind
    def test_the_page_needs_the_permission_to_import(self, sign_in: SignIn, kind: Kind) -> None:
        view, imports = PERMISSIONS[kind]
        others = [view, view.replace(".view_", ".add_"), view.replace(".view_", ".change_")]
        others += [name for other, names in PERMISSIONS.items() if other is not kind for name in names]
        assert_page_needs(sign_in, kind.address("import"), view, imports, others=others)

    @each_kind
    def test_who_may_not_see_the_rows_may_not_import_them(self, sign_in: SignIn, kind: Kind) -> None:
        assert sign_in(kind.steward[1]).get(kind.address("import")).status_code == 403

    @each_kind
    def test_nobody_else_may_upload_or_confirm(self, sign_in: SignIn, path: Path, kind: Kind, steward: Client) -> None:
        preview = preview_of(steward, path, {}, kind=kind)
        before = tables()
        User.objects.all().delete()
        viewer = sign_in(PERMISSIONS[kind][0])
        assert upload(viewer, kind, path).status_code == 403
        assert confirm(viewer, kind, preview).status_code == 403
        assert confirm(viewer, kind, preview, import_file_name="gone").status_code == 403
        assert confirm(Client(), kind, preview).status_code == 302
        assert tables() == before

    @each_kind
    def test_the_confirmation_is_no_page_to_open(self, steward: Client, kind: Kind) -> None:
        assert steward.get(kind.address("process_import")).status_code == 405

    def test_the_confirmation_needs_the_pages_own_token(self, path: Path, steward: Client) -> None:
        preview = preview_of(steward, path, {})
        stranger = Client(enforce_csrf_checks=True)
        stranger.cookies = steward.cookies
        assert confirm(stranger, RECORDS, preview).status_code == 403
        assert not MedicalRecord.objects.exists()


class TestTheForm:
    @each_kind
    def test_it_asks_for_a_file_and_names_the_columns(self, steward: Client, kind: Kind) -> None:
        page = steward.get(kind.address("import"))
        assert b'type="file"' in page.content
        for column in kind.row:
            assert html.escape(column) in page.content.decode()

    def test_it_asks_again_when_no_file_is_chosen(self, steward: Client, data_folder: Path) -> None:
        page = steward.post(RECORDS.address("import"), {"format": "0", "resource": "0"})
        assert page.status_code == 200
        assert page.context["form"].errors == {"import_file": ["This field is required."]}
        assert not (data_folder / "uploads").exists()

    @pytest.mark.parametrize("choice", [{"format": "7"}, {"format": "x"}, {"format": ""}, {"resource": "7"}])
    def test_it_offers_no_other_format(self, steward: Client, path: Path, choice: Mapping[str, str]) -> None:
        with write_csv(path, RECORDS.rows({})).open("rb") as file:
            form = {"format": "0", "resource": "0", "import_file": file, **choice}
            page = steward.post(RECORDS.address("import"), form)
        assert page.status_code == 200
        assert list(page.context["form"].errors) == list(choice)

    @each_kind
    def test_it_is_reached_from_the_list(self, steward: Client, kind: Kind) -> None:
        page = steward.get(f"/admin/{kind.page}/")
        assert re.search(rf"""href=["']{kind.address("import")}""", page.content.decode())


class TestThePreview:
    @each_kind
    def test_it_counts_shows_samples_and_changes_nothing(self, steward: Client, path: Path, kind: Kind) -> None:
        before = tables()
        page = preview_of(steward, path, {}, {}, kind=kind)
        assert page.status_code == 200
        assert tables() == before
        shown = text_of(page)
        assert "2 rows read" in shown
        assert "New rows" in shown
        assert "Nothing is changed yet." in shown
        for text in ("Ada Byron", "1980") if kind is RECORDS else ("Xiaomi", "FitnessBand"):
            assert text in shown
        assert page.context["result"].counts.new == 2

    def test_it_shows_the_old_value_beside_the_new(self, steward: Client, path: Path) -> None:
        factories.medical_record("P1", name="Ada King", medical_conditions="Asthma", tracker="Band 2")
        page = preview_of(steward, path, {"name": "Ada <b>Byron</b>"})
        assert "Changed rows" in text_of(page)
        shown = re.sub(r"<span[^>]*>[^<]*</span>", "", page.content.decode())
        assert "<del>Ada King</del> <ins>Ada &lt;b&gt;Byron&lt;/b&gt;</ins>" in shown
        assert "<del>Asthma" not in shown

    def test_it_says_so_when_nothing_would_change(self, steward: Client, path: Path) -> None:
        confirm(steward, RECORDS, preview_of(steward, path, {}))
        assert "This file would change nothing." in text_of(preview_of(steward, path, {}))

    def test_unknown_columns_are_named(self, steward: Client, path: Path) -> None:
        page = preview_of(steward, path, {"Notes": "x"})
        assert "Left out, because unknown here: column Notes." in text_of(page)

    @pytest.mark.parametrize("column", ["name", "gender", "date_of_birth", "Tracker"])
    def test_what_cells_hold_is_never_markup(self, steward: Client, path: Path, column: str) -> None:
        page = preview_of(steward, path, {column: '<img src="x" onerror="alert(1)">'})
        assert b'<img src="x"' not in page.content
        assert b"&lt;img src=&quot;x&quot; onerror=&quot;alert(1)&quot;&gt;" in page.content

    def test_what_headers_hold_is_never_markup(self, steward: Client, path: Path) -> None:
        for row in ({**RECORDS.row, "<script>alert(1)</script>": "x"}, {"<script>alert(1)</script>": "x"}):
            page = upload(steward, RECORDS, write_csv(path, [row]))
            assert b"<script>alert" not in page.content

    @pytest.mark.parametrize("change", [{}, {"gender": "X"}], ids=["preview", "faults"])
    def test_nobody_keeps_the_page(self, steward: Client, path: Path, change: Row) -> None:
        kept = preview_of(steward, path, change)["Cache-Control"]
        assert {"no-store", "private", "no-cache"} <= set(kept.split(", "))

    def test_a_faulty_file_offers_no_confirmation_but_the_form_again(self, steward: Client, path: Path) -> None:
        page = preview_of(steward, path, {"gender": "X"}, {"gender": "Y"}, {})
        shown = text_of(page)
        assert "2 faults: nothing was imported" in shown
        assert "2 of 3 rows are faulty." in shown
        assert "confirm_form" not in page.context
        assert b'type="file"' in page.content


class TestTheUploadedFile:
    def test_it_is_for_the_owners_eyes_alone(self, steward: Client, path: Path, data_folder: Path) -> None:
        preview_of(steward, path, {})
        (kept,) = uploads(data_folder)
        assert kept.read_bytes() == path.read_bytes()
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
        assert re.fullmatch(r"[0-9a-f]{32}", kept.name)

    @pytest.mark.parametrize("change", [{"gender": "X"}, {"patient_id": ""}])
    def test_a_faulty_one_is_not_kept(self, steward: Client, path: Path, data_folder: Path, change: Row) -> None:
        preview_of(steward, path, change)
        assert uploads(data_folder) == []

    def test_it_goes_with_the_confirmation(self, steward: Client, path: Path, data_folder: Path) -> None:
        confirm(steward, RECORDS, preview_of(steward, path, {}))
        assert uploads(data_folder) == []

    def test_one_that_nobody_confirms_goes_after_a_day(
        self, steward: Client, path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        preview_of(steward, path, {})
        preview_of(steward, path, {})
        first, second = uploads(data_folder)
        later = time() + KEPT_SECONDS + 60
        monkeypatch.setattr("healthtrack.imports.uploads.time.time", lambda: later)
        preview_of(steward, path, {})
        assert not {first, second} & set(uploads(data_folder))


class TestTheConfirmation:
    @each_kind
    def test_it_imports_and_says_the_counts(self, steward: Client, path: Path, kind: Kind) -> None:
        answer = confirm(steward, kind, preview_of(steward, path, {}, {}, kind=kind))
        assert answer.status_code == 302
        assert answer["Location"] == f"/admin/{kind.page}/"
        page = steward.get(answer["Location"])
        (message,) = messages(page)
        assert message.startswith("Imported.")
        assert ": 2 new, 0 changed, 0 unchanged." in message
        assert kind.resource._meta.model.objects.count() == 2

    def test_a_second_one_says_that_the_upload_is_gone(self, steward: Client, path: Path) -> None:
        preview = preview_of(steward, path, {})
        confirm(steward, RECORDS, preview)
        self.assert_gone(steward, confirm(steward, RECORDS, preview))

    @pytest.mark.parametrize(
        "name", ["../../secret_key", "../secret_key", "", "secret_key", "0" * 32, "0" * 32 + "\n", "a\0b", "A" * 32]
    )
    def test_another_file_is_neither_read_nor_removed(
        self, steward: Client, path: Path, data_folder: Path, name: str
    ) -> None:
        preview = preview_of(steward, path, {})
        secrets = [data_folder / "secret_key", data_folder / "uploads" / "secret_key"]
        for secret in secrets:
            secret.write_bytes(path.read_bytes())
        self.assert_gone(steward, confirm(steward, RECORDS, preview, import_file_name=name))
        assert all(secret.exists() for secret in secrets)
        assert not MedicalRecord.objects.exists()

    @pytest.mark.parametrize(
        "change", [{"format": "7"}, {"format": "x"}, {"format": "-1"}, {"resource": "7"}, {"original_file_name": ""}]
    )
    def test_a_form_that_is_not_the_previews_imports_nothing(
        self, steward: Client, path: Path, change: dict[str, str]
    ) -> None:
        self.assert_gone(steward, confirm(steward, RECORDS, preview_of(steward, path, {}), **change))
        assert not MedicalRecord.objects.exists()

    def test_an_upload_that_vanishes_while_it_is_confirmed_is_gone(
        self, steward: Client, path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        preview = preview_of(steward, path, {})
        (kept,) = uploads(data_folder)
        monkeypatch.setattr("healthtrack.imports.uploads.UploadStorage.read", lambda _: kept.with_name("vanished"))
        self.assert_gone(steward, confirm(steward, RECORDS, preview))

    def test_faults_that_arise_after_the_preview_are_shown(
        self, steward: Client, path: Path, data_folder: Path
    ) -> None:
        preview = preview_of(steward, path, {}, {})
        (kept,) = uploads(data_folder)
        write_csv(kept, RECORDS.rows({}, {"gender": "X"}))
        page = confirm(steward, RECORDS, preview)
        assert page.status_code == 200
        assert "1 fault: nothing was imported" in text_of(page)
        assert f'href="{RECORDS.address("import")}"' in page.content.decode()
        assert b'type="file"' not in page.content
        assert "no-store" in page["Cache-Control"]
        assert uploads(data_folder) == []
        assert not MedicalRecord.objects.exists()

    @each_kind
    def test_the_button_of_the_preview_imports_the_file(self, steward: Client, path: Path, kind: Kind) -> None:
        button = form_with(preview_of(steward, path, {}, kind=kind), "import_file_name")
        page = steward.post(button.address, button.fields, follow=True)
        assert messages(page)[-1].startswith("Imported.")
        assert kind.resource._meta.model.objects.count() == 1

    def test_rows_that_changed_after_the_preview_are_compared_anew(self, steward: Client, path: Path) -> None:
        preview = preview_of(steward, path, {}, {})
        factories.medical_record("P1", name="Ada King")
        confirm(steward, RECORDS, preview)
        assert list(MedicalRecord.objects.values_list("patient_id", "name")) == [
            ("P1", "Ada Byron"),
            ("P2", "Ada Byron"),
        ]

    @staticmethod
    def assert_gone(client: Client, answer: Any) -> None:
        assert answer.status_code == 302
        assert answer["Location"] == RECORDS.address("import")
        page = client.get(answer["Location"])
        assert messages(page)[-1] == GONE
        assert page.status_code == 200

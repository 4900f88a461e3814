"""One upload page for every kind of file: the person chooses the kind, or the content shows it."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from healthtrack.imports.detection import fitting
from healthtrack.imports.models import ImportRun
from healthtrack.imports.pages.upload_form import ONE_FILE, UNRECOGNIZED
from healthtrack.imports.profiles import save_profile
from tests.support.import_files import CATALOGUE, MODELS, RECORDS, Kind, write_csv, write_xlsx
from tests.support.import_pages import last_run
from tests.support.page import Page, text_of
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import AsRole, SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

UPLOAD = "/admin/imports/importrun/upload/"
each_kind = pytest.mark.parametrize("kind", [RECORDS, CATALOGUE, MODELS], ids=str)


def send(client: Client, path: Path, **fields: str) -> Any:
    with path.open("rb") as file:
        return client.post(UPLOAD, {"import_file": file, **fields})


def errors(answer: Any) -> list[str]:
    assert answer.status_code == 200
    assert not ImportRun.objects.exists()
    found: list[str] = answer.context["form"].errors["import_file"]
    return found


@each_kind
def test_whoever_may_import_one_kind_may_open_it(sign_in: SignIn, kind: Kind) -> None:
    assert_page_needs(sign_in, UPLOAD, *kind.steward, others=["imports.view_importrun"])


@each_kind
@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_the_content_shows_the_kind(steward: Client, tmp_path: Path, kind: Kind, write: Any) -> None:
    path = write(tmp_path / ("rows.csv" if write is write_csv else "rows.xlsx"), kind.rows({}))
    answer = send(steward, path, kind="")
    assert answer["Location"] == f"/admin/imports/importrun/{last_run().pk}/change/"
    assert last_run().importer == kind.importer


def test_columns_are_recognized_in_utf_16_and_in_another_order(steward: Client, tmp_path: Path) -> None:
    (row,) = CATALOGUE.rows({})
    send(steward, write_csv(tmp_path / "rows.txt", [dict(reversed([*row.items()]))], "\t", "utf-16"), kind="")
    assert last_run().importer == CATALOGUE.importer


def test_the_chosen_kind_counts_more_than_the_content(steward: Client, tmp_path: Path) -> None:
    send(steward, write_csv(tmp_path / "rows.csv", CATALOGUE.rows({})), kind=RECORDS.importer)
    assert last_run().importer == RECORDS.importer


def test_a_file_of_no_known_kind_needs_a_choice(steward: Client, tmp_path: Path) -> None:
    assert errors(send(steward, write_csv(tmp_path / "rows.csv", [{"Name": "Ada", "City": "London"}]))) == [
        UNRECOGNIZED
    ]


def test_a_header_for_which_a_profile_is_saved_shows_the_kind(steward: Client, tmp_path: Path) -> None:
    save_profile(RECORDS.importer, "Clinic 7", ["Sex", "Who", "Born"], {"column:1": "patient_id"}, None)
    send(steward, write_csv(tmp_path / "rows.csv", [{"sex": "F", "Who": "P1", "Born": "1980-05-17"}]), kind="")
    assert last_run().importer == RECORDS.importer


def test_a_workbook_that_is_too_large_to_open_needs_a_choice(
    steward: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "MAX_UNPACKED_BYTES", 100)
    assert errors(send(steward, write_xlsx(tmp_path / "rows.xlsx", RECORDS.rows({})))) == [UNRECOGNIZED]


def test_a_file_of_another_format_is_refused(steward: Client, tmp_path: Path) -> None:
    path = tmp_path / "rows.exe"
    path.write_bytes(b"MZ")
    (error,) = errors(send(steward, path))
    assert error.startswith("The name of the file must end in")


def test_several_files_are_refused_where_a_kind_has_one(steward: Client) -> None:
    files = [SimpleUploadedFile(f"{number}.csv", b"name\nAda\n") for number in range(2)]
    answer = steward.post(UPLOAD, {"import_file": files, "kind": RECORDS.importer})
    assert errors(answer) == [ONE_FILE]


def test_an_unknown_kind_is_refused(steward: Client, tmp_path: Path) -> None:
    answer = send(steward, write_csv(tmp_path / "rows.csv", RECORDS.rows({})), kind="tests.nothing")
    assert "kind" in answer.context["form"].errors
    assert not ImportRun.objects.exists()


def test_people_choose_among_the_kinds(steward: Client) -> None:
    kinds = ["Medical records", "Devices", "Device assignments", "Readings", "Variants", "Tracker models"]
    assert Page.get(steward, UPLOAD).texts(".upload-kinds label") == ["Detect it", *kinds]


def test_whoever_may_import_one_kind_need_not_choose(sign_in: SignIn) -> None:
    page = Page.get(sign_in(*RECORDS.steward), UPLOAD)
    assert not page.all(".upload-kinds")
    assert page.texts("summary") == ["Medical records"]


def test_the_page_of_a_kind_suggests_it_and_opens_its_help(steward: Client) -> None:
    page = Page.get(steward, f"{UPLOAD}{CATALOGUE.importer}/")
    assert page.one("input[name=kind][checked]").get("value") == CATALOGUE.importer
    assert page.texts("details[open] summary") == ["Variants"]


def test_title_and_navigation_have_one_name(steward: Client) -> None:
    page = Page.get(steward, UPLOAD)
    assert page.texts("h1") == ["Upload a file"]
    assert page.texts(".section-navigation [aria-current]") == ["Upload a file"]


@pytest.mark.parametrize(("role", "links"), [("Data steward", [UPLOAD]), ("Auditor", [])])
@pytest.mark.parametrize("address", ["/", "/admin/imports/importrun/"])
def test_home_and_the_list_of_imports_have_a_button_for_people_who_may_upload(
    as_role: AsRole, role: str, links: list[str], address: str
) -> None:
    page = Page.get(as_role(role), address)
    assert page.addresses(".object-tools a") == links


def test_the_breadcrumbs_of_a_kind_end_with_its_name(steward: Client) -> None:
    trail = Page.get(steward, f"{UPLOAD}{CATALOGUE.importer}/").one(".breadcrumbs")
    assert text_of(trail).split()[-1] == "Variants"

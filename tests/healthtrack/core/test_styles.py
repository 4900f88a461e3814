"""Each page loads only the style sheets that it needs."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests.support.signing_in import SignIn

STYLE = re.compile(r'<link [^>]*href="/static/((?!admin/|import_export/)[^"]+\.css)"')
EVERYWHERE = {f"core/{name}.css" for name in ("colors", "frame", "header", "parts", "fields", "print")}
SIGNED_IN = {*EVERYWHERE, "accounts/idle.css"}
LIST = {"core/tables.css", "core/change-list.css", "core/active-filters.css"}
PAGES = {
    "home": {"core/series.css", "reports/charts.css", "reports/home.css"},
    "reports:index": {"reports/index.css"},
    "reports:brands": {
        "core/tables.css",
        "core/active-filters.css",
        "core/series.css",
        "reports/charts.css",
        "reports/report.css",
    },
    "reports:saved-views": {"core/tables.css"},
    "admin:trackers_trackermodel_changelist": {*LIST, "trackers/lists.css"},
    "admin:patients_medicalrecord_changelist": LIST,
    "admin:patients_medicalrecord_add": {"core/tables.css", "core/forms.css", "core/tags.css", "patients/record.css"},
    "admin:patients_medicalrecord_import": {"core/tables.css", "imports/meter.css", "imports/upload.css"},
    "admin:password_change": {"core/forms.css"},
    "tracker-names:list": {"core/tables.css", "patients/names.css"},
    "sign-in:own": {"core/tables.css"},
}
PERMISSIONS = (
    "patients.view_medicalrecord",
    "patients.add_medicalrecord",
    "patients.import_medicalrecord",
    "trackers.view_trackermodel",
    "trackers.view_trackeralias",
    "reports.view_brands",
)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_only_the_styles_that_it_needs(sign_in: SignIn, page: str) -> None:
    answer = sign_in(*PERMISSIONS).get(reverse(page))
    assert answer.status_code == 200
    assert set(STYLE.findall(answer.content.decode())) == SIGNED_IN | PAGES[page]


@pytest.mark.django_db
def test_the_sign_in_page_loads_its_own_styles(client: Client) -> None:
    page = client.get(reverse("admin:login")).content.decode()
    assert set(STYLE.findall(page)) == {*EVERYWHERE, "core/forms.css", "accounts/sign-in.css"}


def test_every_static_file_of_ours_is_used() -> None:
    root = Path(settings.BASE_DIR)
    apps = ("healthtrack/*", "patients", "trackers", "reports")
    ours = [file.relative_to(file.parent.parent) for app in apps for file in root.glob(f"{app}/static/*/*")]
    users = [*root.glob("templates/**/*.html"), *root.glob("healthtrack/**/*.py"), root / "trackers" / "admin.py"]
    text = "\n".join(user.read_text() for user in users)
    assert ours
    assert [str(file) for file in ours if f'"{file}"' not in text] == []

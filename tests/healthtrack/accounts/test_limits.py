"""The rate limit of downloads: how many files one person may download in a minute."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from healthtrack.accounts.limits import Limit
from healthtrack.accounts.models import SignInEvent, UseCount
from tests.support import factories
from tests.support.signing_in import SignIn, client_for

pytestmark = pytest.mark.django_db

REPORT = "/reports/brands/"
EXPORT = "/admin/patients/medicalrecord/export/"
PERMISSIONS = ("reports.view_brands", "patients.view_medicalrecord", "patients.export_medicalrecord")


@pytest.fixture(autouse=True)
def two_a_minute(settings: LazySettings) -> None:
    settings.FILES_A_MINUTE = 2


def export(client: Client) -> int:
    return client.post(EXPORT, {"format": "0", "resource": "0"}).status_code


def test_a_download_over_the_rate_limit_is_refused_and_says_when_to_retry(sign_in: SignIn) -> None:
    client = sign_in(*PERMISSIONS)
    assert client.get(f"{REPORT}?format=csv").status_code == 200
    assert export(client) == 200
    refused = client.get(f"{REPORT}?format=xlsx")
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert "You can download at most 2 files a minute." in refused.content.decode()
    assert 'id="user-tools"' in refused.content.decode()
    assert export(client) == 429
    refusals = SignInEvent.objects.filter(kind="page-refused").values_list("page", flat=True)
    assert sorted(refusals) == ["admin:patients_medicalrecord_export", "reports:brands"]


def test_pages_and_other_people_are_not_affected_by_the_rate_limit(sign_in: SignIn) -> None:
    client = sign_in(*PERMISSIONS)
    for _ in range(3):
        client.get(f"{REPORT}?format=csv")
    assert client.get(REPORT).status_code == 200
    assert client_for(factories.staff(*PERMISSIONS, username="other")).get(f"{REPORT}?format=csv").status_code == 200


def test_a_forbidden_download_does_not_count(sign_in: SignIn) -> None:
    sign_in()
    client = client_for(User.objects.get())
    assert client.get(f"{REPORT}?format=csv").status_code == 403
    assert not UseCount.objects.exists()


def test_the_next_period_starts_at_zero_and_old_counts_are_deleted() -> None:
    limit = Limit("tries of", 1, 60)
    assert limit.use("ada")
    assert not limit.use("ada")
    assert limit.use("grace")
    assert limit.is_used_up("ada")
    UseCount.objects.update(period=timezone.now() - timedelta(days=2))
    assert not limit.is_used_up("ada")
    assert limit.use("ada")
    assert UseCount.objects.count() == 1

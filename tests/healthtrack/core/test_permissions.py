import pytest

from healthtrack.core.permissions import can_view
from healthtrack.roles.emergency import begin
from healthtrack.roles.table import ROLES
from patients.models import MedicalRecord
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("action", ["view", "change"])
def test_the_permission_to_view_or_change_shows_rows(action: str) -> None:
    assert can_view(factories.staff(f"patients.{action}_medicalrecord"), MedicalRecord)


@pytest.mark.parametrize("action", ["add", "delete", "import"])
def test_no_other_permission_is_enough(action: str) -> None:
    assert not can_view(factories.staff(f"patients.{action}_medicalrecord"), MedicalRecord)


def test_emergency_access_is_enough() -> None:
    (role,) = (role for role in ROLES if role.name == "Emergency access")
    person = factories.staff(*role.permissions)
    begin(person, "Somebody fainted in the hall", "192.0.2.7")
    assert can_view(person, MedicalRecord)

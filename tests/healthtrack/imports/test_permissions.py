import pytest

from healthtrack.imports.permissions import can_view_runs, get_visible_runs
from tests.support import factories

pytestmark = pytest.mark.django_db
IMPORT_RECORDS = ("patients.import_medicalrecord", "patients.view_medicalrecord")


def test_a_person_who_may_view_all_imports_sees_runs_of_every_type() -> None:
    run = factories.import_run()
    person = factories.staff("imports.view_importrun")
    assert can_view_runs(person)
    assert list(get_visible_runs(person)) == [run]


def test_other_people_see_the_runs_of_the_types_that_they_may_import() -> None:
    factories.import_run(importer="trackers.trackermodel")
    run = factories.import_run(importer="patients.medicalrecord")
    person = factories.staff(*IMPORT_RECORDS)
    assert can_view_runs(person)
    assert list(get_visible_runs(person)) == [run]


@pytest.mark.parametrize("permission", IMPORT_RECORDS)
def test_importing_takes_the_permission_to_view_the_stored_data(permission: str) -> None:
    factories.import_run(importer="patients.medicalrecord")
    person = factories.staff(permission)
    assert not can_view_runs(person)
    assert not get_visible_runs(person).exists()

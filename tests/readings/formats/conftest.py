from datetime import date

import pytest

from tests.support import factories


@pytest.fixture
def _patient(db: None) -> None:
    """Create the patient whose readings `check_rows` checks."""
    factories.medical_record("P1", date_of_birth=date(1980, 1, 1))

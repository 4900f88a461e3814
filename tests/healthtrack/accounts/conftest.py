import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User

from tests.support import factories


@pytest.fixture
def second_factor_needed(settings: LazySettings) -> None:
    settings.SECOND_FACTOR = True


@pytest.fixture
def keeper(db: None) -> User:
    return factories.staff("patients.view_medicalrecord", username="keeper")

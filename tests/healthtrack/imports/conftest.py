from pathlib import Path

import pytest
from django.conf import LazySettings


@pytest.fixture
def data_folder(db: None, settings: LazySettings, tmp_path: Path) -> Path:
    """A data folder for the test's uploads: the developer's own is left alone."""
    settings.IMPORT_UPLOADS = tmp_path / "data" / "uploads"
    return tmp_path / "data"

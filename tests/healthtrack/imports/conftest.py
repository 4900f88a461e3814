from pathlib import Path

import pytest
from django.conf import LazySettings


@pytest.fixture
def data_folder(db: None, settings: LazySettings, tmp_path: Path) -> Path:
    """A data folder for the test's uploads: the developer's own is left alone."""
    settings.MEDIA_ROOT = tmp_path / "data" / "uploads"
    settings.UPLOAD_COPIES = tmp_path / "data" / "copies"
    return tmp_path / "data"

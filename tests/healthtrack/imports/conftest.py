from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection


@pytest.fixture
def data_folder(db: None, settings: LazySettings, tmp_path: Path) -> Path:
    """A data folder for the test's uploads: the developer's own is left alone.

    Not for its database: a test that commits leaves no connection behind, and a new one would look for it there.
    """
    connection.ensure_connection()
    settings.HEALTHTRACK_DATA_DIR = tmp_path / "data"
    return tmp_path / "data"

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a test may write its file. Some modules have a file of another kind there."""
    return tmp_path / "rows.csv"

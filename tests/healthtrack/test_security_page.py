"""docs/security-controls.md names, for each control, tests that exist."""

import re

import pytest
from django.conf import settings

from tests.support.named_tests import find_missing_tests, names_tests

PAGE = settings.BASE_DIR / "docs/security-controls.md"
SAFEGUARDS = re.findall(r"^- (.+(?:\n  .+)*)", PAGE.read_text(), re.MULTILINE)


@pytest.mark.parametrize("safeguard", SAFEGUARDS, ids=lambda safeguard: safeguard.split("**")[1])
def test_each_safeguard_names_existing_tests(safeguard: str) -> None:
    assert names_tests(safeguard)
    assert find_missing_tests(safeguard) == []


def test_there_are_at_least_thirty() -> None:
    assert len(SAFEGUARDS) >= 30

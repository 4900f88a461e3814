"""docs/security-controls.md names, for each control, tests that exist."""

import ast
import re
from functools import cache

import pytest
from django.conf import settings

PAGE = settings.BASE_DIR / "docs/security-controls.md"
SAFEGUARDS = re.findall(r"^- (.+(?:\n  .+)*)", PAGE.read_text(), re.MULTILINE)


@cache
def names_in(file: str) -> set[str]:
    """Return the names of the tests in a file; those in a class have the name of the class before them."""
    tree = ast.parse((settings.BASE_DIR / file).read_text())
    classes = [(node.name, node.body) for node in tree.body if isinstance(node, ast.ClassDef)]
    functions = [("", tree.body), *classes]
    return {
        f"{owner}::{node.name}".removeprefix("::")
        for owner, body in functions
        for node in body
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("safeguard", SAFEGUARDS, ids=lambda safeguard: safeguard.split("**")[1])
def test_each_safeguard_names_existing_tests(safeguard: str) -> None:
    named = re.findall(r"`(tests/\S+\.py)::(\S+)`", safeguard)
    assert named
    for file, name in named:
        assert name in names_in(file), f"{file}::{name}"


def test_there_are_at_least_thirty() -> None:
    assert len(SAFEGUARDS) >= 30

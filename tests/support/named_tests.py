"""The tests that a page of the documentation names."""

import ast
import re
from functools import cache

from django.conf import settings


def find_missing_tests(text: str) -> list[str]:
    """Return the tests that the text names and that do not exist."""
    named = re.findall(r"`(tests/\S+\.py)::(\S+)`", text)
    return [f"{file}::{name}" for file, name in named if name not in _names_in(file)]


def names_tests(text: str) -> bool:
    """Return whether the text names at least one test."""
    return re.search(r"`tests/\S+\.py::\S+`", text) is not None


@cache
def _names_in(file: str) -> set[str]:
    """Return the names of the tests in a file; those in a class have the name of the class before them."""
    if not (settings.BASE_DIR / file).is_file():
        return set()
    tree = ast.parse((settings.BASE_DIR / file).read_text())
    classes = [(node.name, node.body) for node in tree.body if isinstance(node, ast.ClassDef)]
    functions = [("", tree.body), *classes]
    return {
        f"{owner}::{node.name}".removeprefix("::")
        for owner, body in functions
        for node in body
        if isinstance(node, ast.FunctionDef)
    }

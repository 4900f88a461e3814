"""Test modules share code only through `tests/support`, so that each can be read, moved and run by itself."""

import ast
from pathlib import Path

TESTS = Path(__file__).parent
SUPPORT = (
    "tests.support",
    "tests.fault_injection.people",
    "tests.fault_injection.account_holders",
    "tests.fault_injection.checks",
)


def imported_modules(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_test_modules_import_only_from_support() -> None:
    imports = {
        (str(file.relative_to(TESTS)), module)
        for file in TESTS.rglob("*.py")
        for module in imported_modules(file)
        if module.partition(".")[0] == "tests"
    }
    assert {(file, module) for file, module in imports if not module.startswith(SUPPORT)} == set()

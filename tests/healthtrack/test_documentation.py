"""The documentation names files and pages that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
# The folders that hold everything that pages refer to; a path below another one, such as var/, is a runtime path.
FOLDERS = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "var")))
# A line with this mark names files that a reader creates.
EXAMPLE = "<!-- example -->"
# These say what files were called at the time.
HISTORICAL = {ROOT / "CHANGELOG.md"}


def _lines(page: Path) -> Iterator[str]:
    """Yield the lines of a page outside of code blocks and examples."""
    is_code = False
    for line in page.read_text(encoding="utf-8").splitlines():
        is_code ^= line.startswith("```")
        if not is_code and not line.startswith("    ") and EXAMPLE not in line:
            yield line


def _paths(page: Path) -> Iterator[str]:
    """Yield the repository paths that a page names in backticks, without the name of a test after them."""
    for line in _lines(page):
        for text in re.findall(r"`([^`\s]+)`", line):
            path = text.partition("::")[0]
            if "/" in path and path.split("/")[0] in FOLDERS and "*" not in path:
                yield path


def _links(page: Path) -> Iterator[str]:
    """Yield the targets of a page's relative links and images."""
    for line in _lines(page):
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            if not re.match(r"[a-z]+:", target):
                yield target


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and GitLab make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _relative(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [page for page in PAGES if page not in HISTORICAL], ids=_relative)
def test_every_path_in_backticks_exists(page: Path) -> None:
    assert [path for path in _paths(page) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=_relative)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in _links(page):
        name, _, anchor = target.partition("#")
        file = (page.parent / name) if name else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in _anchors(file)):
            broken.append(target)
    assert broken == []


def test_the_pages_name_many_paths_and_links() -> None:
    assert sum(len(list(_paths(page))) for page in PAGES) > 100
    assert sum(len(list(_links(page))) for page in PAGES) > 50


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150

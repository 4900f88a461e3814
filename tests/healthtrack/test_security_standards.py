"""The pages about standards answer each requirement: met with tests that exist, or not with a reason."""

import re
from collections import Counter
from typing import NamedTuple

import pytest
from django.conf import settings

from healthtrack import settings as project
from healthtrack.accounts import limits
from healthtrack.accounts.sign_in import lockout, passwords
from healthtrack.core.database import timeouts
from healthtrack.imports.reading import archive, delimited
from healthtrack.imports.uploads import unfinished_uploads
from tests.support.asvs import levels_1_and_2
from tests.support.named_tests import find_missing_tests, names_tests

DOCS = settings.BASE_DIR / "docs"
# | number | level, of ASVS only | requirement | state | tests, or the reason |
ROW = re.compile(r"^\| (\S+) \|(?: ([12]) \|)? ([^|]+) \| (met|not met|not applicable) \| ([^|]+) \|$", re.MULTILINE)
HIPAA = [
    *("164.308(a)(5)(i)", *(f"164.308(a)(5)(ii)({letter})" for letter in "ABCD")),
    *("164.312(a)(1)", *(f"164.312(a)(2)({number})" for number in ("i", "ii", "iii", "iv"))),
    *("164.312(b)", "164.312(c)(1)", "164.312(c)(2)", "164.312(d)"),
    *("164.312(e)(1)", "164.312(e)(2)(i)", "164.312(e)(2)(ii)", "164.528"),
]


class Answer(NamedTuple):
    number: str
    level: str
    requirement: str
    state: str
    evidence: str


def answers(page: str) -> list[Answer]:
    return [Answer(*row) for row in ROW.findall((DOCS / page).read_text())]


ASVS_ANSWERS = answers("security-controls-asvs.md")
HIPAA_ANSWERS = answers("security-controls.md")
each_answer = pytest.mark.parametrize("answer", ASVS_ANSWERS + HIPAA_ANSWERS, ids=lambda answer: answer.number)


def test_every_requirement_of_asvs_levels_1_and_2_is_answered_once() -> None:
    assert [(answer.number, answer.level) for answer in ASVS_ANSWERS] == list(levels_1_and_2().items())


def test_every_safeguard_of_hipaa_is_answered_once() -> None:
    assert [answer.number for answer in HIPAA_ANSWERS] == HIPAA


@each_answer
def test_a_requirement_that_is_met_names_existing_tests_and_any_other_gives_a_reason(answer: Answer) -> None:
    assert names_tests(answer.evidence) == (answer.state == "met")
    assert find_missing_tests(answer.evidence) == []
    assert answer.state == "met" or re.match(r"[A-Z].{15,}[.:]", answer.evidence)


def test_the_summary_counts_the_answers() -> None:
    counts = Counter(answer.state for answer in ASVS_ANSWERS)
    sentence = (
        f"{len(ASVS_ANSWERS)} requirements: {counts['met']} met, {counts['not met']} not met,"
        f" {counts['not applicable']} not applicable."
    )
    assert sentence in (DOCS / "security-controls-asvs.md").read_text().replace("\n", " ")


def minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes"


VALUES = {
    "session timeout": minutes(project.SESSION_IDLE_SECONDS),
    "maximum length of a session": f"{project.SESSION_COOKIE_AGE // 3600} hours",
    "wrong passwords for an account from one address": f"{project.AXES_FAILURE_LIMIT} in "
    + minutes(project.AXES_COOLOFF_TIME.total_seconds()),
    "failed sign-ins from one address": f"{limits.FAILURES_FROM_ADDRESS.maximum} in "
    + minutes(limits.FAILURES_FROM_ADDRESS.seconds),
    "failed sign-ins to one account": f"{limits.FAILURES_FOR_NAME.maximum} in "
    + minutes(limits.FAILURES_FOR_NAME.seconds),
    "passwords entered in an open session": f"{limits.PASSWORD_CHECKS.maximum} in "
    + minutes(limits.PASSWORD_CHECKS.seconds),
    "how long a browser is known": f"{lockout.KNOWN_BROWSER_LIFETIME.days} days",
    "downloads of one person": f"{project.FILES_A_MINUTE} in a minute",
    "uploads of one person": f"{project.UPLOADS_A_DAY} in a day",
    "unfinished uploads of one person": f"{unfinished_uploads.MAX_OF_PERSON}",
    "size of an upload": f"{project.IMPORT_MAX_BYTES // 1024**2} MB",
    "rows of an upload": f"{project.IMPORT_MAX_ROWS:,}",
    "unpacked size of a workbook": f"{archive.MAX_UNPACKED_BYTES // 1024**3} GB",
    "compression of a part of a workbook": f"{archive.MAX_COMPRESSION_RATIO} to 1",
    "parts of a workbook": f"{archive.MAX_PARTS:,}",
    "columns of a text file": f"{delimited.MAX_COLUMNS:,}",
    "size of a form": f"{project.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024**2} MB",
    "fields of a form": f"{project.DATA_UPLOAD_MAX_NUMBER_FIELDS:,}",
    "time of a statement of a page": timeouts.PAGE_TIMEOUTS["statement_timeout"].replace("s", " seconds"),
    "time of waiting for a lock": timeouts.PAGE_TIMEOUTS["lock_timeout"].replace("s", " seconds"),
}


def test_the_policies_state_the_limits_of_the_program() -> None:
    table = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", (DOCS / "security-policies.md").read_text(), re.MULTILINE
    )
    stated = {name: value for name, value in table if name in VALUES}
    assert stated == VALUES


def test_the_policies_list_the_words_that_are_easy_to_guess() -> None:
    page = (DOCS / "security-policies.md").read_text()
    assert [word for word in passwords.PRODUCT_WORDS if f"`{word}`" not in page] == []
    assert f"the years from {passwords.FIRST_YEAR} to the next" in page

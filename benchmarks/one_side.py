"""Measure one checkout for benchmarks/against.py, with what every commit has: commands, pages, tables.

This script runs in the folder and with the environment of the checkout. It reads lines such as `prepare imports` and
`measure imports`, and answers each with a line of JSON: the seconds of each measurement of the part.
"""

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django

FIRST_ROW = Path(__file__).with_name("first_row.py")
IMPORT = "/admin/patients/medicalrecord/import/"
RECORDS = "/admin/patients/medicalrecord/"
LISTS = (
    *("", "p=-1", "o=2", "o=-3&p=-1", "gender=F", "condition=asthma", "condition=gout", "linked=none"),
    *("linked=brands", "max_age=18", "min_age=51", "appointment=stale", "gender=F&condition=asthma&max_age=35"),
)
SEARCHES = ("j", "james", "mary ku", "mcc", "van dyk", "o'n", "1500")  # as somebody types
MISSPELT = "jamse kumar"
REPORTS = ("age-groups", "without-tracker", "brands", "conditions", "data-quality")
PASSWORD = "a long password to sign in with"  # noqa: S105 (of a temporary database)
APPLY = re.compile("/(apply|process_import)/$")  # as named now, and before runs had pages of their own


class Measurements:
    """The parts of a comparison, with their preparations."""

    def __init__(self, files: Path) -> None:
        self.files = files
        self.loaded = False

    def prepare(self, part: str) -> None:
        from django.core.management import call_command  # noqa: PLC0415 (Django must be set up first)
        from django.db import connection  # noqa: PLC0415 (Django must be set up first)

        call_command("migrate", verbosity=0, interactive=False)
        if part == "startup":
            return
        if not self.loaded:
            call_command("collectstatic", interactive=False, verbosity=0)
            call_command("import_fitness_trackers", self.files / "fitness_trackers.csv", stdout=io.StringIO())
            self.client = client_for()
            self.loaded = True
        if part in {"reports", "records", "home", "search"} and not count_records():
            self._import_records()
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")

    def measure(self, part: str) -> dict[str, float]:
        figures: dict[str, float] = getattr(self, f"_measure_{part.replace('-', '_')}")()
        return figures

    def _measure_startup(self) -> dict[str, float]:
        command = [sys.executable, "manage.py", "help"]
        first_row = [sys.executable, "-P", str(FIRST_ROW), str(self.files / "medical_records.csv")]
        return {
            "startup (manage.py help)": seconds(lambda: subprocess.run(command, check=True, capture_output=True)),
            "startup, first row of an import": seconds(
                lambda: subprocess.run(first_row, check=True, capture_output=True)
            ),
        }

    def _measure_imports(self) -> dict[str, float]:
        empty_records()
        first = seconds(self._import_records)
        return {"imports": first, "imports, the same file again": seconds(self._import_records)}

    def _measure_runs(self) -> dict[str, float]:
        empty_records()
        with worker():
            start = time.perf_counter()
            page = self._upload()
            previewed = time.perf_counter() - start
            self._apply(page)
            applied = time.perf_counter() - start
            undone = seconds(self._undo)
            return {
                "runs, upload to preview": previewed,
                "runs, upload to applied": applied,
                "runs, undo of the import": undone,
            }

    def _measure_reports(self) -> dict[str, float]:
        def look(report: str) -> Callable[[], None]:
            return lambda: self._open(f"/reports/{report}/")

        first, again = dict[str, float](), dict[str, float]()
        for report in REPORTS:
            change_data()
            first[f"reports, {report} after a change"] = seconds(look(report))
            again[f"reports, {report} again"] = fastest(look(report))
        return {**first, **again}

    def _measure_records(self) -> dict[str, float]:
        taken = [fastest(lambda query=query: self._open(f"{RECORDS}?{query}")) for query in LISTS]  # type: ignore[misc]  # mypy infers no type for a default
        return {"records, all lists": sum(taken), "records, slowest list": max(taken)}

    def _measure_search(self) -> dict[str, float]:
        in_list = sum(fastest(lambda words=words: self._search_list(words)) for words in SEARCHES)  # type: ignore[misc]  # mypy infers no type for a default
        in_header = sum(fastest(lambda words=words: self._search(words)) for words in SEARCHES)  # type: ignore[misc]  # mypy infers no type for a default
        return {
            "search, in the list of records": in_list,
            "search, in the header": in_header,
            "search, in the header with a typing error": fastest(lambda: self._search(MISSPELT)),
        }

    def _measure_home(self) -> dict[str, float]:
        change_data()
        first = seconds(lambda: self._open("/"))
        return {"home after a change": first, "home again": fastest(lambda: self._open("/"))}

    def _measure_sign_in(self) -> dict[str, float]:
        from django.contrib.auth.models import User  # noqa: PLC0415 (Django must be set up first)

        person, is_new = User.objects.get_or_create(username="signer", is_staff=True)
        if is_new:
            person.set_password(PASSWORD)
            person.save()
        return {"sign-in with a password, and Home": fastest(sign_in)}

    def _search_list(self, words: str) -> None:
        self._open(f"{RECORDS}?{urlencode({'q': words})}")

    def _search(self, words: str) -> None:
        """Search as the header of every page does; before it had a search, people searched the list."""
        from django.urls import NoReverseMatch, reverse  # noqa: PLC0415 (Django must be set up first)

        try:
            page = self.client.post(reverse("search"), {"q": words}, follow=True)
        except NoReverseMatch:
            self._search_list(words)
        else:
            assert page.status_code == 200

    def _open(self, address: str) -> None:
        assert self.client.get(address, follow=True).status_code == 200

    def _import_records(self) -> None:
        from django.core.management import call_command  # noqa: PLC0415 (Django must be set up first)

        call_command("import_medical_records", self.files / "medical_records.csv", stdout=io.StringIO())

    def _upload(self) -> str:
        from healthtrack.imports.models import State  # noqa: PLC0415 (Django must be set up first)

        with (self.files / "medical_records.csv").open("rb") as file:
            page = self.client.post(IMPORT, {"import_file": file})["Location"]
        await_state(State.CHECKED)
        return str(page)

    def _apply(self, page: str) -> None:
        from healthtrack.imports.models import State  # noqa: PLC0415 (Django must be set up first)

        forms = Forms()
        forms.feed(self.client.get(page).content.decode())
        ((action, fields),) = (form for form in forms.found if APPLY.search(form[0]))
        self.client.post(action, fields)
        await_state(State.APPLIED)

    def _undo(self) -> None:
        from django.urls import reverse  # noqa: PLC0415 (Django must be set up first)

        from healthtrack.imports.models import ImportRun, State  # noqa: PLC0415 (Django must be set up first)

        self.client.post(reverse("admin:imports_importrun_undo", args=[ImportRun.objects.latest("run_id").pk]))
        await_state(State.APPLIED)
        assert not count_records()


class Forms(HTMLParser):
    """Parse the POST forms of a page: the address and the hidden fields of each."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = values.get("method", "").lower() == "post"
            if self.inside:
                self.found.append((values.get("action", ""), {}))
        elif tag == "input" and self.inside and values.get("type") == "hidden":
            self.found[-1][1][values.get("name", "")] = values.get("value", "")


def client_for() -> Any:
    """Return a client that is signed in with all permissions."""
    from django.contrib.auth.models import User  # noqa: PLC0415 (Django must be set up first)
    from django.test import Client  # noqa: PLC0415 (Django must be set up first)

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)[0])
    return client


def sign_in() -> None:
    """Sign in with a password, in a new browser, and open the page that follows."""
    from django.test import Client  # noqa: PLC0415 (Django must be set up first)

    client = Client(SERVER_NAME="localhost")
    client.get("/admin/login/")
    page = client.post("/admin/login/", {"username": "signer", "password": PASSWORD}, follow=True)
    assert page.status_code == 200
    assert page.wsgi_request.user.is_authenticated, "The sign-in was refused."


def count_records() -> int:
    from patients.models import MedicalRecord  # noqa: PLC0415 (Django must be set up first)

    return MedicalRecord.objects.count()


def change_data() -> None:
    """Invalidate the cached counts of reports."""
    from reports.models import ReportChange  # noqa: PLC0415 (Django must be set up first)

    ReportChange.objects.create()


def empty_records() -> None:
    from django.db import connection  # noqa: PLC0415 (Django must be set up first)

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE medical_records CASCADE")
        cursor.execute("CHECKPOINT")


@contextmanager
def worker() -> Iterator[None]:
    from procrastinate.contrib.django.models import ProcrastinateWorker  # noqa: PLC0415 (Django must be set up first)

    with subprocess.Popen([sys.executable, "manage.py", "worker"], stdout=subprocess.DEVNULL) as process:
        try:
            while not ProcrastinateWorker.objects.exists():
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


def await_state(state: str) -> None:
    from healthtrack.imports.models import ImportRun  # noqa: PLC0415 (Django must be set up first)

    while (current := ImportRun.objects.latest("run_id").state) != state:
        assert current in {"checking", "checked", "applying"}, f"the import is {current}"
        time.sleep(0.02)


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def fastest(work: Callable[[], object], rounds: int = 5) -> float:
    return min(seconds(work) for _ in range(rounds))


def main(files: Path) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # other output must not get between the answers
    django.setup()
    measurements = Measurements(files)
    for line in sys.stdin:
        what, part = line.split()
        print(json.dumps(getattr(measurements, what)(part)), file=answers, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

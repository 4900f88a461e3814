"""People who work with HealthTrack while its processes are killed, and remember its answers."""

import http.client
import re
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from urllib.parse import urlencode

from healthtrack.operations.management.commands.serve import HOST
from tests.support.forms import Form, form_to, form_with
from tests.support.serving import Response

LOGIN = "/admin/login/"
RECORDS = "/admin/patients/medicalrecord/"
REPORTS = ("age-groups", "brands", "conditions", "data-quality")
RECORD, NAMED = "admin:patients_medicalrecord_change", "reports:without-tracker"  # their names in the access log
PATIENCE_SECONDS = 30
ROWS_PER_FILE = 400


@dataclass
class Person:
    """A person who works until `stop` is set. The outcome of a request without an answer is unknown."""

    port: int
    password: str
    stop: threading.Event
    chance: Random
    cookies: dict[str, str] = field(default_factory=dict)
    answers: int = 0
    unanswered: int = 0
    unexpected: list[str] = field(default_factory=list)
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    username: str = "demo"
    answered: Counter[tuple[str, str]] = field(default_factory=Counter)  # sign-in events: user name and kind
    attempted: Counter[tuple[str, str]] = field(default_factory=Counter)

    def work(self) -> None:
        while not self.stop.is_set():
            if "sessionid" not in self.cookies:
                self.sign_in()
            else:
                self.step()
            time.sleep(self.chance.uniform(0.05, 0.3))

    def step(self) -> None:
        raise NotImplementedError

    def sign_in(self) -> None:
        self.send_password(self.password, "signed-in", 302)

    def send_password(self, password: str, kind: str, status: int) -> None:
        """Try to sign in, for the sign-in event of this kind and the answer of this status."""
        page = self.ask(LOGIN)
        if page is not None and page.status == 200:
            form = form_of(page, LOGIN, "username").fields | {"username": self.username, "password": password}
            answer = self.ask(LOGIN, form)
            self.count_event(self.username, kind, is_answered=answer is not None and answer.status == status)

    def count_event(self, username: str, kind: str, *, is_answered: bool) -> None:
        self.attempted[username, kind] += 1
        self.answered[username, kind] += is_answered

    def ask(
        self, address: str, fields: dict[str, str] | None = None, file: tuple[str, bytes] | None = None
    ) -> Response | None:
        """Send a request. Return the answer; None if there is none, or the server had no database."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body: bytes | None = None
        if file is not None:
            headers["Content-Type"], body = with_file(fields or {}, file)
        elif fields is not None:
            headers["Content-Type"], body = "application/x-www-form-urlencoded", urlencode(fields).encode()
        with suppress(OSError, http.client.HTTPException):
            with closing(http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE_SECONDS)) as talk:
                talk.request("POST" if body is not None else "GET", address, body, headers)
                came = talk.getresponse()
                answer = Response(came.status, came.headers, came.read())
            self._store_cookies(answer)
            if answer.status < 500 and "Content-Length" in answer.headers:  # one cut short may lack its last headers
                self.answers += 1
                self._record_answer(address, answer)
                return answer
        self.unanswered += 1
        return None

    def look(self, address: str, page: str, patient: str = "") -> Response | None:
        """Request a page that shows patients, and count it. Return None if there is no answer."""
        answer = self.ask(address)
        if answer is None or answer.status != 200:
            return None
        self.seen[page, patient] += 1
        return answer

    def _store_cookies(self, answer: Response) -> None:
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
            if "Max-Age=0" in line:
                del self.cookies[name]

    def _record_answer(self, address: str, answer: Response) -> None:
        if answer.status == 302 and LOGIN in str(answer.headers["Location"]):
            self.cookies.clear()
        elif answer.status >= 400:
            reason = re.sub(r"<[^>]*>|\\s+", " ", answer.body.partition("<main")[2])
            self.unexpected.append(f"{answer.status}: {' '.join(reason.split())[:200]}")


@dataclass
class Editor(Person):
    """Writes the same number into two fields of a patient at once, a higher one each time."""

    patients: list[str] = field(default_factory=list)
    number: int = 0
    committed: dict[str, list[int]] = field(default_factory=dict)
    unknown: dict[str, list[int]] = field(default_factory=dict)

    def step(self) -> None:
        patient = self.chance.choice(self.patients)
        address = f"{RECORDS}{patient}/change/"
        page = self.look(address, RECORD, patient)
        if page is None:
            return
        form = form_of(page, address, "allergies")
        self.number += 1
        written = {**form.fields, "allergies": f"Edit {self.number}", "medical_conditions": f"Edit {self.number}"}
        answer = self.ask(address, written)
        is_saved = answer is not None and answer.status == 302 and LOGIN not in str(answer.headers["Location"])
        (self.committed if is_saved else self.unknown).setdefault(patient, []).append(self.number)


@dataclass
class Steward(Person):
    """Uploads files of new patients, imports each, and undoes every second one."""

    files: int = 0
    run: int | None = None

    def step(self) -> None:
        if self.run is None:
            self._upload()
        elif page := self.ask(self.page_of_run):
            self._use_run_page(page.body)

    @property
    def page_of_run(self) -> str:
        return f"/admin/imports/importrun/{self.run}/change/"

    def _upload(self) -> None:
        page = self.ask(f"{RECORDS}import/")
        if page is None or page.status != 200:
            return
        self.files += 1
        token = form_of(page, RECORDS, "csrfmiddlewaretoken").fields["csrfmiddlewaretoken"]
        file = (f"F{self.files}.csv", file_of(self.files))
        self.run = redirected_run(self.ask(f"{RECORDS}import/", {"csrfmiddlewaretoken": token}, file))

    def _use_run_page(self, page: str) -> None:
        with suppress(StopIteration):
            form = form_to(as_page(page, self.page_of_run), "apply")
            self.ask(form.address, form.fields)
            return
        if "badge good" in page or "badge bad" in page:
            is_import = f"F{self.files}.csv" in page  # the page of an undo has that button too
            self.run = self._undo() if is_import and "Undo this import" in page and self.files % 2 else None

    def _undo(self) -> int | None:
        """Request the undo. Return the number of its run; that of the import, to try again, if there is no answer."""
        undo = self.page_of_run.replace("/change/", "/undo/")
        page = self.ask(undo)
        if page is None or page.status != 200:
            return self.run
        token = form_of(page, undo, "csrfmiddlewaretoken").fields["csrfmiddlewaretoken"]
        return redirected_run(self.ask(undo, {"csrfmiddlewaretoken": token})) or self.run


@dataclass
class Reader(Person):
    """Looks at reports and records."""

    patients: list[str] = field(default_factory=list)

    def step(self) -> None:
        patient = self.chance.choice(self.patients)
        self.chance.choice((self.look_at_reports, lambda: self.look(f"{RECORDS}{patient}/change/", RECORD, patient)))()

    def look_at_reports(self) -> None:
        for report in REPORTS:
            self.ask(f"/reports/{report}/")
        self.look("/reports/without-tracker/", NAMED)


def form_of(page: Response | str, address: str, name: str) -> Form:
    return form_with(as_page(page.body if isinstance(page, Response) else page, address), name)


def as_page(body: str, address: str) -> SimpleNamespace:
    return SimpleNamespace(request={"PATH_INFO": address}, content=body.encode())


def redirected_run(answer: Response | None) -> int | None:
    """Return the number of the run to whose page the answer redirects."""
    if answer is None or answer.status != 302:
        return None
    return next((int(part) for part in answer.headers["Location"].split("/") if part.isdecimal()), None)


def file_of(number: int) -> bytes:
    lines = [
        "patient_id,name,date_of_birth,gender,medical_conditions,medications,allergies,last_appointment_date,tracker"
    ]
    lines += [f"F{number}-{row},New Patient,05/17/1980,F,None,No,None,,None" for row in range(ROWS_PER_FILE)]
    return "\n".join(lines).encode()


def with_file(fields: dict[str, str], named_file: tuple[str, bytes]) -> tuple[str, bytes]:
    name_of_file, file = named_file
    edge = "edge-of-a-part"
    parts = [f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{fields[name]}\r\n' for name in fields]
    head = f'--{edge}\r\nContent-Disposition: form-data; name="import_file"; filename="{name_of_file}"\r\n\r\n'
    return (
        f"multipart/form-data; boundary={edge}",
        f"{''.join(parts)}{head}".encode() + file + f"\r\n--{edge}--\r\n".encode(),
    )

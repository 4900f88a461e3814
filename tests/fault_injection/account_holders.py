"""People who sign in and out, and an administrator who resets accounts, while the processes are killed."""

from collections import Counter
from dataclasses import dataclass, field

from django.contrib.auth.hashers import Argon2PasswordHasher

from tests.fault_injection.people import LOGIN, Person, as_page, form_of
from tests.support.embedded_postgres import Client
from tests.support.forms import form_to

PASSWORDS = ("seven green umbrellas dancing", "nine yellow kettles whistling")
MAX_WRONG_PASSWORDS = 15  # of each person: 50 from one address would lock everybody out
HOLDERS = ("holder-1", "holder-2", "holder-3")
RESET_ACCOUNTS = ("reset-1", "reset-2")


@dataclass
class AccountHolder(Person):
    """Signs in and out, and now and then enters a wrong password."""

    def sign_in(self) -> None:
        sent = self.attempted[self.username, "wrong-password"]
        if sent < MAX_WRONG_PASSWORDS and (not sent or self.chance.random() < 0.3):
            self.send_password("not my password", "wrong-password", 200)
        super().sign_in()

    def step(self) -> None:
        page = self.ask("/")
        if page is not None and page.status == 200:
            form = form_to(as_page(page.body, "/"), "logout")
            answer = self.ask(form.address, form.fields)
            self.count_event(self.username, "signed-out", is_answered=answer is not None and answer.status == 200)


@dataclass
class Administrator(Person):
    """Sets passwords of accounts, and resets their second factors."""

    accounts: dict[str, int] = field(default_factory=dict)  # numbers by user name

    def step(self) -> None:
        username, number = self.chance.choice(sorted(self.accounts.items()))
        address = f"/admin/auth/user/{number}/"
        if self.chance.random() < 0.5:
            self._set_password(username, f"{address}password/")
        else:
            self._reset(username, f"{address}reset-factor/")

    def _set_password(self, username: str, address: str) -> None:
        page = self.ask(address)
        if page is not None and page.status == 200:
            new = self.chance.choice(PASSWORDS)
            form = form_of(page, address, "password1").fields
            answer = self.ask(address, {**form, "password1": new, "password2": new, "usable_password": "true"})
            self._count(username, "password-changed", answer)

    def _reset(self, username: str, address: str) -> None:
        page = self.ask(address)
        if page is not None and page.status == 200:
            form = form_to(as_page(page.body, address), "reset-factor")
            self._count(username, "reset", self.ask(form.address, form.fields))

    def _count(self, username: str, kind: str, answer: object) -> None:
        status, headers = getattr(answer, "status", 0), getattr(answer, "headers", {})
        is_answered = status == 302 and LOGIN not in str(headers["Location"])
        self.count_event(username, kind, is_answered=is_answered)


def create_accounts(database: Client) -> dict[str, int]:
    """Create the accounts, and return the numbers of those that the administrator resets."""
    hasher = Argon2PasswordHasher()
    password = hasher.encode(PASSWORDS[0], hasher.salt())
    rows = ", ".join(f"('{name}', '{password}', true, true, now())" for name in (*HOLDERS, *RESET_ACCOUNTS))
    created = database.ask(
        "INSERT INTO auth_user (username, password, is_staff, is_active, date_joined, is_superuser, first_name,"
        " last_name, email) SELECT *, false, '', '', '' FROM (VALUES " + rows + ") AS new RETURNING username, id"
    )
    return {username: number for username, number in created if username in RESET_ACCOUNTS}


def check_sign_in_events(database: Client, people: list[Person]) -> None:
    """Check that each answered sign-in, failure, sign-out and reset has its event, and that no event is made up."""
    answered = sum((person.answered for person in people), Counter[tuple[str, str]]())
    attempted = sum((person.attempted for person in people), Counter[tuple[str, str]]())
    kinds = {kind for _, kind in answered}
    assert kinds == {"signed-in", "wrong-password", "signed-out", "password-changed", "reset"}, "some work was not done"
    stored = database.ask(
        "SELECT username, kind, count(*) FROM sign_in_events JOIN auth_user ON auth_user.id = person_id GROUP BY 1, 2"
    )
    events = Counter({(username, kind): count for username, kind, count in stored if kind in kinds})
    assert not answered - events, "somebody got an answer, and its sign-in event is missing"
    unlike = database.ask(
        "SELECT request FROM sign_in_events WHERE kind = 'password-changed' EXCEPT ALL"
        " SELECT request FROM changes WHERE table_name = 'auth_user' AND action = 'update' AND fields ? 'password'"
    )
    assert not unlike, "a changed password has a sign-in event and no history"
    assert not events - attempted, "there is a sign-in event of something that nobody did"

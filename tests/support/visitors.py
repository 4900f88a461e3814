"""Browsers that talk to a server in production form, as through its proxy."""

from dataclasses import dataclass, field

from tests.support.serving import Response, Server

HOST = "healthtrack.example"
LOGIN, CODE = "/admin/login/", "/sign-in/code/"


@dataclass
class Visitor:
    """A browser at an address, with its cookies."""

    server: Server
    address: str
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, page: str, form: dict[str, str] | None = None) -> Response:
        headers = {"Host": HOST, "Referer": f"https://{HOST}/"}
        headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": self.address}
        if form is not None:
            form = {"csrfmiddlewaretoken": self.cookies["__Host-csrftoken"], **form}
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.server.get(page, cookie, form, headers)
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def sign_in(self, name: str, password: str) -> int:
        """Send a name and a password, and return the status: 302 if they are right."""
        self.ask(LOGIN)
        return self.ask(LOGIN, {"username": name, "password": password}).status

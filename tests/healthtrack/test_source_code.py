"""The source code of the program avoids what is dangerous with data from outside."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("healthtrack", "patients", "readings", "reports", "trackers")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
SCRIPTS = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("static/**/*.js"))]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))

# The names of modules and functions; what a name stands for includes everything below it.
UNSAFE = {
    "runs text as code": {"eval", "exec", "compile", "__import__", "runpy"},
    "makes templates of text": {"django.template.Template", "django.template.engines", "jinja2", "mako"},
    "writes markup without escaping": {"django.utils.safestring.mark_safe", "django.utils.html.html_safe"},
    "makes objects of bytes": {"pickle", "marshal", "shelve", "dill", "yaml", "jsonpickle"},
    "starts a shell": {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"},
    "has guessable random numbers": {"random", "uuid.uuid1"},
    "has weak cryptography": {"hashlib.md5", "hashlib.sha1", "hashlib.new", "crypt"},
    "connects to other servers": {
        *("requests", "httpx", "aiohttp", "urllib3", "urllib.request", "http.client", "ftplib", "telnetlib", "xmlrpc"),
        *("socket.create_connection", "paramiko", "boto3"),
    },
    "sends mail": {"smtplib", "imaplib", "poplib", "django.core.mail"},
    "asks a directory": {"ldap", "ldap3", "django_auth_ldap"},
    "resolves XML entities": {"xml.etree", "xml.dom", "xml.sax.make_parser", "xml.sax.parse", "lxml", "defusedxml"},
}
EXCEPTIONS = {
    # Each cell of a row is escaped.
    "writes markup without escaping": {"reports/templatetags/tables.py"},
    # Only the exceptions of the library: django-storages connects, to the object storage of the settings.
    "connects to other servers": {"healthtrack/imports/uploads/storage_errors.py"},
    # To the mail server of the settings only.
    "sends mail": {"healthtrack/accounts/mail.py"},
    # Sample data is invented from a seed, so that the same seed gives the same files.
    "has guessable random numbers": {
        *("patients/sample.py", "patients/management/commands/make_sample_data.py", "trackers/sample.py"),
    },
}


def names_used(source: str) -> Iterator[str]:
    """Yield the full names of what the source imports and calls, and `shell=True` where it starts a shell."""
    tree = ast.parse(source)
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            imported |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            first, _, rest = ast.unparse(node.func).partition(".")
            yield ".".join(filter(None, (imported.get(first, first), rest)))
            yield from (
                "os.system" for each in node.keywords if each.arg == "shell" and ast.unparse(each.value) != "False"
            )


def find_unsafe(source: str, kind: str) -> list[str]:
    return [
        name
        for name in names_used(source)
        if any(name == unsafe or name.startswith(f"{unsafe}.") for unsafe in UNSAFE[kind])
    ]


@pytest.mark.parametrize("kind", UNSAFE)
def test_no_module_uses_an_unsafe_construct(kind: str) -> None:
    found = {str(path.relative_to(ROOT)): find_unsafe(path.read_text(), kind) for path in MODULES}
    assert {name for name, unsafe in found.items() if unsafe} == EXCEPTIONS.get(kind, set())


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("eval(text)", "runs text as code"),
        ("import subprocess as s\ns.run(text, shell=True)", "starts a shell"),
        ("from os import system\nsystem(text)", "starts a shell"),
        ("import urllib.request", "connects to other servers"),
        ("from pickle import loads as read", "makes objects of bytes"),
        ("import hashlib as h\nh.md5()", "has weak cryptography"),
    ],
)
def test_an_unsafe_construct_is_found(source: str, kind: str) -> None:
    assert find_unsafe(source, kind)


MARKUP = r"\b(innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|write(ln)?\(|eval|Function|postMessage)\b"
LOOSE = r"[^=!<>]==[^=]|!=[^=]"
COMPUTED = r"\w\[[^\]'\"]+\]\s*=[^=]"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_write_texts_and_no_markup_and_compare_strictly(path: Path) -> None:
    script = re.sub(r"//.*", "", path.read_text())
    assert script.startswith('"use strict";')
    assert not re.search(f"{MARKUP}|{LOOSE}|{COMPUTED}", script)


@pytest.mark.parametrize("line", ["a.innerHTML = b", "if (a == b) {", "if (a != b) {", "a[key] = value", "eval(a)"])
def test_an_unsafe_script_is_found(line: str) -> None:
    assert re.search(f"{MARKUP}|{LOOSE}|{COMPUTED}", line)


def test_templates_escape_everything_but_the_help_of_fields() -> None:
    unescaped = {
        found for path in TEMPLATES for found in re.findall(r"{{[^}]*\|\s*safe(?:seq)?\b[^}]*}}", path.read_text())
    }
    assert unescaped == {"{{ field.help_text|safe }}"}
    assert not [path for path in TEMPLATES if re.search(r"{%\s*autoescape\s+off", path.read_text())]

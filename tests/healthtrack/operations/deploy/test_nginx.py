"""The example configuration of nginx, parsed here and, if it is installed, used by nginx."""

import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path

import pytest

from tests.support.gunicorn_server import started
from tests.support.serving import free_port
from tests.support.systemd_units import FOLDER

CONFIGURATION = FOLDER / "nginx.conf"
HOST = "127.0.0.1"
OUTER_CONFIGURATION = """
daemon off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    {places}
    include site.conf;
}}
"""
PLACES = ["client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path", "uwsgi_temp_path", "scgi_temp_path"]


def servers() -> list[dict[str, list[str]]]:
    """Return the directives of each server; those in a location have the name of the location before them."""
    text = re.sub(r"#.*", "", CONFIGURATION.read_text())
    found: list[dict[str, list[str]]] = []
    places: list[str] = []
    for words, end in re.findall(r"([^;{}]*)([;{}])", text):
        name, _, value = " ".join(words.split()).partition(" ")
        if end == "{":
            places.append(f"{name} {value}".strip())
            if places == ["server"]:
                found.append({})
        elif end == "}":
            assert not name, f"{words} lacks its semicolon"
            places.pop()
        else:
            key = " ".join([*places[1:], name])
            found[-1].setdefault(key, []).append(value)
    assert not places, "a block is not closed"
    return found


def test_all_traffic_uses_https() -> None:
    plain, encrypted = servers()
    assert plain["location / return"] == ["301 https://$host$request_uri"]
    assert all("ssl" in value for value in encrypted["listen"])
    assert encrypted["ssl_protocols"] == ["TLSv1.2 TLSv1.3"]


def test_programs_that_forget_https_get_an_error_and_no_redirect() -> None:
    plain = servers()[0]
    assert plain["location = /healthz return"] == plain["location = /metrics return"] == ["404"]


def test_only_ciphers_with_forward_secrecy_and_authentication_are_used() -> None:
    encrypted = servers()[1]
    assert encrypted["ssl_prefer_server_ciphers"] == ["on"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(*encrypted["ssl_ciphers"])
    descriptions = [cipher["description"] for cipher in context.get_ciphers() if cipher["protocol"] == "TLSv1.2"]
    assert descriptions
    assert all("Kx=ECDH" in text and "Mac=AEAD" in text for text in descriptions)


def test_no_address_is_logged() -> None:
    encrypted = servers()[1]
    assert encrypted["access_log"] == ["off"]
    assert encrypted["error_log"][0].endswith(" crit")


def test_headers_of_the_client_are_replaced() -> None:
    headers = servers()[1]["location / proxy_set_header"]
    assert {"Host $host", "X-Forwarded-For $remote_addr", "X-Forwarded-Proto $scheme", 'Forwarded ""'} == set(headers)


def test_metrics_are_not_public() -> None:
    assert servers()[1]["location = /metrics return"] == ["404"]


@pytest.fixture
def ports(as_the_program: dict[str, str], tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Start gunicorn behind nginx; return the ports of nginx for HTTP and HTTPS."""
    nginx = shutil.which("nginx")
    assert nginx
    plain, encrypted = free_port(), free_port()
    site = re.sub(r".*listen \[::\].*\n", "", CONFIGURATION.read_text())
    for old, new in (
        ("listen 80;", f"listen {HOST}:{plain};"),
        ("listen 443 ssl;", f"listen {HOST}:{encrypted} ssl;"),
        ("127.0.0.1:8000", f"{HOST}:{as_the_program['PORT']}"),
        ("/etc/ssl/healthtrack.pem", str(tmp_path / "pem")),
        ("/etc/ssl/private/healthtrack.key", str(tmp_path / "key")),
        ("/var/log/nginx/healthtrack.log", "stderr"),
    ):
        assert old in site
        site = site.replace(old, new)
    (tmp_path / "site.conf").write_text(site)
    (tmp_path / "nginx.conf").write_text(
        OUTER_CONFIGURATION.format(places=" ".join(f"{place} temporary;" for place in PLACES))
    )
    make_certificate(tmp_path)
    command = [nginx, "-p", f"{tmp_path}/", "-c", str(tmp_path / "nginx.conf")]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    with started(as_the_program), subprocess.Popen(command, stderr=subprocess.DEVNULL) as proxy:
        yield plain, encrypted
        proxy.terminate()


def make_certificate(folder: Path) -> None:
    subject = ("-subj", "/CN=healthtrack.example", "-addext", "subjectAltName=DNS:healthtrack.example", "-days", "1")
    files = ("-keyout", folder / "key", "-out", folder / "pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files], check=True, capture_output=True
    )


def get(peer: HTTPConnection, address: str, **headers: str) -> HTTPResponse:
    deadline = time.monotonic() + 20
    while True:
        try:
            peer.request("GET", address, headers={"Host": "healthtrack.example", **headers})
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            peer.close()
            time.sleep(0.05)
        else:
            answer = peer.getresponse()
            answer.read()
            return answer


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed: its configuration was only parsed.")
def test_nginx_serves_healthtrack(ports: tuple[int, int]) -> None:
    plain, encrypted = ports
    with closing(HTTPConnection(HOST, plain)) as peer:
        redirect = get(peer, "/reports/?a=b")
    assert redirect.status == 301
    assert redirect.headers["Location"] == "https://healthtrack.example/reports/?a=b"
    trust = ssl.create_default_context()
    trust.check_hostname = False
    trust.verify_mode = ssl.CERT_NONE
    with closing(HTTPSConnection(HOST, encrypted, context=trust)) as peer:
        assert get(peer, "/healthz").status == 200
        assert get(peer, "/metrics").status == 404
        page = get(peer, "/admin/login/", **{"X-Forwarded-Proto": "http"})
    assert page.status == 200
    assert "max-age" in page.headers["Strict-Transport-Security"]
    assert page.headers["Set-Cookie"].startswith("__Host-")

"""nginx with the example's own text, in front of something that plays the service: whose body it takes in."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from config.embedded import process
from hypermedia.errors import PROBLEM_TYPE
from tests.deploy.test_units import NGINX
from tests.needs import needs
from tests.rabbitmq import free_ports

pytestmark = needs("nginx-light", shutil.which("nginx"))
KNOWN = "Authorization: Basic a25vd24="
GIB = 1024**3
DATA = "/api/datafilesets/SET/datafiles/FILE/data"
PATIENCE = 60.0


class Service(ThreadingHTTPServer):
    """Plays the service, and keeps what it got: method, path, and bytes of the body."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.away = False
        self.got: list[tuple[str, str, int]] = []


class Handler(BaseHTTPRequestHandler):
    server: Service

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.got.append((self.command, self.path, len(body)))
        status, header = self.said()
        content = json.dumps({"status": status}).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **header}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer  # noqa: N815  # the names that the base class looks for

    def said(self) -> tuple[int, dict[str, str]]:
        """What the service would say, as far as nginx asks."""
        if self.server.away:
            return 503, {"Retry-After": "2"}
        if self.headers.get("Authorization") != KNOWN.partition(": ")[2]:
            return 401, {"WWW-Authenticate": "Basic"}
        return 200, {}

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@dataclass
class Proxied:
    port: int
    service: Service

    def ask(self, request: str, *headers: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        """Sends this much of a request, and waits for the answer. Not for the end of the connection: nginx lingers for
        what was announced."""
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as plain,
            trusting.wrap_socket(plain) as line,
        ):
            head = [f"{request} HTTP/1.1", "Host: tallyport.example", "Connection: close", *headers]
            line.sendall("\r\n".join([*head, "", ""]).encode() + body)
            answer = HTTPResponse(line)
            answer.begin()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, names, answer.read()


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[Proxied]:
    with Service() as service:
        threading.Thread(target=service.serve_forever, args=(0.01,), daemon=True).start()
        plain, port = free_ports(2)
        log = tmp_path / "error.log"
        main = tmp_path / "nginx.conf"
        main.write_text(configuration(tmp_path, service.server_address[1], plain, port))
        server = process.start(["nginx", "-c", main, "-p", tmp_path, "-e", log], log=log)
        try:
            assert process.wait_until(lambda: listens(port) or server.poll() is not None, PATIENCE)
            assert server.poll() is None, log.read_text()
            yield Proxied(port, service)
        finally:
            process.kill_group(server)
            service.shutdown()


def configuration(folder: Path, service: int, plain: int, port: int) -> str:
    """The example with ports and folders of ours, and nothing else of it changed."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x"
    subprocess.run([*words.split(), "-keyout", key, "-out", certificate], capture_output=True, check=True)
    text = NGINX.read_text()
    text = re.sub(r"127\.0\.0\.1:900[12]", f"127.0.0.1:{service}", text)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{plain};").replace("listen 443", f"listen 127.0.0.1:{port}")
    text = text.replace("/etc/tallyport/tls/fullchain.pem", str(certificate))
    text = text.replace("/etc/tallyport/tls/privkey.pem", str(key))
    text = text.replace("/var/log/nginx/tallyport.log", f"{folder}/access.log")
    temporary = " ".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    return f"{user} daemon off; pid {folder}/pid; events {{}} http {{ {temporary} {text} }}"


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_problem(headers: dict[str, str], body: bytes, status: int, code: str) -> bool:
    document = json.loads(body)
    [message] = document["resultMessages"]["resultMessage"]
    return (headers["content-type"], document["status"], message["code"]) == (PROBLEM_TYPE, status, code)


@pytest.mark.parametrize("how", [f"Content-Length: {10 * GIB}", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("path", [DATA, DATA.removeprefix("/api"), "/api/datafilesets", "/datafilesets/SET/zip"])
def test_nobodys_upload_is_not_taken_in(proxied: Proxied, path: str, how: str) -> None:
    """None of it is sent, and none is waited for."""
    status, headers, body = proxied.ask(f"POST {path}", how)
    assert (status, headers["www-authenticate"]) == (401, "Basic")
    assert is_problem(headers, body, 401, "GEN-IP-401")
    assert proxied.service.got == [("GET", "/api", 0)]


def test_an_upload_arrives_whole(proxied: Proxied) -> None:
    content = b"x" * (3 << 20)
    status, _, _ = proxied.ask(f"POST {DATA}", KNOWN, f"Content-Length: {len(content)}", body=content)
    assert status == 200
    assert proxied.service.got == [("GET", "/api", 0), ("POST", DATA, len(content))]


def test_a_download_is_one_request(proxied: Proxied) -> None:
    assert proxied.ask(f"GET {DATA}", KNOWN)[0] == 200
    assert proxied.service.got == [("GET", DATA, 0)]


def test_who_is_away_or_busy_says_so(proxied: Proxied) -> None:
    proxied.service.away = True
    status, headers, body = proxied.ask(f"POST {DATA}", KNOWN, f"Content-Length: {GIB}")
    assert (status, headers["retry-after"]) == (503, "2")
    assert is_problem(headers, body, 503, "GEN-IP-503")


@pytest.mark.parametrize("path", ["/api/readconsumptionbatches", "/ws/rest/service/v2/oic/job", "/admin/login/"])
def test_elsewhere_bodies_are_small(proxied: Proxied, path: str) -> None:
    status, headers, body = proxied.ask(f"POST {path}", f"Content-Length: {3 << 20}")
    assert status == 413
    assert is_problem(headers, body, 413, "GEN-IP-413")
    assert proxied.service.got == []


def test_an_upload_over_the_bound_is_refused_at_once(proxied: Proxied) -> None:
    status, headers, body = proxied.ask(f"POST {DATA}", KNOWN, f"Content-Length: {12 * GIB}")
    assert status == 413
    assert is_problem(headers, body, 413, "GEN-IP-413")

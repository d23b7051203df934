"""The demonstration notices what is not as it must be."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from config import demo
from config.client.outcomes import ClientError
from config.demo import Client, DemoError

CONTENT = b'{"type": "counter"}\n'
DIGEST = hashlib.sha256(CONTENT).digest()


class Service(ThreadingHTTPServer):
    """Answers GET and POST from a table of path -> (status, headers, body)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def document(self, path: str, document: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.answers[path] = status, headers or {}, json.dumps(document).encode()

    def links(self, rels: dict[str, str]) -> list[dict[str, str]]:
        return [{"rel": rel, "href": self.url + path} for rel, path in rels.items()]


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        status, headers, body = self.server.answers[self.path]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    """An export that ended well."""
    with Service() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        server.answers["/api/readconsumptionbatches"] = 201, {"Location": f"{server.url}/batch"}, b""
        server.document(
            "/batch", {"status": "Completed", "links": server.links({"self": "/batch", "datafileset": "/set"})}
        )
        data_file = {
            "contentLength": len(CONTENT),
            "sha256": DIGEST.hex(),
            "links": server.links({"file": "/set/one/data"}),
        }
        server.document("/set", {"dataFiles": [data_file]})
        server.answers["/set/one/data"] = (
            200,
            {"Repr-Digest": f"sha-256=:{base64.b64encode(DIGEST).decode()}:"},
            CONTENT,
        )
        yield server
        server.shutdown()


def export(service: Service, folder: Path) -> list[Path]:
    client = Client(Console(quiet=True))
    with client.session:
        return demo.export(client, service.url, folder)


def test_file_arrives(service: Service, tmp_path: Path) -> None:
    (path,) = export(service, tmp_path / "exports")
    assert (path.name, path.read_bytes()) == ("one", CONTENT)
    assert list(path.parent.iterdir()) == [path]


def test_monitor_is_followed_to_the_end(service: Service, tmp_path: Path) -> None:
    service.answers["/api/readconsumptionbatches"] = 201, {"Location": f"{service.url}/first"}, b""
    waiting = {"status": "In Progress", "links": service.links({"monitor": "/batch"})}
    service.document("/first", waiting, headers={"Retry-After": "0"})
    assert len(export(service, tmp_path)) == 1


def test_failed_export_says_why(service: Service, tmp_path: Path) -> None:
    service.document("/batch", {"status": "Failed", "links": service.links({"operator": "/task"})})
    service.document("/task", {"links": service.links({"operator:messages": "/messages"})})
    service.document("/messages", {"messages": [{"severity": "Fatal", "code": "X", "text": "The disk is full."}]})
    with pytest.raises(DemoError, match=r"ended as Failed: The disk is full\."):
        export(service, tmp_path)


@pytest.mark.parametrize(
    ("headers", "content", "why"),
    [
        ({}, CONTENT[:-1], "its size is 19"),
        ({}, CONTENT.upper(), "its SHA-256 is"),
        ({"Repr-Digest": f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"}, CONTENT, "Repr-Digest says 0000"),
    ],
)
def test_wrong_content_is_noticed(
    service: Service, tmp_path: Path, headers: dict[str, str], content: bytes, why: str
) -> None:
    service.answers["/set/one/data"] = 200, headers, content
    with pytest.raises(DemoError, match=why):
        export(service, tmp_path)


def test_refused_request_fails(service: Service, tmp_path: Path) -> None:
    service.document("/api/readconsumptionbatches", {"title": "Unauthorized"}, status=401)
    with pytest.raises(DemoError, match="was answered with 401"):
        export(service, tmp_path)


def test_missing_link_fails(service: Service, tmp_path: Path) -> None:
    service.document("/batch", {"status": "Completed", "links": []})
    with pytest.raises(ClientError, match="no link `datafileset`"):
        export(service, tmp_path)


def test_name_of_the_file_cannot_leave_the_folder(service: Service, tmp_path: Path) -> None:
    disposition = {"Content-Disposition": 'attachment; filename="../../etc/one.ndjson"'}
    service.answers["/set/one/data"] = 200, disposition, CONTENT
    assert export(service, tmp_path) == [tmp_path / "one.ndjson"]


def test_curl_line_is_the_request() -> None:
    body = {"limitCodes": ["it's"]}
    words = shlex.split(demo.curl("POST", "http://localhost/api?a=1&b=2", body))
    assert words[:4] == ["curl", "-sS", "-u", "testuser1:testuser1"]
    assert json.loads(words[words.index("-d") + 1]) == body
    assert words[-1] == "http://localhost/api?a=1&b=2"

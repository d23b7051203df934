"""A hundred made-up people and a handful of secrets go through the service, and turn up nowhere but in the data."""

from __future__ import annotations

import json
import re
import secrets
from base64 import b64encode
from collections.abc import Iterator
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from redis import Redis

from tests.faults.stack import Stack

pytestmark = pytest.mark.slow
PEOPLE = [f"kanarie-{secrets.token_hex(6)}" for _ in range(100)]
PASSWORD = f"canary-password-{secrets.token_hex(6)}"
BASIC = b64encode(f"canary:{PASSWORD}".encode()).decode()  # as it is sent
KEY = f"canary-key-{secrets.token_hex(20)}"
MARKUP = f"<script>{secrets.token_hex(4)}</script>"  # names and descriptions are whatever somebody likes
# Whoever opens these wants to see people, and may: the audit says so. Everything else of the console is crawled.
ABOUT_PEOPLE = ("/admin/consumption/consumption/", "/admin/consumption/counter/")
PAGES_AT_LEAST, PAGES_AT_MOST = 60, 400


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    service = Stack(consumptions=100)
    service.settings |= {
        "LOG_FORMAT": "json",
        "SECRET_KEY": KEY,
        "ENCRYPTION_KEYS": KEY + "2",
        "METRICS_TOKEN": KEY + "3",
    }
    with service as running:
        running.start("web", "worker", "keeper", "beat")
        yield running


def consumption(person: str) -> dict[str, Any]:
    return {
        "limitCode": "VERT",
        "aggregationLevel": "PERSON",
        "person": {"code": person},
        "serviceDate": "2024-05-01",
        "numberOfUnits": 1,
        "description": f"visit of {person}",
        "externalId": person,
        "transactionSourceCode": None,
    }


def send(stack: Stack, person: str, **other: Any) -> requests.Response:
    body = {name: value for name, value in {**consumption(person), **other}.items() if value is not None}
    return stack.request("POST", "/api/limitconsumptions", body, user="operator1")


def made_secrets(stack: Stack) -> list[str]:
    """Tokens of both kinds, and the signing secret of an endpoint; with the keys and a password."""
    api = stack.request("POST", "/api/accesstokens", {"name": MARKUP}).json()["token"]
    callback = stack.request("GET", "/ws/rest/service/v2/auth/token", user="integration1").json()["data"][
        "access_token"
    ]
    endpoint = {
        "name": MARKUP,
        "url": "http://127.0.0.1:9/hook",
        "httpMethod": "POST",
        "authentication": {"type": "basic", "username": "canary", "password": PASSWORD},
        "eventTypes": ["ReadConsumptionBatch"],
        "active": True,
    }
    answer = stack.request("POST", "/api/notificationendpoints", endpoint, user="operator1")
    assert answer.status_code == 201, answer.text
    return [api, callback, answer.json()["signingSecret"], PASSWORD, BASIC, KEY]


def hostile(stack: Stack, secret: list[str]) -> list[requests.Response]:
    """Requests that fail in many ways, near the data and with secrets in hand."""
    address = f"{stack.url}/api/generic/tasks"
    bearer = [{"Authorization": f"Bearer {text}"} for text in secret]
    refused = [requests.get(f"{address}/0", headers=header, timeout=30) for header in bearer]
    refused += [requests.get(address, auth=("testuser1", text), timeout=30) for text in secret]
    refused += [send(stack, person, numberOfUnits=2) for person in PEOPLE[:20]]  # another content: 409
    refused += [send(stack, person, limitCode="NOPE") for person in PEOPLE[20:30]]
    refused += [send(stack, person, serviceDate="soon") for person in PEOPLE[30:40]]
    refused += [stack.request("GET", f"/api/generic/consumptions/{number}", user="auditor1") for number in range(1, 20)]
    refused += [stack.request("GET", f"/api/generic/consumptions?q=nope.eq('{PEOPLE[0]}')")]
    with stack.database_down():
        refused += [send(stack, person, externalId=f"{person}-2") for person in PEOPLE[40:43]]
    assert all(answer.status_code >= 400 for answer in refused if answer.status_code != 404)
    return refused


def imported(stack: Stack, people: list[str]) -> None:
    """A file of them of which half of the rows break a rule."""
    rows = [
        {**consumption(person), "externalId": f"{person}-3", "numberOfUnits": n % 2} for n, person in enumerate(people)
    ]
    rows += [{**row, "serviceDate": row["person"]["code"]} for row in rows]
    content = "".join(json.dumps({k: v for k, v in row.items() if v is not None}) + "\n" for row in rows)
    body = {"code": "CANARIES", "description": MARKUP, "dataFiles": [{"code": "ROWS", "description": MARKUP}]}
    assert stack.request("POST", "/api/datafilesets", body, user="operator1").status_code == 201
    address = f"{stack.url}/api/datafilesets/CANARIES/datafiles/ROWS/data"
    user, headers = ("operator1", "operator1"), {"Content-Type": "application/x-ndjson"}
    requests.post(address, data=content, headers=headers, auth=user, timeout=30).raise_for_status()
    started = stack.request("POST", "/api/writeconsumptionbatches", {"dataFileSetCode": "CANARIES"}, user="operator1")
    assert started.status_code == 201, started.text
    ended = "SELECT rows_rejected FROM consumption_writeconsumptionbatch WHERE status = 'Completed'"
    assert stack.wait("the import ends", lambda: stack.sql(ended))[0][0] > 0


def console(stack: Stack, user: str) -> Iterator[tuple[str, str]]:
    """(address, page) of whatever this user finds by following links from the start page. Nothing is posted but the
    log-in."""
    with requests.Session() as session:
        session.trust_env = False
        login = f"{stack.url}/admin/login/"
        session.get(login, timeout=30).raise_for_status()
        form = {"username": user, "password": user, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        session.post(login, data=form, headers={"Referer": login}, timeout=30).raise_for_status()
        waiting: list[str] = [f"{stack.url}/admin/"]
        seen: set[str] = set()
        while waiting and len(seen) < PAGES_AT_MOST:
            address = waiting.pop(0)
            if address in seen:
                continue
            seen.add(address)
            answer = session.get(address, timeout=30)
            if answer.ok and "text/html" in answer.headers["Content-Type"]:
                yield urlsplit(address).path, answer.text
                waiting += [link for link in links_of(answer) if link not in seen]


def links_of(page: requests.Response) -> list[str]:
    """Where a page of the console leads to, inside it: each list once, each object once."""
    found = [urljoin(page.url, unescape(link)).partition("#")[0] for link in re.findall(r'href="([^"]+)"', page.text)]
    return [
        link
        for link in found
        if (path := urlsplit(link).path).startswith("/admin/") and not path.startswith((*ABOUT_PEOPLE, "/admin/log"))
        if "?" not in link
    ]


def in_broker(stack: Stack) -> bytes:
    """Everything that the broker holds, and has written to its disk."""
    found = []
    with Redis(unix_socket_path=str(stack.place.broker_socket)) as broker:
        for key in broker.scan_iter():
            found += [key, broker.dump(key)]
            if broker.type(key) == b"list":
                found += broker.lrange(key, 0, -1)
    return b"".join(part or b"" for part in found) + in_files(stack.place.broker_data, "appendonly")


def message_in_broker(stack: Stack) -> bytes:
    """The same once a task's message is in it, which is published beside the answer."""
    found = in_broker(stack)
    return found if b"jobs.tasks.run" in found else b""


def in_files(folder: Path, part: str) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file() and part in str(file))


def test_canaries(stack: Stack) -> None:
    for person in PEOPLE:
        answer = send(stack, person)
        assert answer.status_code == 201, answer.text
    secret = made_secrets(stack)
    stack.stop("worker")
    batch = stack.start_export()
    waiting = stack.wait("the message is there", lambda: message_in_broker(stack))
    stack.start("worker")
    stack.wait_for_end(batch)
    refused = hostile(stack, secret)
    stack.wait("it answers again", stack.is_warm)
    imported(stack, PEOPLE[50:60])
    again = stack.start_export()
    stack.wait_for_end(again)
    stack.wait("the deliveries were tried", lambda: stack.value("SELECT count(*) FROM notifications_attempt"))

    [content] = stack.sql("SELECT storage_key FROM datafiles_datafile ORDER BY id DESC LIMIT 1")
    exported = in_files(stack.files, str(content[0]))
    assert all(person.encode() in exported for person in PEOPLE), "the canaries went through"

    pages = [(user, *page) for user in ("operator1", "auditor1") for page in console(stack, user)]
    assert len({path for _, path, _ in pages}) >= PAGES_AT_LEAST, sorted({path for _, path, _ in pages})
    logs = in_files(stack.place.log("web").parent, ".log")
    assert b'"event"' in logs, "the logs are there"
    broker = waiting + in_broker(stack)
    errors = [(answer.request, answer.text) for answer in refused]
    hits = [("log", text) for text in (*PEOPLE, *secret) if text.encode() in logs]
    hits += [("broker", text) for text in (*PEOPLE, *secret) if text.encode() in broker]
    hits += [("error", text) for text in secret for _, body in errors if text in body]
    hits += [
        ("error", person)
        for person in PEOPLE
        for request, body in errors
        if person in body and person not in f"{request.url}{request.body!r}"
    ]
    assert any(escape(MARKUP) in page for _, _, page in pages), "it is shown"
    hits += [(f"{user} {path}", MARKUP) for user, path, page in pages if MARKUP in page]
    hits += [(f"{user} {path}", text) for text in (*PEOPLE, *secret) for user, path, page in pages if text in page]
    found = f"{len(secret)} secrets, {len(errors)} error bodies, {len(pages)} pages, {len(hits)} hits"
    print(f"canaries: {len(PEOPLE)} people, {found}")  # noqa: T201
    assert not hits, hits[:10]
    assert all(json.loads(line) for line in logs.splitlines() if line.startswith(b'{"'))

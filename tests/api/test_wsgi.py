"""The application as a server calls it, with what servers let through and Django's own test client does not send."""

from __future__ import annotations

import gc
import io
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config.wsgi import application
from hypermedia.asking import ListParameters
from hypermedia.readers import Role
from hypermedia.views import ResourceView
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept_connection() -> Iterator[None]:
    """Around each request Django closes connections that look broken; this one is only inside a test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def call(db: None, kept_connection: None) -> Callable[..., tuple[int, dict[str, str], Any]]:
    """`call(REQUEST_METHOD="POST", ...)`: status, headers and document of one request."""
    UserFactory.create(username="client", roles=[Role.CLIENT])

    def ask(body: bytes = b"", **environ: Any) -> tuple[int, dict[str, str], Any]:
        asked: dict[str, Any] = {
            "HTTP_AUTHORIZATION": "user client",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **environ,
        }
        setup_testing_defaults(asked)
        started: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started.update(status=int(status[:3]), headers=dict(headers))

        content = b"".join(application(asked, start))
        return started["status"], started["headers"], json.loads(content) if content else None

    return ask


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; x*=no-such-charset''abc",
        "application/json; x*=undefined''abc%20",
        "application/json; charset*=utf-7''+AAA-",
        "application/json; charset=undefined",
        "application/json; charset=\x00",
        "application/json; charset=idna",
        "application/json; " + ";" * 5_000,
    ],
)
def test_a_charset_that_does_not_exist(call: Any, content_type: str) -> None:
    """Django reads these outside of every handler of errors."""
    post = {"REQUEST_METHOD": "POST", "PATH_INFO": "/api/readconsumptionbatches", "CONTENT_TYPE": content_type}
    status, headers, document = call(b'{"colour": "red"}', **post)
    assert (status, headers["Content-Type"]) == (422, "application/problem+json")
    assert document["status"] == 422


@pytest.mark.parametrize("length", ["", "-1", "x", "1e3", "9" * 30, "0x10", " 5", "+0"])
def test_lengths_that_are_none(call: Any, length: str) -> None:
    post = {"REQUEST_METHOD": "POST", "PATH_INFO": "/api/readconsumptionbatches", "CONTENT_TYPE": "application/json"}
    status, _, document = call(b'{"colour": "red"}', **post, CONTENT_LENGTH=length)
    assert status in {400, 422}
    assert document["status"] == status


@pytest.mark.parametrize("path", ["", "/", "//", "/api/datafilesets/\xff\xfe", "/\x00", "api", "/api/datafilesets/%00"])
def test_paths_as_servers_decode_them(call: Any, path: str) -> None:
    status, headers, document = call(REQUEST_METHOD="GET", PATH_INFO=path)
    assert status == (200 if path in {"", "/"} else 404)
    assert document["instance"].isascii() if status == 404 else document["type"] == "entry"
    assert headers["X-Request-ID"]


WINDOW = b"""{"transactionStartDateTime": {"value": "2026-01-01T00:00:00Z"},
              "transactionEndDateTime": {"value": "2026-02-01T00:00:00Z"}}"""


def test_nothing_is_left_for_the_garbage_collector(call: Any) -> None:
    """What only that would free costs polls and lists a twentieth of their time."""
    post = {"REQUEST_METHOD": "POST", "PATH_INFO": "/api/readconsumptionbatches", "CONTENT_TYPE": "application/json"}
    operation = urlsplit(call(WINDOW, **post)[1]["Location"]).path
    for path in (operation, "/api/generic/readconsumptionbatches"):
        call(REQUEST_METHOD="GET", PATH_INFO=path)  # from now on everything is there that is made once
        gc.collect()
        gc.disable()
        try:
            before = alive()
            assert call(REQUEST_METHOD="GET", PATH_INFO=path)[0] == 200
            assert alive() == before
        finally:
            gc.enable()


def alive() -> int:
    kinds = (ResourceView, HttpRequest, HttpResponseBase, ListParameters)
    return sum(issubclass(type(one), kinds) for one in gc.get_objects())  # what is lazy stays so

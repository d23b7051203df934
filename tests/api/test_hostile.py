"""Hostile requests over every route: never a 500, never a page, and the status that the contract gives each."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.api import hostile, hostile_headers, matrix
from tests.api.hostile import LIMIT
from tests.api.requests import address, undone
from tests.api.wire import check, messages, pointers
from tests.api.world import World
from tests.conftest import ApiClient

pytestmark = pytest.mark.django_db

EXPORTS, TOKENS = "/api/readconsumptionbatches", "/api/accesstokens"
MOMENT = {"value": "2019-02-18T18:11:51.004+01:00"}
EXPORT = {"transactionStartDateTime": MOMENT, "transactionEndDateTime": MOMENT}
# What is fine for a property, of the values that fit none of the others.
FINE = {
    (TOKENS, "name"): {"text", " ", "\x7f\x1b[31m", "'; DROP TABLE users; --", "../../etc/passwd", "{{7*7}}${7*7}%n%s"},
}
PROPERTIES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    EXPORTS: (EXPORT, (*EXPORT, "limitCodes", "format", "compression")),
    TOKENS: ({"name": "a token"}, ("name", "expiry")),
}
sent = 0


@pytest.fixture
def ask(world: World) -> Any:
    """Sends one request as the operator, undoes it, and checks what every answer has to look like."""
    return partial(_ask, world.clients["operator"])


def _ask(client: ApiClient, method: str, path: str, body: bytes | None = None, **headers: str) -> Any:
    global sent  # noqa: PLW0603  # one count over all tests of this module
    sent += 1
    with undone(method):
        response = client.request(method, path, body, **headers)
        response.getvalue()  # a stream is open until it is read
    return check(response)


def reading_routes(world: World) -> list[tuple[str, str]]:
    """(method, address) of every route that reads a document: those of the matrix that an operator may POST or PUT to,
    but the two that take content as it is."""
    names = world.identifiers("operator", "own")
    return [
        (row.method, address(row.route, names))
        for row in matrix.rows()
        if row.route.startswith("api/") and row.method in {"POST", "PUT"} and row.expected["operator"][0] < 300
        if not (row.method == "POST" and row.route.endswith(("/data", "/zip")))
    ]


@pytest.mark.parametrize("name", hostile.MALFORMED)
def test_malformed_bodies(world: World, ask: Any, name: str) -> None:
    """400 from every route that reads a body, the restart, which needs none, included."""
    routes = reading_routes(world)
    assert len(routes) >= 8
    for method, path in routes:
        response = ask(method, path, hostile.MALFORMED[name])
        assert response.status_code == 400, (name, path, response.content[:300])


@pytest.mark.parametrize("name", hostile.NO_OBJECT)
def test_bodies_that_are_no_object(world: World, ask: Any, name: str) -> None:
    for method, path in reading_routes(world):
        response = ask(method, path, hostile.NO_OBJECT[name])
        assert (response.status_code, pointers(response)) == (422, [""]), (name, path, response.content[:300])


@pytest.mark.parametrize("key", hostile.STRANGE_KEYS, ids=lambda key: ascii(key[:20]))
def test_unknown_properties(world: World, ask: Any, key: str) -> None:
    """422 that points at the property."""
    pointer = "/" + key.replace("~", "~0").replace("/", "~1")
    for method, path in reading_routes(world):
        response = ask(method, path, hostile.body(**{key: 1}))
        assert response.status_code == 422, (key, path, response.content[:300])
        unknown = [message for message in messages(response) if message["code"] == "GEN-IP-012"]
        assert [message["pointer"][:50] for message in unknown] == [pointer.replace("\x7f", "\\u007f")[:50]], (
            response.content
        )


@pytest.mark.parametrize("path", PROPERTIES)
def test_values_of_the_wrong_type(ask: Any, path: str) -> None:
    """422 for each property, with a pointer to it, whatever else it is given."""
    good, properties = PROPERTIES[path]
    for name in properties:
        for value in hostile.VALUES:
            if isinstance(value, str) and value in FINE.get((path, name), ()):
                continue
            response = ask("POST", path, hostile.body(**{**good, name: value}))
            assert response.status_code == 422, (name, value, response.content[:300])
            assert {pointer.split("/")[1] for pointer in pointers(response)} == {name}


@pytest.mark.parametrize(("path", "name"), [(EXPORTS, "transactionStartDateTime"), (TOKENS, "expiry")])
def test_moments_that_are_none(ask: Any, path: str, name: str) -> None:
    good, _ = PROPERTIES[path]
    for text in hostile.MOMENTS:
        response = ask("POST", path, hostile.body(**{**good, name: {"value": text}}))
        assert response.status_code == 422, (text, response.content[:300])
        assert pointers(response) == [f"/{name}/value"]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Amsterdam", "America/New_York", "Pacific/Apia"])
def test_moments_at_the_edges(world: World, settings: Any, zone: str) -> None:
    """Whatever the server's time zone, an edge is taken and shown again as a date-time with an offset, or refused."""
    settings.TIME_ZONE = zone
    client = world.clients["client"]
    for text in hostile.ALLOWED_MOMENTS:
        given = {"value": text, "timezone": ["anything"]}
        body = {"transactionStartDateTime": given, "transactionEndDateTime": given}
        response = check(client.post(EXPORTS, body))
        assert response.status_code in ({201} if zone == "UTC" else {201, 422}), text
        if response.status_code == 201:
            shown = check(client.get(response.headers["Location"]), 200).json()["transactionStartDateTime"]["value"]
            again = {"transactionStartDateTime": {"value": shown}, "transactionEndDateTime": {"value": shown}}
            check(client.post(EXPORTS, again), 201)


def test_every_broken_rule_is_listed(ask: Any) -> None:
    response = ask(
        "POST",
        EXPORTS,
        hostile.body(
            transactionStartDateTime={"value": "2019-02-30T00:00:00Z", "zone": 1, "offset": 2},
            limitCodes=["VERT", 1, "", "x" * 61],
            format="xml",
            colour="red",
        ),
    )
    assert response.status_code == 422
    assert pointers(response) == [
        "/colour",
        "/format",
        "/limitCodes/1",
        "/limitCodes/2",
        "/limitCodes/3",
        "/transactionEndDateTime",
        "/transactionStartDateTime/offset",
        "/transactionStartDateTime/value",
        "/transactionStartDateTime/zone",
    ]


def test_an_answer_does_not_echo_a_megabyte(ask: Any) -> None:
    """A body that breaks a hundred thousand rules gets the first thousand."""
    many = json.dumps({f"{number:x}": 1 for number in range(90_000)}).encode()
    long = json.dumps({"x" * 1_000_000: "y"}).encode()
    for body in (many, long):
        response = ask("POST", EXPORTS, body)
        assert response.status_code == 422
        assert len(messages(response)) <= 1_000
        assert len(response.content) < 300_000
    for value in ("x" * 1_000_000, ["x"] * 200_000, ["x"] * 1_000):
        response = ask("POST", EXPORTS, hostile.body(**EXPORT, limitCodes=value))
        assert response.status_code == 422
        assert len(response.content) < 300_000


def test_bodies_over_the_limit(world: World, ask: Any) -> None:
    """413, whether the length is told or the body comes in chunks."""
    exact = b'{"name": "x"}'.ljust(LIMIT)
    assert ask("POST", TOKENS, exact).status_code == 201
    for method, path in reading_routes(world):
        assert ask(method, path, exact + b" ").status_code == 413
        assert chunked(world, method, path, b"[" * (LIMIT + 1)).status_code == 413


def test_chunked_bodies_are_read(world: World) -> None:
    assert chunked(world, "POST", TOKENS, b'{"name": "x"}').status_code == 201
    assert chunked(world, "POST", TOKENS, b"").status_code == 400
    assert chunked(world, "POST", TOKENS, b"{").status_code == 400
    assert chunked(world, "POST", EXPORTS, json.dumps(EXPORT).encode()).status_code == 201


def chunked(world: World, method: str, path: str, body: bytes) -> Any:
    """As servers hand over a body without a length."""
    client = world.clients["operator"]
    environ: dict[str, Any] = {
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_TYPE": "application/json",
    }
    with undone(method):
        response = client.request(method, path, environ=environ)
    return check(response)


def test_a_client_that_stops_sending(world: World) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError("connection reset")

    client = world.clients["operator"]
    environ = {"wsgi.input": Broken(), "CONTENT_LENGTH": "100", "CONTENT_TYPE": "application/json"}
    check(client.request("POST", EXPORTS, environ=environ), 400)


def test_bodies_where_none_is_read(world: World, ask: Any) -> None:
    """GET, HEAD and DELETE ignore what comes with them."""
    names = world.identifiers("operator", "own")
    for method, route, status in (
        ("GET", "api/generic/tasks/<id:pk>", 200),
        ("HEAD", "api/generic/tasks/<id:pk>", 200),
        ("DELETE", "api/generic/readconsumptionbatches/<id:pk>", 202),
    ):
        for body in (b"[" * 100_000, b"\x00\xff", b"{}"):
            response = ask(method, address(route, names), body, Content_Type="text/plain")
            assert response.status_code == status


def test_addresses_that_lead_nowhere(ask: Any) -> None:
    for path in hostile_headers.PATHS:
        for method in ("GET", "HEAD"):
            response = ask(method, path)
            assert response.status_code == 404, (method, path[:80], response.getvalue()[:300])


def test_queries_change_nothing(world: World, ask: Any) -> None:
    names = world.identifiers("operator", "own")
    for route in ("api/generic/tasks/<id:pk>", "api/datafilesets/<code:code>"):
        path = address(route, names)
        plain = ask("GET", path)
        for query in hostile_headers.QUERIES:
            response = ask("GET", path + query)
            assert (response.status_code, response.content) == (200, plain.content), query[:80]


@pytest.mark.parametrize("accept", hostile_headers.ACCEPTS, ids=lambda accept: ascii(accept[:40]))
def test_accept(world: World, ask: Any, accept: str) -> None:
    names = world.identifiers("operator", "own")
    expected = 200 if hostile_headers.ACCEPTS[accept] else 406
    assert ask("GET", address("api/generic/tasks/<id:pk>", names), Accept=accept).status_code == expected
    expected = 201 if hostile_headers.ACCEPTS[accept] else 406
    assert ask("POST", EXPORTS, hostile.body(**EXPORT), Accept=accept).status_code == expected
    # Errors and file content ignore it.
    assert ask("GET", "/api/nowhere", Accept=accept).status_code == 404
    path = address("api/datafilesets/<code:code>/datafiles/<code:file_code>/data", names)
    assert ask("GET", path, Accept=accept).status_code == 200


@pytest.mark.parametrize("content_type", hostile_headers.CONTENT_TYPES, ids=lambda text: ascii(text[:40]))
def test_content_type(ask: Any, content_type: str) -> None:
    expected = 201 if hostile_headers.CONTENT_TYPES[content_type] else 415
    assert ask("POST", EXPORTS, hostile.body(**EXPORT), Content_Type=content_type).status_code == expected
    assert ask("POST", EXPORTS, b"", Content_Type=content_type).status_code == 400


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x"])
def test_content_encoding(ask: Any, encoding: str) -> None:
    assert ask("POST", EXPORTS, hostile.body(**EXPORT), Content_Encoding=encoding).status_code == 415


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_tags(world: World, ask: Any, header: str) -> None:
    names = world.identifiers("operator", "own")
    expected = 412 if header == "If-Match" else 200
    for path in (
        address("api/generic/tasks/<id:pk>", names),
        address("api/datafilesets/<code:code>/datafiles/<code:file_code>/data", names),
    ):
        for tag in hostile_headers.TAGS:
            assert ask("GET", path, **{header: tag}).status_code == expected, (path, tag[:80])


def test_ranges(world: World, ask: Any) -> None:
    path = address("api/datafilesets/<code:code>/datafiles/<code:file_code>/data", world.identifiers("operator", "own"))
    for text in hostile_headers.RANGES_IGNORED:
        assert ask("GET", path, Range=text).status_code == 200, text[:80]
    for text in hostile_headers.RANGES_IMPOSSIBLE:
        assert ask("GET", path, Range=text).status_code == 416, text[:80]
        assert ask("GET", path, Range=text, If_Range="x").status_code == 200


def test_request_ids(ask: Any) -> None:
    """A strange id is replaced, since it goes into log lines."""
    for text in hostile_headers.REQUEST_IDS:
        response = ask("GET", "/api", X_Request_ID=text)
        assert response.status_code == 200
        assert response.headers["X-Request-ID"] != text


def test_hosts(world: World, ask: Any) -> None:
    """The Host header reaches no link; one that no host can have is a bad request."""
    for host in hostile_headers.HOSTS:
        response = ask("GET", "/api", Host=host)
        assert response.status_code == (200 if host in hostile_headers.POSSIBLE_HOSTS else 400), host[:80]
        assert b"evil" not in response.content
        assert b"evil" not in response.headers.get("Link", "").encode()


def test_credentials(world: World) -> None:
    for text in hostile_headers.CREDENTIALS:
        for path in ("/api", "/api/generic/tasks/1", EXPORTS):
            response = world.clients["nobody"].request("GET", path, Authorization=text)
            check(response, 401)


def test_methods(ask: Any, world: World) -> None:
    names = world.identifiers("operator", "own")
    for method in ("TRACE", "CONNECT", "PROPFIND", "GETT", "get", "X" * 1_000, "", "DELETE\tX"):
        response = ask(method, address("api/generic/tasks/<id:pk>", names))
        assert response.status_code == (200 if method == "get" else 405), method[:50]


@pytest.fixture(scope="module", autouse=True)
def counted() -> Iterator[None]:
    yield
    print(f"hostile requests: {sent}")  # noqa: T201
    assert sent >= 400

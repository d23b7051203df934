"""Every error is a problem document with the headers of every other answer, whatever raised it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.backends.utils import CursorWrapper
from django.http import Http404, HttpRequest

from config import errors
from hypermedia.errors import ResultMessage, printable, problem
from hypermedia.middleware import RequestIdFilter
from hypermedia.readers import Role
from tests.api.wire import HEADERS, check, check_problem, messages
from tests.conftest import ApiClient
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client_of: Callable[..., ApiClient]) -> ApiClient:
    made = client_of(Role.CLIENT, username="client")
    made._client.raise_request_exception = False  # show the answer, as a server would
    return made


@pytest.fixture
def broken(monkeypatch: Any) -> Callable[[Exception], None]:
    """`broken(error)`: from now on every statement raises it."""

    def breaks(error: Exception) -> None:
        def refuse(*_: Any, **__: Any) -> None:
            raise error

        monkeypatch.setattr(CursorWrapper, "execute", refuse)

    return breaks


@pytest.mark.parametrize("path", ["/api/nowhere", "/nowhere", "/api/generic/tasks/x", "/ws/nowhere", "/api/generic"])
def test_unknown_addresses(path: str) -> None:
    """404 for everybody: what is not there needs no credentials."""
    for method in ("GET", "HEAD", "POST", "OPTIONS", "DELETE"):
        check(ApiClient(None).request(method, path), 404)


def test_405_names_the_methods(client: ApiClient) -> None:
    for path, allowed in (
        ("/api/readconsumptionbatches", "POST, OPTIONS"),
        ("/api/generic/readconsumptionbatches/1", "GET, DELETE, HEAD, OPTIONS"),
        ("/api/generic/tasks/1", "GET, HEAD, OPTIONS"),
        ("/api/taskprocessing/1/restart", "POST, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
    ):
        assert check(client.request("PATCH", path), 405).headers["Allow"] == allowed
        assert check(client.request("OPTIONS", path), 204).headers["Allow"] == allowed


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("connection is closed")])
def test_a_broken_database(client: ApiClient, broken: Any, error: Exception) -> None:
    """503 with Retry-After, before anybody is known and nothing of the cause in it."""
    broken(error)
    for method, path in (
        ("GET", "/api"),
        ("GET", "/api/generic/tasks/1"),
        ("HEAD", "/api/generic/tasks/1"),
        ("POST", "/api/readconsumptionbatches"),
        ("DELETE", "/api/generic/readconsumptionbatches/1"),
        ("GET", "/api/datafilesets/X"),
        ("GET", "/datafilesets/X/datafiles/Y/data"),
    ):
        response = check(client.request(method, path), 503)
        assert response.headers["Retry-After"] == "2"
        assert str(error).encode() not in response.content


def test_a_database_that_breaks_in_the_middle(client: ApiClient, monkeypatch: Any) -> None:
    def refuse(**_: Any) -> None:
        raise OperationalError("terminating connection due to administrator command")

    monkeypatch.setattr("consumption.services.start_export", refuse)
    moment = {"value": "2019-02-18T18:11:51Z"}
    body = {"transactionStartDateTime": moment, "transactionEndDateTime": moment}
    check(client.post("/api/readconsumptionbatches", body), 503)


def test_readiness(client: ApiClient, broken: Any) -> None:
    """The probe names what is wrong; liveness needs no database."""
    check(client.get("/readyz", Accept="text/html"), 200)
    broken(OperationalError("gone"))
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "2"
    assert response.json() == {"status": "not ready", "problems": ["the database does not answer"]}
    check(client.get("/healthz", Accept="text/html"), 200)


@pytest.mark.parametrize("error", [RuntimeError("secret detail"), DatabaseError("secret detail"), KeyError("secret")])
def test_mistakes_of_ours(client: ApiClient, monkeypatch: Any, error: Exception) -> None:
    """500: a document without a word of the cause, and the request id to find it by."""

    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr("jobs.views.TaskResource.find", fails)
    response = client.get("/api/generic/tasks/1", X_Request_ID="find-me")
    check_500(response)
    assert response.headers["X-Request-ID"] == "find-me"


def test_mistakes_outside_of_the_views(client: ApiClient, monkeypatch: Any) -> None:
    """While an answer is rendered, no view is there to catch anything."""
    monkeypatch.setattr("hypermedia.media.ResourceRenderer.render", lambda *_, **__: 1 / 0)
    check_500(client.get("/api"))


def check_500(response: Any) -> None:
    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
    text = response.content.decode()
    assert "secret" not in text and "Traceback" not in text and "Error" not in text.replace("Server Error", "")
    assert messages(response)[0]["code"] == "GEN-IP-500"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Http404(), 404),
        (PermissionDenied(), 403),
        (SuspiciousOperation("secret"), 400),
        (RequestDataTooBig("secret"), 413),
        (OperationalError("secret"), 503),
    ],
)
def test_what_middleware_raises(client: ApiClient, monkeypatch: Any, error: Exception, status: int) -> None:
    """Django's own exceptions, raised before a view is found."""

    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr("django.middleware.common.CommonMiddleware.process_request", fails)
    from django.test.client import ClientHandler

    client._client.handler = ClientHandler()  # a chain with the middleware as it is now
    response = check(client.get("/api"), status)
    assert b"secret" not in response.content


def test_log_lines_carry_the_request_id(client: ApiClient) -> None:
    """Also those that Django writes about a refusal once the answer has left the middleware."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Kept()
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(logging.Formatter("%(request_id)s %(message)s"))
    logging.getLogger("django.request").addHandler(handler)
    client.get("/api/nowhere%0aforged", X_Request_ID="find-me")
    logging.getLogger("django.request").removeHandler(handler)
    assert lines == ["find-me Not Found: /api/nowhere\\nforged"]


def test_no_address_forges_a_log_line(client: ApiClient, broken: Any, caplog: Any) -> None:
    broken(OperationalError("gone"))
    check(client.get("/api/datafilesets/a%0aERROR%20forged"), 503)
    ours = [record.getMessage() for record in caplog.records if record.name == "config.errors"]
    assert ours == ["GET /api/datafilesets/a\\u000aERROR forged answered 503: OperationalError"]


def test_pages_for_people_keep_their_pages(client: ApiClient) -> None:
    response = client.get("/admin/nowhere/", Accept="text/html")
    assert response.headers["Content-Type"].startswith("text/html")


def test_errors_ignore_accept(client: ApiClient) -> None:
    for path in ("/api/generic/tasks/999999999999", "/api/nowhere"):
        check(client.get(path, Accept="text/html"), 404)
    check(client.get("/api/generic/tasks?limit=0", Accept="text/html"), 422)
    check(client.request("PATCH", "/api/generic/tasks", Accept="text/html"), 405)
    check(client.get("/api/generic/tasks", Accept="text/html"), 406)
    for method, path in (("GET", "/api/generic/tasks/1"), ("POST", "/api/readconsumptionbatches")):
        check(ApiClient(None).request(method, path, Accept="text/html"), 401)
        check(ApiClient(UserFactory.create(roles=[Role.INTEGRATION])).request(method, path, Accept="text/html"), 403)


def test_nothing_is_changed_when_the_answer_would_not_be_accepted(client: ApiClient) -> None:
    check(client.post("/api/datafilesets", {"code": "REFUSED"}, Accept="text/html"), 406)
    check(client.get("/api/datafilesets/REFUSED"), 404)


def test_405_comes_before_the_body(client: ApiClient) -> None:
    check(client.request("PUT", "/api/readconsumptionbatches", b"[" * 100, Content_Type="text/plain"), 405)


def test_the_first_row_that_fits_is_the_closest() -> None:
    """A subclass after its parent would never be reached."""
    kinds = [kind for kind, _ in errors.STATUS]
    for place, kind in enumerate(kinds):
        assert not any(issubclass(kind, earlier) for earlier in kinds[:place]), kind


def test_a_problem_shows_what_cannot_be_shown() -> None:
    document = problem(400, [ResultMessage("C", "a\x00b\ud800c\r\n", "/\x1f")], "/api/é \x00?\u2028")
    assert json.dumps(document).isascii()
    assert document["detail"] == "a\\u0000b\\ud800c\\u000d\\u000a"
    assert document["instance"] == "/api/%C3%A9%20%00%3F%E2%80%A8"
    assert printable("plain é") == "plain é"


def test_a_problem_tells_the_first_few() -> None:
    document = problem(422, (ResultMessage("C", f"Rule {number}.") for number in range(5_000)), "/")
    assert len(document["resultMessages"]["resultMessage"]) == 1_000
    assert document["detail"].startswith("Rule 0. Rule 1. ")
    assert document["detail"].endswith("Rule 9. (and 990 more)")


def test_titles_are_those_of_the_standard() -> None:
    for status, title in ((404, "Not Found"), (413, "Content Too Large"), (422, "Unprocessable Content")):
        assert problem(status, [], "/")["title"] == title


def test_connection_is_alive_again() -> None:
    """What the tests above broke, they broke for themselves only."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_server_error_without_an_exception() -> None:
    request = HttpRequest()
    request.path = "/api/x"
    assert json.loads(errors.server_error(request).content)["status"] == 500


def test_problem_shape_is_checked_for_head(client: ApiClient) -> None:
    response = client.request("HEAD", "/api/generic/tasks/999999999999")
    assert response.status_code == 404
    check_problem(response)
    assert int(response.headers["Content-Length"]) > 0

"""What every answer of the API has to look like."""

from __future__ import annotations

from typing import Any

from django.utils.encoding import escape_uri_path

from hypermedia.media import JSON, RESOURCE

HEADERS = {
    "Vary": "Accept,Accept-Encoding,Accept-Language,Origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
    "X-XSS-Protection": "1; mode=block",
    "X-OHI-APP-ID": "ALI",
    "X-OHI-APP-VERSION": "6.0.0",
}
PROBLEM = "application/problem+json"


def check(response: Any, status: int | None = None) -> Any:
    """The answer itself, once its headers and, for an error, its problem document are as they must be."""
    if status is not None:
        assert response.status_code == status, (response.status_code, response.getvalue()[:500])
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
    assert response.headers["X-Request-ID"]
    if response.status_code >= 400:
        check_problem(response)
    elif response.status_code in {204, 304}:
        assert response.getvalue() == b""
        assert "Content-Length" not in response.headers
    elif not response.streaming and response.wsgi_request.method != "HEAD":
        lists = {"text/plain; charset=utf-8"} if response.wsgi_request.path.endswith("/SHA256SUMS") else set()
        assert response.headers["Content-Type"] in {JSON, RESOURCE} | lists
        assert response.headers["Content-Length"] == str(len(response.content))
    return response


def check_problem(response: Any) -> None:
    status = response.status_code
    assert status != 500, response.getvalue()[:500]
    assert response.headers["Content-Type"] == PROBLEM
    if response.wsgi_request.method == "HEAD":
        return
    problem = response.json()
    assert list(problem) == ["type", "title", "status", "detail", "instance", "resultMessages"]
    assert problem["status"] == status
    assert problem["instance"] == escape_uri_path(response.wsgi_request.path)
    assert problem["instance"].isascii()
    assert problem["title"] and problem["detail"] and problem["type"] == "about:blank"
    result = problem["resultMessages"]
    assert list(result) == ["result", "resultMessage"] and result["result"] == "F"
    for message in result["resultMessage"]:
        assert message["code"] and message["text"]
        assert set(message) <= {"code", "text", "pointer"}
    for statuses, header in (({401}, "WWW-Authenticate"), ({405}, "Allow"), ({429, 503}, "Retry-After")):
        assert (header in response.headers) == (status in statuses), header


def messages(response: Any) -> list[dict[str, str]]:
    """The broken rules that the answer lists."""
    found: list[dict[str, str]] = response.json()["resultMessages"]["resultMessage"]
    return found


def pointers(response: Any) -> list[str]:
    return sorted(message["pointer"] for message in messages(response))

"""How one row of the route table becomes an OpenAPI operation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from config.openapi.shapes import Schema, ref
from hypermedia.errors import PROBLEM_TYPE
from hypermedia.media import JSON, RESOURCE

# What every route of the API may answer besides its own errors.
COMMON_ERRORS = (401, 403, 406, 429, 503)


@dataclass(frozen=True)
class Answer:
    """One successful answer: its schema by name, or None for no body; `media` where it is not a resource."""

    shape: str | None = None
    text: str = ""
    headers: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    media: tuple[str, ...] = (RESOURCE, JSON)


@dataclass(frozen=True)
class Route:
    """What a reader of the documentation needs to know of one method of one route.

    `links` of an answer name the operations it leads to and where in the answer the parameter is.
    """

    name: str
    summary: str
    tag: str
    answers: Mapping[int, Answer]
    text: str = ""
    body: str | None = None
    body_required: bool = True
    more_bodies: Mapping[str, Schema] = field(default_factory=dict)  # by media type, besides `body` or in its place
    errors: tuple[int, ...] = ()
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ("basic", "bearer")
    open: bool = False

    def operation(self, path: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "operationId": self.name,
            "summary": self.summary,
            "tags": [self.tag],
            "responses": {
                **{str(status): _answer(answer) for status, answer in self.answers.items()},
                **{str(status): _problem(status) for status in self._errors()},
            },
        }
        if self.text:
            body["description"] = self.text
        if parameters := [
            *_path_parameters(path),
            *_query_parameters(self.query),
            *(REQUEST_HEADERS[name] for name in self.headers),
        ]:
            body["parameters"] = parameters
        if self.body or self.more_bodies:
            schemas = {media: ref(self.body) for media in (RESOURCE, JSON)} if self.body else {}
            content = {media: {"schema": schema} for media, schema in {**schemas, **self.more_bodies}.items()}
            body["requestBody"] = {"required": self.body_required, "content": content}
        body["security"] = [] if self.open else [{scheme: []} for scheme in self.schemes]
        return body

    def _errors(self) -> list[int]:
        if self.open:
            return list(self.errors)
        reading = (400, 413, 415, 422) if self.body or self.more_bodies else ()
        return sorted({*COMMON_ERRORS, *reading, *self.errors})


REQUEST_HEADERS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "The same key and body within 24 hours give the first answer again; another body is 422.",
        "schema": {"type": "string", "minLength": 1},
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "description": "`wait=N`: answer when the operation has ended, or after N seconds, at most 30.",
        "schema": {"type": "string"},
        "example": "wait=10",
    },
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "Changes only the version that this entity tag names; 412 otherwise.",
        "schema": {"type": "string"},
    },
}
HEADERS: dict[str, Schema] = {
    "Location": {"description": "Where the new resource is.", "schema": {"type": "string", "format": "uri"}},
    "Operation-Location": {
        "description": "The neutral monitor of the operation, for ready-made pollers.",
        "schema": {"type": "string", "format": "uri"},
    },
    "Retry-After": {"description": "Seconds to wait before asking again.", "schema": {"type": "integer"}},
    "Preference-Applied": {"description": "`wait=N` when the wish was granted.", "schema": {"type": "string"}},
    "ETag": {"description": "For If-None-Match and If-Match.", "schema": {"type": "string"}},
    "Link": {"description": "The links of the body once more (RFC 8288).", "schema": {"type": "string"}},
    "Content-Range": {"description": "Which bytes these are.", "schema": {"type": "string"}},
    "Repr-Digest": {"description": "The SHA-256 of the whole file (RFC 9530).", "schema": {"type": "string"}},
}


def _answer(answer: Answer) -> dict[str, Any]:
    body: dict[str, Any] = {"description": answer.text or "Done."}
    if answer.headers:
        body["headers"] = {name: HEADERS[name] for name in answer.headers}
    if answer.shape == "bytes":
        body["content"] = {media: {"schema": {"type": "string", "format": "binary"}} for media in answer.media}
    elif answer.shape == "text":
        body["content"] = {media: {"schema": {"type": "string"}} for media in answer.media}
    elif answer.shape is not None:
        body["content"] = {media: {"schema": ref(answer.shape)} for media in answer.media}
    if answer.links:
        body["links"] = {
            target: {"operationId": target, "parameters": {"id": expression}}
            for target, expression in answer.links.items()
        }
    return body


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {PROBLEM_TYPE: {"schema": ref("Problem")}},
    }


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "format": "int64", "minimum": 1} if name == "id" else {"type": "string"},
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(query: Mapping[str, Schema]) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in query.items()]

"""How one row of the route table becomes an OpenAPI operation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from config.openapi.headers import ERROR_HEADERS, ERROR_TEXTS, REQUEST_HEADERS, described
from config.openapi.shapes import Schema, ref
from hypermedia.errors import PROBLEM_TYPE
from hypermedia.media import JSON, RESOURCE

# What every route of the API may answer besides its own errors.
COMMON_ERRORS = (401, 403, 406, 429, 503)
PATH_ID: Schema = {"type": "integer", "format": "int64", "minimum": 1, "maximum": 2**63 - 1}
PATH_CODE: Schema = {"type": "string", "minLength": 1, "maxLength": 60}


@dataclass(frozen=True)
class Answer:
    """One successful answer: its schema by name, or None for no body; `media` where it is not a resource."""

    shape: str | None = None
    text: str = ""
    headers: tuple[str, ...] = ()
    links: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
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
    encoding: Mapping[str, str] = field(default_factory=dict)  # the type of each named part of a form
    errors: tuple[int, ...] = ()
    query: Mapping[str, Schema] = field(default_factory=dict)
    required_query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ("basic", "bearer")
    open: bool = False
    common_errors: tuple[int, ...] = COMMON_ERRORS
    error: tuple[str, str] = (PROBLEM_TYPE, "Problem")  # media type and schema of its errors

    def operation(self, path: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "operationId": self.name,
            "summary": self.summary,
            "tags": [self.tag],
            "responses": {
                **{str(status): _answer(answer) for status, answer in self.answers.items()},
                **self._not_modified(),
                **{str(status): self._error(status) for status in self._errors()},
            },
        }
        if self.text:
            body["description"] = self.text
        if parameters := [
            *_path_parameters(path),
            *_query_parameters(self.query, self.required_query),
            *(REQUEST_HEADERS[name] for name in self._request_headers()),
        ]:
            body["parameters"] = parameters
        if self.body or self.more_bodies:
            schemas = {media: ref(self.body) for media in (RESOURCE, JSON)} if self.body else {}
            schemas |= self.more_bodies
            content: dict[str, Any] = {media: {"schema": schema} for media, schema in schemas.items()}
            if self.encoding:
                parts = {name: {"contentType": media} for name, media in self.encoding.items()}
                content["multipart/form-data"]["encoding"] = parts
            body["requestBody"] = {"required": self.body_required, "content": content}
        body["security"] = [] if self.open else [{scheme: []} for scheme in self.schemes]
        return body

    def _errors(self) -> list[int]:
        if self.open:
            return list(self.errors)
        reads = (self.body or self.more_bodies) and self.error[1] == "Problem"
        reading = (400, 413, 415, 422) if reads else ()
        condition = (412,) if self._is_tagged() else ()
        return sorted({*self.common_errors, *reading, *condition, *self.errors})

    def _is_tagged(self) -> bool:
        """Whether it reads something with an entity tag: nobody needs to get that twice."""
        return self.name.startswith("get") and "ETag" in self.answers.get(200, Answer()).headers

    def _request_headers(self) -> list[str]:
        conditions = ["If-None-Match", "If-Match"] if self._is_tagged() else ["If-Match"] if 412 in self.errors else []
        return list(dict.fromkeys([*self.headers, *conditions]))

    def _not_modified(self) -> dict[str, Any]:
        return {"304": {"description": "As you have it.", "headers": described(["ETag"])}} if self._is_tagged() else {}

    def _error(self, status: int) -> dict[str, Any]:
        media, schema = self.error
        return {
            "description": ERROR_TEXTS.get(status, HTTPStatus(status).phrase),
            "headers": described(ERROR_HEADERS.get(status, ())),
            "content": {media: {"schema": ref(schema)}},
        }


def _answer(answer: Answer) -> dict[str, Any]:
    body: dict[str, Any] = {"description": answer.text or "Done."}
    body["headers"] = described(answer.headers)
    if answer.shape == "bytes":
        body["content"] = {media: {"schema": {"type": "string", "format": "binary"}} for media in answer.media}
    elif answer.shape == "text":
        body["content"] = {media: {"schema": {"type": "string"}} for media in answer.media}
    elif answer.shape is not None:
        body["content"] = {media: {"schema": ref(answer.shape)} for media in answer.media}
    if answer.links:
        body["links"] = {target: _link(target, where) for target, where in answer.links.items()}
    return body


def _link(target: str, where: str | Mapping[str, str]) -> dict[str, Any]:
    """To the operation `target`; `where` in this answer its `id` stands, or each of its parameters."""
    return {"operationId": target, "parameters": {"id": where} if isinstance(where, str) else dict(where)}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": PATH_ID if name == "id" else PATH_CODE,
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(query: Mapping[str, Schema], required: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema} for name, schema in query.items()
    ]

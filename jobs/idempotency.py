"""`Idempotency-Key`: a request that is sent again, because its answer was lost, starts nothing a second time.

The key's answer is stored in the transaction that starts the operation, under an advisory lock that ends with it. So
there is no moment in which one exists without the other, a twin that comes meanwhile waits for the first one's end, and
a process that dies leaves neither.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from typing import Any, TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now
from django.http import HttpResponse
from psycopg.errors import LockNotAvailable
from rest_framework.request import Request
from rest_framework.response import Response

from hypermedia.bodies import body_of
from hypermedia.errors import Conflict, Malformed, ResultMessage, RuleBroken
from hypermedia.parsers import parse_json
from hypermedia.views import ResourceView
from jobs.models import KeptAnswer

WAIT_SECONDS = 5.0  # for a twin that is still running
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_NOT_KEPT = {"Content-Type"}  # follows the `Accept` of each request

View = TypeVar("View", bound=ResourceView)
Post = Callable[[View, Request], HttpResponse]


def idempotent(post: Post[View]) -> Post[View]:
    """For the `post` of a view that starts something: with the header, the same request gets its first 201 again.

    Raises Malformed for a key that is none, RuleBroken when it was used with another body, Conflict when a twin runs
    for longer than 5 seconds. Only a 201 is kept, for 24 hours, for this user and address.
    """

    @wraps(post)
    def once(view: View, request: Request) -> HttpResponse:
        return answer_once(view, request, lambda: post(view, request))

    return once


def answer_once(
    view: ResourceView, request: Request, answer: Callable[[], HttpResponse], asked: str | None = None
) -> HttpResponse:
    """The same for any step of a view. `asked` stands for the body where that was read already."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return answer()
    if _KEY.fullmatch(key) is None:
        raise Malformed("Idempotency-Key has to be 1 to 255 printable ASCII characters.")
    name = {"user_id": view.reader.user_id, "path": request.path.removeprefix("/api"), "key": key}
    with transaction.atomic():
        _wait_for_twins(name)
        asked = asked or _fingerprint(request)
        kept = KeptAnswer.objects.valid().filter(**name).first()
        if kept is not None:
            return _again(kept, asked, request)
        response = answer()
        if response.status_code == 201:
            _keep(name, asked, response)
        return response


def _wait_for_twins(name: dict[str, Any]) -> None:
    """Holds the key until the end of the transaction."""
    text = json.dumps([name["user_id"], name["path"], name["key"]])
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{int(WAIT_SECONDS * 1000)}ms"])
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [text])
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            told = "The same request is still being worked on; ask again in a few seconds."
            raise Conflict(told, code="GEN-IP-021") from error
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


def _fingerprint(request: Request) -> str:
    body = body_of(request)
    try:
        known = _canonical(parse_json(body)) if body else ""
    except Malformed:  # the view will say so
        known = repr(body)
    return hashlib.sha256(f"{request.META.get('QUERY_STRING', '')}\n{known}".encode()).hexdigest()


def _canonical(value: Any) -> str:
    """One text for all ways to write the same JSON: whatever the order of keys, the blanks, the zeros of a number."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        number = Decimal(value)
        return str(number.normalize() if number else Decimal(0))
    return json.dumps(value)


def _again(kept: KeptAnswer, asked: str, request: Request) -> HttpResponse:
    if kept.request != asked:
        told = "This Idempotency-Key was used for another request; take a new key for each one."
        raise RuleBroken(ResultMessage("GEN-IP-022", told))
    if kept.document is not None:
        return Response(json.loads(kept.document), status=201, headers=kept.headers)
    return HttpResponse(status=201, headers=kept.headers, content_type=str(request.accepted_media_type))


def _keep(name: dict[str, Any], asked: str, response: HttpResponse) -> None:
    """In the place of an answer under the same key that was kept long enough."""
    headers = {header: value for header, value in response.headers.items() if header not in _NOT_KEPT}
    document = json.dumps(response.data) if isinstance(response, Response) else None
    values = {"request": asked, "headers": headers, "document": document}
    KeptAnswer.objects.update_or_create(**name, defaults={**values, "creation_date": Now()})

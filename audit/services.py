"""`record`: the one function that writes the trail. Services call it in the transaction that makes the change."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from audit.models import Entry
from hypermedia.errors import printable
from hypermedia.middleware import request_id
from hypermedia.origin import address

Result = Entry.Result
# Whether the request being answered has left an entry: the middleware adds one where nobody else did.
recorded: ContextVar[bool] = ContextVar("recorded", default=False)


def record(
    action: str,
    *,
    user_id: int | None,
    subject: str = "",
    result: Result = Result.DONE,
    status: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """One entry. The time, the client's address and the request's id come by themselves.

    `detail` must hold no data of persons and no secret. What cannot be recorded must not happen: a failure is raised.
    """
    Entry.objects.create(
        user_id=user_id,
        action=action,
        subject=printable(subject)[:200],
        result=result,
        status=status,
        address=address.get(),
        request_id=request_id.get(),
        detail=dict(detail or {}),
    )
    recorded.set(True)

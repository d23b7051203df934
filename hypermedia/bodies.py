"""The bytes of a request's body, bounded."""

from __future__ import annotations

from typing import IO, Any

from django.conf import settings
from django.http import HttpRequest

from hypermedia.errors import Malformed

_READ = "_bounded_body"


class BodyTooLarge(Malformed):
    """The body is over the limit of `BODY_LIMIT` bytes."""

    code = "GEN-IP-413"


def body_of(request: HttpRequest) -> bytes:
    """All of the body, however its length was told; the stream is read once. Raises BodyTooLarge after one byte more
    than the limit, and Malformed when the client stops sending in the middle."""
    known: bytes | None = getattr(request, _READ, None)
    if known is not None:
        return known
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        body: bytes = stream_of(request).read(limit + 1)
    except OSError as error:
        raise Malformed("The body ended before it was complete.") from error
    if len(body) > limit:
        raise BodyTooLarge(f"The body is larger than {limit} bytes.")
    setattr(request, _READ, body)
    return body


def stream_of(request: HttpRequest) -> HttpRequest | IO[Any]:
    """The body for reading in pieces. Django takes one without Content-Length for empty; a chunked one ends by itself
    where the server says so."""
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if chunked and request.META.get("wsgi.input_terminated"):
        stream: IO[Any] = request.META["wsgi.input"]
        return stream
    return request

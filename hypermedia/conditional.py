"""Conditional requests (RFC 9110, section 13): on entity tags, for bytes also on the last modification.

A resource's tag is `"<version>-<digest>"`: the version for `If-Match`, and a digest of the whole representation, so
that a progress bar that moved, or a reader who is offered other links, never gets 304.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from django.utils.http import parse_http_date_safe

from hypermedia.errors import Stale


def entity_tag(version: int, content: bytes, media_type: str) -> str:
    """The strong tag of a representation."""
    digest = hashlib.blake2b(b"%b\x1f%b" % (media_type.encode(), content), digest_size=8).hexdigest()
    return f'"{version}-{digest}"'


def none_match(header: str | None, tag: str) -> bool:
    """False when `If-None-Match` names the tag (weak comparison, a list, or `*`): the client has it already."""
    return header is None or not (header.strip() == "*" or tag in _tags(header))


def check_version(header: str | None, version: int) -> None:
    """`If-Match` for a resource compares the version alone: a progress bar that moved is no reason to refuse.

    So a tag that a proxy made weak counts as well. Raises Stale.
    """
    if header is None or header.strip() == "*":
        return
    if str(version) not in (tag.strip('"').partition("-")[0] for tag in _tags(header)):
        raise Stale(f"The resource is at version {version}; the request was made for {header.strip()[:80]}.")


def check_tag(header: str | None, tag: str) -> None:
    """`If-Match` for bytes: strong comparison with the tag itself. Raises Stale."""
    if header is not None and header.strip() != "*" and tag not in (item.strip() for item in header.split(",")):
        raise Stale(f"The content has the entity tag {tag}; the request was made for {header.strip()[:80]}.")


def check_bytes(headers: Mapping[str, str], tag: str, modified: int) -> None:
    """`If-Match`, or without it `If-Unmodified-Since`; `modified` in seconds since 1970. Raises Stale."""
    check_tag(headers.get("If-Match"), tag)
    since = headers.get("If-Unmodified-Since")
    if "If-Match" not in headers and _changed_after(since, modified):
        raise Stale(f"The content was changed after {since}.")


def has_bytes(headers: Mapping[str, str], tag: str, modified: int) -> bool:
    """`If-None-Match`, or without it `If-Modified-Since`: whether the client has the bytes already."""
    if "If-None-Match" in headers:
        return not none_match(headers["If-None-Match"], tag)
    return _changed_after(headers.get("If-Modified-Since"), modified) is False


def _changed_after(header: str | None, modified: int) -> bool | None:
    """None when the header is not there or names no moment: it means nothing then."""
    named = parse_http_date_safe(header or "")
    return None if named is None else modified > named


def _tags(header: str) -> list[str]:
    return [item.strip().removeprefix("W/") for item in header.split(",")]

"""Entity tags: `"<version>-<digest>"`, where the digest covers what else moves the representation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from hypermedia.errors import Stale


def entity_tag(version: int, *parts: object) -> str:
    """A strong tag of a representation: its version and everything else that changes its bytes for this reader."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).hexdigest()
    return f'"{version}-{digest}"'


def matches(header: str, tag: str) -> bool:
    """`If-None-Match`: weak comparison with a list of tags, or `*`."""
    return header.strip() == "*" or tag in _tags(header)


def check_if_match(header: str | None, version: int) -> None:
    """`If-Match` compares the version alone: a progress bar that moved is no reason to refuse. Raises Stale."""
    if header is None or header.strip() == "*":
        return
    if str(version) not in (tag.strip('"').partition("-")[0] for tag in _tags(header)):
        raise Stale(f"The resource is at version {version}; the request was made for {header.strip()[:80]}.")


def _tags(header: str) -> Iterable[str]:
    return [item.strip().removeprefix("W/") for item in header.split(",")]

"""What a client would like, but does not need: the `Prefer` header (RFC 7240)."""

from __future__ import annotations

import re

LONGEST_WAIT = 30  # seconds
_WAIT = re.compile(r'wait\s*=\s*(?:([0-9]{1,9})|"([0-9]{1,9})")', re.ASCII | re.IGNORECASE)


def preferred_wait(header: str | None) -> int | None:
    """The seconds of the first `wait` in the header, at most 30; None without one, or for one that cannot be read."""
    for preference in header.split(",") if header else ():
        name = preference.partition(";")[0].strip()
        if name.partition("=")[0].strip().lower() == "wait":
            found = _WAIT.fullmatch(name)
            return min(int(found[1] or found[2]), LONGEST_WAIT) if found else None
    return None

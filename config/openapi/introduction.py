"""What a reader of the API's description sees first."""

from __future__ import annotations

TAGS = (
    "Exports",
    "Data file sets",
    "Limits and consumptions",
    "Tasks and messages",
    "Notifications",
    "Status callback",
    "Access",
    "Health",
)

TEXT = """\
Exports of the consumptions and counters of insurance limits, as long-running operations that are followed by links.

**Log in** with HTTP Basic, or with `Authorization: Bearer <token>`; `POST /api/accesstokens` makes a token.

**An export** goes like this:

1. `POST /api/readconsumptionbatches` with a period. `201` means that it is stored and will be done; `Location` is the
   operation.
2. `GET` it. While it has a link `monitor` it runs: ask again after `Retry-After`, or with `Prefer: wait=30`.
3. Done, it has a link `datafileset`; the set has a link `file` for each file, to be read whole or by `Range`.
4. Failed, it has neither. Its link `operator` leads to the task, whose `operator:messages` say why, and whose
   `operator:restart`, where it is there, tries again.

A client decides what it may do by which links are there, and never builds an address. `GET /api` lists what you may
start. Errors are problem documents (RFC 9457) whose `resultMessages` name every broken rule.
"""

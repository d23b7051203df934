"""System checks of the ledger."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from consumption.clusters import identifiers


@register(Tags.database)
def ledger_belongs_to_this_cluster(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """consumption.E001: the ledger's transaction ids come from another database cluster."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        known, current = identifiers(alias)
        if known is not None and known != current:
            found.append(
                Error(
                    "The ledger was restored from another database cluster: its transaction ids mean nothing here.",
                    hint="Stop every worker and web process, then run `manage.py adopt_ledger`.",
                    id="consumption.E001",
                )
            )
    return found

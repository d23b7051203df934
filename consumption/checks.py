"""System checks of the ledger."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.utils import DatabaseError


@register(Tags.database)
def ledger_belongs_to_this_cluster(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """consumption.E001: the ledger's transaction ids come from another database cluster."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        known, current = _identifiers(alias)
        if known and known != current:
            found.append(
                Error(
                    "The ledger was restored from another database cluster: its transaction ids mean nothing here.",
                    hint="Stop every worker and web process, then run `manage.py adopt_ledger`.",
                    id="consumption.E001",
                )
            )
    return found


def _identifiers(alias: str) -> tuple[str | None, str]:
    """(the cluster that the ledger belongs to, the cluster that this is)."""
    from consumption.models import LedgerCluster

    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
        current = str(cursor.fetchone()[0])
    try:
        known = LedgerCluster.objects.using(alias).values_list("system_identifier", flat=True).first()
    except DatabaseError:  # not migrated yet
        known = None
    return known, current

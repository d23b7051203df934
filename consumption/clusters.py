"""Which database cluster the ledger's transaction ids belong to. In another cluster they mean nothing."""

from __future__ import annotations

from django.db import DatabaseError, connection, connections, transaction

from consumption.models import ExportSeries, LedgerCluster, ReadConsumptionBatch

# Below every id that a cluster gives out: visible in each of its snapshots.
FROZEN = "2"


def identifiers(alias: str) -> tuple[str | None, str]:
    """(the cluster that the ledger belongs to, None before the first migration; the cluster that this is)."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
        current = str(cursor.fetchone()[0])
    try:
        known = LedgerCluster.objects.using(alias).values_list("system_identifier", flat=True).first()
    except DatabaseError:
        known = None
    return known, current


@transaction.atomic
def adopt() -> int:
    """Makes the ledger this cluster's: every entry counts as older than any snapshot; the number of entries.

    Stored snapshots of old exports mean nothing here and are forgotten; their files stay.
    """
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE consumption_consumption DISABLE TRIGGER consumption_insert_only")
        cursor.execute(
            "UPDATE consumption_consumption SET transaction_id = %s::xid8 WHERE transaction_id <> %s::xid8",
            [FROZEN, FROZEN],
        )
        adopted = int(cursor.rowcount)
        cursor.execute("ALTER TABLE consumption_consumption ENABLE TRIGGER consumption_insert_only")
        cursor.execute(
            "UPDATE consumption_ledgercluster SET adopted_at = statement_timestamp(),"
            " system_identifier = (SELECT system_identifier::text FROM pg_control_system())"
        )
    ReadConsumptionBatch.objects.exclude(snapshot=None).update(snapshot=None, since_snapshot=None)
    ExportSeries.objects.exclude(snapshot=None).update(snapshot=None)  # they are lost until somebody begins them anew
    return adopted

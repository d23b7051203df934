"""PostgreSQL's transaction ids and snapshots as model fields."""

from __future__ import annotations

from typing import Any

from django.db import models


class TransactionIdField(models.Field):  # type: ignore[type-arg]  # not subscriptable at run time
    """`xid8`: the id of the transaction that wrote the row. 64 bit, so it never wraps; `xmin` does."""

    def db_type(self, connection: Any) -> str:
        return "xid8"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        return None if value is None else int(value)

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else str(value)


class SnapshotField(models.Field):  # type: ignore[type-arg]
    """`pg_snapshot`: which transactions an export could see, as `xmin:xmax:xip,...`."""

    def db_type(self, connection: Any) -> str:
        return "pg_snapshot"


class CurrentTransactionId(models.Func):
    """`pg_current_xact_id()`, which gives the transaction its id if it has none yet."""

    function = "pg_current_xact_id"
    arity = 0
    output_field = TransactionIdField()


class LedgerNow(models.Func):
    """The ledger's clock: the moment, to the millisecond, after the transaction took its id (see the migration)."""

    function = "ledger_now"
    arity = 0
    output_field = models.DateTimeField()

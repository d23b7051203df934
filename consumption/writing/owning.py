"""Which imports own the set that they read, for who wants to unlock one."""

from __future__ import annotations

from consumption.models import WriteConsumptionBatch
from datafiles import owners
from jobs.states import OperationStatus


class Imports:
    def running(self, set_id: int) -> str | None:
        """Also one that waits for its first or next attempt: it still has to read the set."""
        going = WriteConsumptionBatch.objects.filter(input_set=set_id, status=OperationStatus.IN_PROGRESS)
        batch = going.order_by("pk").first()
        return str(batch) if batch else None

    def forget(self, set_id: int) -> None:
        ended = WriteConsumptionBatch.objects.exclude(status=OperationStatus.IN_PROGRESS)
        ended.filter(input_set=set_id, holds_set=True).update(holds_set=False)


owners.register(Imports())

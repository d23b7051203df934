"""How a run ends when it does not complete."""

from __future__ import annotations

from hypermedia.errors import Conflict
from jobs.states import Move, allowed_from


class OperationFailed(Exception):
    """An expected failure. `what` says in plain words what went wrong, `advice` whether a restart can help."""

    def __init__(self, code: str, what: str, advice: str) -> None:
        super().__init__(f"{what} {advice}")
        self.code = code
        self.text = f"{what} {advice}"


class UnexpectedError(Exception):
    """An error that nobody expected, for Celery's log of attempts. Its cause is the error itself, which Celery must not
    see: some (MemoryError, its own Reject) it takes for a message to itself, and ends the whole worker."""


class LeaseLost(Exception):
    """This attempt no longer owns its task: cancelled, given to another worker, or out of time. Change nothing."""


class WrongState(Conflict):
    """The task's status does not allow the move; `status` is what it is."""

    code = "TSK-IP-001"

    def __init__(self, status: str, move: Move) -> None:
        needed = " or ".join(sorted(allowed_from(move)))
        super().__init__(f"The task is {status}; to {move} it, it has to be {needed}. Nothing was changed.")
        self.status = status

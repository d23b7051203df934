"""Which moves a task may make, and what each status means for the operation that clients watch.

    PENDING ---claim---> PROCESSING ---complete---> COMPLETED
       ^  ^                 |   |
       |  +----give back----+   +------error------> ERRORED
       |                                               |
       +-------------------restart---------------------+

    PENDING or PROCESSING ---cancel---> CANCELLED

This table decides; the models turn each move into one conditional UPDATE.
"""

from __future__ import annotations

from enum import StrEnum


class TaskStatus(StrEnum):
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    ERRORED = "ERRORED"
    CANCELLED = "CANCELLED"


class OperationStatus(StrEnum):
    IN_PROGRESS = "In Progress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class Move(StrEnum):
    CLAIM = "claim"
    GIVE_BACK = "give back"
    COMPLETE = "complete"
    ERROR = "error"
    RESTART = "restart"
    CANCEL = "cancel"


MOVES: dict[Move, tuple[frozenset[TaskStatus], TaskStatus]] = {
    Move.CLAIM: (frozenset({TaskStatus.PENDING}), TaskStatus.PROCESSING),
    Move.GIVE_BACK: (frozenset({TaskStatus.PROCESSING}), TaskStatus.PENDING),
    Move.COMPLETE: (frozenset({TaskStatus.PROCESSING}), TaskStatus.COMPLETED),
    Move.ERROR: (frozenset({TaskStatus.PROCESSING}), TaskStatus.ERRORED),
    Move.RESTART: (frozenset({TaskStatus.ERRORED}), TaskStatus.PENDING),
    Move.CANCEL: (frozenset({TaskStatus.PENDING, TaskStatus.PROCESSING}), TaskStatus.CANCELLED),
}

OPERATION_STATUS: dict[TaskStatus, OperationStatus] = {
    TaskStatus.PENDING: OperationStatus.IN_PROGRESS,
    TaskStatus.PROCESSING: OperationStatus.IN_PROGRESS,
    TaskStatus.COMPLETED: OperationStatus.COMPLETED,
    TaskStatus.ERRORED: OperationStatus.FAILED,
    TaskStatus.CANCELLED: OperationStatus.CANCELLED,
}


# Neither has ended: somebody works on them, or will.
ACTIVE = frozenset({TaskStatus.PENDING, TaskStatus.PROCESSING})


def allowed_from(move: Move) -> frozenset[TaskStatus]:
    return MOVES[move][0]


def leads_to(move: Move) -> TaskStatus:
    return MOVES[move][1]

"""What a call can come to."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db import DatabaseError

from jobs.notifications import vault
from jobs.notifications.states import Outcome
from jobs.notifications.wire import Answer, CallFailed

logger = logging.getLogger(__name__)
Value = TypeVar("Value")


@dataclass(frozen=True)
class Result:
    """What one call came to. `answer` is what there was of one."""

    outcome: Outcome
    reason: str = ""
    answer: Answer | None = None


def attempted(step: Callable[[], Value]) -> Value | Result:
    """What the step gives, or the result that it failed with: an error that went through would come back with every
    lease."""
    try:
        return step()
    except CallFailed as error:
        return Result(error.outcome, error.reason, error.answer)
    except vault.Unreadable:
        return Result(Outcome.SECRET, "A secret was sealed under a key that is no longer configured.")
    except DatabaseError:
        raise  # not the receiver's doing, and nothing could be recorded
    except Exception as error:
        logger.exception("a call failed in a way that nobody expected")
        return Result(Outcome.UNEXPECTED, f"The call failed in a way that nobody expected ({type(error).__name__}).")


def judge(answer: Answer) -> Result:
    """Only 2xx is a delivery."""
    if 200 <= answer.status < 300:
        return Result(Outcome.DELIVERED, "", answer)
    if answer.status == 410:
        return Result(Outcome.GONE, "The receiver says that it is gone for good (410).", answer)
    if 300 <= answer.status < 400:
        return Result(Outcome.REDIRECT, f"The receiver points elsewhere ({answer.status}); not followed.", answer)
    return Result(Outcome.STATUS, f"The receiver answered {answer.status}.", answer)

"""Every move in every status, made by the function that makes it in earnest."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db.models.functions import Now

from hypermedia.errors import NotFound
from jobs import recovery, services
from jobs.errors import LeaseLost, WrongState
from jobs.models import Task
from jobs.states import MOVES, OPERATION_STATUS, Move, TaskStatus, allowed_from
from tests.jobs.toys import Toys, everything

PENDING, PROCESSING, COMPLETED, ERRORED, CANCELLED = TaskStatus
LONG_AGO = Now() - timedelta(seconds=1)

# What the contract allows, written out; everything else is refused.
ALLOWED = {
    ("claim", PENDING): PROCESSING,
    ("complete", PROCESSING): COMPLETED,
    ("fail", PROCESSING): ERRORED,
    ("restart", ERRORED): PENDING,
    ("cancel", PENDING): CANCELLED,
    ("cancel", PROCESSING): CANCELLED,
    ("give back", PROCESSING): PENDING,
    ("try again", PROCESSING): PENDING,
    ("give up", PROCESSING): ERRORED,
    ("reap", PROCESSING): PENDING,
    ("reap for the last time", PROCESSING): ERRORED,
}
REFUSALS = (LeaseLost, WrongState)


def claim(toys: Toys, task: Task) -> Any:
    return services.claim(task_id=task.pk, owner="me", thread_code="me ( main )", celery_task_id="")


def complete(toys: Toys, task: Task) -> Any:
    services.complete(task=task)


def fail(toys: Toys, task: Task) -> Any:
    services.fail(task=task, code="X", text="It did not work.")


def restart(toys: Toys, task: Task) -> Any:
    return services.restart(task_id=task.pk, user_id=toys.user.pk)


def cancel(toys: Toys, task: Task) -> Any:
    return services.cancel(task_id=task.pk, user_id=toys.user.pk)


def give_back(toys: Toys, task: Task) -> Any:
    return recovery.give_back_all(owner="somebody")


def try_again(toys: Toys, task: Task) -> Any:
    return recovery.try_again_or_fail(task=task, text="It was cut off.")


def give_up(toys: Toys, task: Task) -> Any:
    Task.objects.filter(pk=task.pk).update(attempt_count=3)
    return recovery.try_again_or_fail(task=toys.task(task.pk), text="It was cut off.")


def reap(toys: Toys, task: Task) -> Any:
    Task.objects.filter(pk=task.pk).update(lease_expires_at=LONG_AGO)
    return recovery.reap()


def reap_at_last(toys: Toys, task: Task) -> Any:
    Task.objects.filter(pk=task.pk).update(lease_expires_at=LONG_AGO, attempt_count=3)
    return recovery.reap()


MAKE: dict[str, Callable[[Toys, Task], Any]] = {
    "claim": claim,
    "complete": complete,
    "fail": fail,
    "restart": restart,
    "cancel": cancel,
    "give back": give_back,
    "try again": try_again,
    "give up": give_up,
    "reap": reap,
    "reap for the last time": reap_at_last,
}


def state_of(task_id: int) -> dict[str, Any]:
    """All rows but what the preparation of a move sets by hand."""
    rows = everything()
    rows["jobs_task"] = list(Task.objects.filter(pk=task_id).values_list("status", "version", "epoch", "owner"))
    return rows


@pytest.mark.parametrize(("name", "status"), list(product(MAKE, TaskStatus)), ids=str)
def test_every_move_in_every_status(toys: Toys, name: str, status: TaskStatus) -> None:
    task = toys.in_status(status)
    before = state_of(task.pk)
    try:
        answer = MAKE[name](toys, task)
    except REFUSALS as refusal:
        answer = refusal
    expected = ALLOWED.get((name, status))
    if expected is None:
        assert not answer or isinstance(answer, REFUSALS), "a refusal says so"
        assert state_of(task.pk) == before, "and nothing changes"
    else:
        assert not isinstance(answer, Exception)
        after = toys.task(task.pk)
        assert after.status == expected
        assert after.version == task.version + 1
    toys.check(task.pk)


def test_the_table_is_complete() -> None:
    assert set(MOVES) == set(Move)
    assert set(OPERATION_STATUS) == set(TaskStatus)
    assert {(move, status) for move in Move for status in allowed_from(move)} == {
        (Move.CLAIM, PENDING),
        (Move.GIVE_BACK, PROCESSING),
        (Move.COMPLETE, PROCESSING),
        (Move.ERROR, PROCESSING),
        (Move.RESTART, ERRORED),
        (Move.CANCEL, PENDING),
        (Move.CANCEL, PROCESSING),
    }


@pytest.mark.parametrize(("move", "status"), list(product(Move, TaskStatus)), ids=str)
def test_the_update_itself_refuses(toys: Toys, move: Move, status: TaskStatus) -> None:
    task = toys.in_status(status)
    moved = Task.objects.filter(pk=task.pk).move(move)
    assert moved == (1 if status in allowed_from(move) else 0)
    assert toys.task(task.pk).status == (MOVES[move][1] if moved else status)


@pytest.mark.parametrize("name", ["complete", "fail", "try again"])
def test_an_older_epoch_changes_nothing(toys: Toys, name: str) -> None:
    task = toys.in_status(PROCESSING)
    Task.objects.filter(pk=task.pk).update(epoch=2)  # taken away and claimed again
    task.attempts.update(epoch=2)
    before = everything()
    with suppress(LeaseLost):
        assert not MAKE[name](toys, task)
    assert everything() == before


def test_a_lease_that_was_renewed_is_not_reaped(toys: Toys) -> None:
    task = toys.in_status(PROCESSING, lease_expires_at=Now() + timedelta(seconds=60))
    assert recovery.reap() == 0
    assert toys.task(task.pk).status == PROCESSING


def test_who_gives_back_spends_no_attempt(toys: Toys) -> None:
    task = toys.in_status(PROCESSING)
    assert recovery.give_back_all(owner="somebody else") == 0
    assert recovery.give_back_all(owner="somebody") == 1
    after = toys.task(task.pk)
    assert (after.attempt_count, after.epoch) == (0, 2)
    assert toys.messages(task.pk)[-1][:2] == ("Informative", "TSK-IN-003")


def test_three_attempts_and_then_a_message(toys: Toys) -> None:
    task = toys.start()
    for attempt in (1, 2, 3):
        claimed = claim(toys, task)
        assert claimed.attempt_count == attempt
        assert reap(toys, task) == 1
        toys.check(task.pk)
    assert claim(toys, task) is None
    assert [code for _, code, _ in toys.messages(task.pk)] == ["TSK-IN-004", "TSK-IN-004", "TSK-FA-002"]
    severity, _, text = toys.messages(task.pk)[-1]
    assert severity == "Fatal"
    assert "3 attempts" in text
    assert "restart can help" in text


def test_a_restart_begins_anew(toys: Toys) -> None:
    task = toys.in_status(ERRORED, rows_written=5, rows_expected=9, attempt_count=3)
    after = restart(toys, task)
    assert (after.status, after.attempt_count, after.restart_count) == (PENDING, 0, 1)
    assert (after.rows_written, after.rows_expected) == (0, None)
    assert claim(toys, task).attempt_count == 1


@pytest.mark.parametrize("name", ["restart", "cancel"])
def test_what_is_not_there_cannot_be_moved(toys: Toys, name: str) -> None:
    absent = toys.start()
    absent.pk = 10**9
    with pytest.raises(NotFound):
        MAKE[name](toys, absent)


def test_a_refusal_names_the_state(toys: Toys) -> None:
    task = toys.in_status(COMPLETED)
    with pytest.raises(WrongState, match=r"COMPLETED.*ERRORED"):
        restart(toys, task)


def test_a_task_that_cannot_be_ended_does_not_keep_the_others(toys: Toys) -> None:
    """For instance one of a type that this version of the service does not know."""
    first, second = (toys.in_status(PROCESSING, lease_expires_at=LONG_AGO, attempt_count=3) for _ in range(2))
    unknown = type(first.task_type).objects.create(code="Unknown", description="", table_id=first.task_type.table_id)
    Task.objects.filter(pk=first.pk).update(task_type=unknown)
    assert recovery.reap() == 1
    assert toys.task(first.pk).status == PROCESSING
    assert toys.task(second.pk).status == ERRORED


def test_a_task_of_an_unknown_type_is_left_to_a_newer_worker(toys: Toys) -> None:
    task = toys.start()
    unknown = type(task.task_type).objects.create(code="Unknown", description="", table_id=task.task_type.table_id)
    Task.objects.filter(pk=task.pk).update(task_type=unknown)
    assert claim(toys, task) is None
    assert toys.task(task.pk).status == PENDING

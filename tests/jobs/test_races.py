"""Several at once, on connections of their own: exactly one wins, and whoever lost changed nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db.models.functions import Now

from jobs import recovery, services
from jobs.errors import LeaseLost, WrongState
from jobs.leases import connection_info
from jobs.models import Message, Task
from jobs.running import Result, Run
from jobs.states import Move, TaskStatus
from tests.jobs.conftest import running_elsewhere, until
from tests.jobs.toys import Toys, at_once, everything

MANY = 8
Do = Callable[[], Any]


def claim(task: Task) -> Task | None:
    return services.claim(task_id=task.pk, owner="me", thread_code="me ( main )", celery_task_id="")


def test_one_claim_wins(real_toys: Toys) -> None:
    task = real_toys.start()
    answers = at_once(*[lambda: claim(task)] * MANY)
    assert [type(answer) for answer in answers if answer is not None] == [Task]
    after = real_toys.task(task.pk)
    assert (after.epoch, after.attempt_count, after.attempts.count()) == (1, 1, 1)
    real_toys.check(task.pk)


def test_one_restart_wins(real_toys: Toys) -> None:
    task = real_toys.in_status(TaskStatus.ERRORED)
    answers = at_once(*[lambda: services.restart(task_id=task.pk, user_id=real_toys.user.pk)] * MANY)
    assert sorted(type(answer).__name__ for answer in answers) == ["Task", *["WrongState"] * (MANY - 1)]
    after = real_toys.task(task.pk)
    assert (after.restart_count, after.version) == (1, task.version + 1)
    assert [code for _, code, _ in real_toys.messages(task.pk)] == ["TSK-IN-001"]
    real_toys.check(task.pk)


def test_one_reaper_wins(real_toys: Toys) -> None:
    expired = Now() - timedelta(seconds=1)
    tasks = [real_toys.in_status(TaskStatus.PROCESSING, lease_expires_at=expired) for _ in range(5)]
    answers = at_once(*[recovery.reap] * MANY)
    assert sum(answer for answer in answers if isinstance(answer, int)) == len(tasks)
    assert Message.objects.filter(code="TSK-IN-004").count() == len(tasks)
    for task in tasks:
        assert real_toys.task(task.pk).epoch == 2
        real_toys.check(task.pk)


def ends(toys: Toys, task: Task) -> dict[str, Do]:
    """All that can end, or take away, a task that is being worked on."""
    return {
        "complete": lambda: services.complete(task=task, record=toys.record),
        "fail": lambda: services.fail(task=task, code="X", text="It did not work."),
        "cancel": lambda: services.cancel(task_id=task.pk, user_id=toys.user.pk),
        "give back": lambda: recovery.give_back_all(owner="somebody"),
        "try again": lambda: recovery.try_again_or_fail(task=task, text="It was cut off."),
    }


@pytest.mark.parametrize("seed", range(5))
def test_one_end_wins(real_toys: Toys, seed: int) -> None:
    task = real_toys.in_status(TaskStatus.PROCESSING)
    calls = list(ends(real_toys, task).items())
    calls = calls[seed:] + calls[:seed]
    answers = dict(zip([name for name, _ in calls], at_once(*[do for _, do in calls]), strict=True))
    assert not [a for a in answers.values() if isinstance(a, Exception) and not isinstance(a, (LeaseLost, WrongState))]
    after = real_toys.task(task.pk)
    # What was only given back can still be cancelled; nothing else happens after the first.
    won = {name for name, answer in answers.items() if not isinstance(answer, Exception) and answer not in (0, False)}
    assert len(won - {"cancel"}) <= 1
    assert len(won) == after.version - task.version
    assert real_toys.recorded() == (after.status == TaskStatus.COMPLETED)
    real_toys.check(task.pk)


def test_who_waited_for_another_looks_again(real_toys: Toys) -> None:
    """It saw a task that was ours, then waited for the row: the condition stands in the UPDATE."""
    task = real_toys.in_status(TaskStatus.PROCESSING)
    with psycopg.connect(connection_info()) as other:
        other.execute("UPDATE jobs_task SET epoch = 2 WHERE id = %s", [task.pk])

        def commit_when_somebody_waits() -> None:
            until(lambda: _waits_for_a_lock(other))
            other.commit()

        text = "It was cut off."
        answers = at_once(
            lambda: recovery.try_again_or_fail(task=task, text=text),
            lambda: services.complete(task=task),
            commit_when_somebody_waits,
        )
    assert answers[0] is False
    assert isinstance(answers[1], LeaseLost)
    assert real_toys.task(task.pk).status == TaskStatus.PROCESSING


def test_a_lease_that_was_renewed_meanwhile_is_not_taken(toys: Toys) -> None:
    """The sweep saw it expired; the renewal came before its UPDATE."""
    seen = toys.in_status(TaskStatus.PROCESSING, lease_expires_at=Now() - timedelta(seconds=1))
    Task.objects.filter(pk=seen.pk).update(lease_expires_at=Now() + timedelta(seconds=30))
    assert recovery._reap(seen) is False
    assert toys.task(seen.pk).status == TaskStatus.PROCESSING


def test_the_sweep_waits_for_nobody(real_toys: Toys) -> None:
    """A worker that stands still in the middle of its end keeps its row; the others get their sweep."""
    expired = Now() - timedelta(seconds=1)
    frozen, other = (real_toys.in_status(TaskStatus.PROCESSING, lease_expires_at=expired) for _ in range(2))
    waiting = real_toys.in_status(TaskStatus.PENDING, ring_again_at=expired)
    with psycopg.connect(connection_info()) as blocker:
        blocker.execute("SELECT 1 FROM jobs_task WHERE id = ANY(%s) FOR UPDATE", [[frozen.pk, waiting.pk]])
        assert recovery.reap() == 1
        recovery.rung([waiting.pk])
    assert real_toys.task(other.pk).status == TaskStatus.PENDING
    assert real_toys.task(frozen.pk).status == TaskStatus.PROCESSING
    assert recovery.reap() == 1


def test_no_session_holds_its_locks_for_ever() -> None:
    with psycopg.connect(connection_info()) as one:
        row = one.execute("SHOW idle_in_transaction_session_timeout").fetchone()
    assert row == ("1min",)


def _waits_for_a_lock(connection: psycopg.Connection[Any]) -> bool:
    here = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return connection.execute(here).fetchone() is not None


def test_a_move_with_a_join_is_refused(toys: Toys) -> None:
    """Django would look at the status in a sub-select, which is not looked at again: two would win."""
    toys.start()
    with pytest.raises(AssertionError, match="own row"):
        Task.objects.filter(task_type__code="Toy").move(Move.CLAIM)


def test_cancelled_while_it_runs(real_toys: Toys, short_lease: None) -> None:
    """Final at once for the client; the worker's end is refused, and its work is taken back."""
    task = real_toys.start()
    taken_back: list[bool] = []

    def body(_: Run) -> Result:
        services.cancel(task_id=task.pk, user_id=real_toys.user.pk)
        return Result(record=real_toys.record, discard=lambda: taken_back.append(True))

    real_toys.body = body
    with running_elsewhere(task.pk) as worker:
        pass
    assert worker.outcome == "lost"
    assert taken_back == [True]
    assert real_toys.task(task.pk).status == TaskStatus.CANCELLED
    assert not real_toys.recorded()
    real_toys.check(task.pk)


def test_who_changes_nothing_leaves_no_trace(real_toys: Toys) -> None:
    task = real_toys.in_status(TaskStatus.COMPLETED)
    before = everything()
    at_once(*ends(real_toys, task).values(), lambda: claim(task), recovery.reap)
    assert everything() == before

"""One attempt, from claim to end, with everything that can happen to it in between."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection

from jobs import recovery, services
from jobs.errors import OperationFailed, UnexpectedError
from jobs.leases import connection_info
from jobs.models import Task
from jobs.running import Result, Run, run_task
from jobs.states import TaskStatus
from tests.jobs import proxy
from tests.jobs.toys import Toys


@pytest.fixture
def between() -> Iterator[proxy.Proxy]:
    with tempfile.TemporaryDirectory(prefix="tp-", dir="/tmp") as folder, proxy.in_between(Path(folder)) as one:
        yield one


def test_it_completes(real_toys: Toys) -> None:
    task = real_toys.start()
    assert run_task(task_id=task.pk) == "completed"
    after = real_toys.task(task.pk)
    assert (after.status, after.attempt_count, after.epoch) == (TaskStatus.COMPLETED, 1, 1)
    assert after.attempts.get().outcome == "completed"
    assert real_toys.messages(task.pk) == []
    real_toys.check(task.pk)


def test_a_second_message_finds_nothing_to_do(real_toys: Toys) -> None:
    task = real_toys.start()
    run_task(task_id=task.pk)
    assert run_task(task_id=task.pk) is None
    assert run_task(task_id=10**9) is None
    assert real_toys.task(task.pk).attempts.count() == 1


def test_an_expected_failure_says_what_and_whether_a_restart_helps(real_toys: Toys) -> None:
    def body(_: Run) -> Result:
        raise OperationFailed("TOY-1", "The toy broke.", "A restart helps.")

    real_toys.body = body
    task = real_toys.start()
    assert run_task(task_id=task.pk) == "failed"
    assert real_toys.messages(task.pk) == [("Fatal", "TOY-1", "The toy broke. A restart helps.")]
    assert real_toys.task(task.pk).attempts.get().stack_trace == ""
    real_toys.check(task.pk)


def test_an_unexpected_failure_shows_its_stack_trace_to_operators_only(real_toys: Toys) -> None:
    def body(_: Run) -> Result:
        raise ValueError("the secret of the toy")

    real_toys.body = body
    task = real_toys.start()
    with pytest.raises(UnexpectedError, match="ValueError: the secret") as raised:
        run_task(task_id=task.pk)
    assert isinstance(raised.value.__cause__, ValueError)
    ((severity, code, text),) = real_toys.messages(task.pk)
    assert (severity, code) == ("Fatal", "TSK-FA-001")
    assert "ValueError" in text
    assert "restart can help" in text
    assert "secret" not in text
    assert "secret of the toy" in real_toys.task(task.pk).attempts.get().stack_trace
    real_toys.check(task.pk)


def test_too_long(real_toys: Toys) -> None:
    def body(_: Run) -> Result:
        raise SoftTimeLimitExceeded

    real_toys.body = body
    task = real_toys.start()
    assert run_task(task_id=task.pk) == "failed"
    ((_, code, text),) = real_toys.messages(task.pk)
    assert code == "TSK-FA-003"
    assert "restart will not help" in text
    real_toys.check(task.pk)


def end_session(process_id: int) -> None:
    with psycopg.connect(connection_info(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [process_id])


def test_a_connection_that_was_cut_off_is_tried_again(real_toys: Toys) -> None:
    def body(run: Run) -> Result:
        with run.connect() as mine:
            end_session(mine.info.backend_pid)
            mine.execute("SELECT 1")
        return Result()

    real_toys.body = body
    task = real_toys.start()
    assert run_task(task_id=task.pk) == "lost"
    after = real_toys.task(task.pk)
    assert (after.status, after.attempt_count) == (TaskStatus.PENDING, 1)
    ((_, code, text),) = real_toys.messages(task.pk)
    assert code == "TSK-IN-004"
    assert text.startswith("The database connection was lost in attempt 1.")
    real_toys.check(task.pk)


def test_what_else_the_database_could_not_do_is_named(real_toys: Toys) -> None:
    def body(run: Run) -> Result:
        with run.connect() as mine:
            mine.execute("SET statement_timeout = 10")
            mine.execute("SELECT pg_sleep(5)")
        return Result()

    real_toys.body = body
    task = real_toys.start()
    assert [run_task(task_id=task.pk) for _ in range(3)] == ["lost"] * 3
    code, text = real_toys.messages(task.pk)[-1][1:]
    assert code == "TSK-FA-002"
    assert text.startswith("The database stopped the statement in attempt 3. 3 attempts ended this way.")
    real_toys.check(task.pk)


def test_our_own_session_may_end_while_the_work_goes_on(real_toys: Toys) -> None:
    """It lies idle for hours: a restart of the database or a firewall cuts it off, and nothing is lost by that."""

    def body(_: Run) -> Result:
        connection.ensure_connection()
        end_session(connection.connection.info.backend_pid)
        return Result(record=real_toys.record)

    real_toys.body = body
    task = real_toys.start()
    assert run_task(task_id=task.pk) == "completed"
    assert real_toys.recorded()
    real_toys.check(task.pk)


def test_our_own_session_may_end_before_a_failure(real_toys: Toys) -> None:
    def body(_: Run) -> Result:
        connection.ensure_connection()
        end_session(connection.connection.info.backend_pid)
        raise OperationFailed("TOY-1", "The toy broke.", "A restart helps.")

    real_toys.body = body
    task = real_toys.start()
    assert run_task(task_id=task.pk) == "failed"
    assert real_toys.task(task.pk).status == TaskStatus.ERRORED
    real_toys.check(task.pk)


def test_an_error_while_the_result_is_stored_fails_the_operation(real_toys: Toys) -> None:
    def record() -> dict[str, int]:
        real_toys.store()
        raise LookupError("no such thing")

    real_toys.body = lambda _: Result(record=record)
    task = real_toys.start()
    with pytest.raises(UnexpectedError, match="LookupError"):
        run_task(task_id=task.pk)
    assert real_toys.task(task.pk).status == TaskStatus.ERRORED
    assert not real_toys.recorded(), "nothing of the result is kept"
    real_toys.check(task.pk)


def test_what_cannot_be_taken_back_is_left_to_the_janitor(real_toys: Toys) -> None:
    task = real_toys.start()

    def body(_: Run) -> Result:
        services.cancel(task_id=task.pk, user_id=real_toys.user.pk)
        return Result(discard=lambda: 1 // 0)

    real_toys.body = body
    assert run_task(task_id=task.pk) == "lost"
    assert real_toys.task(task.pk).status == TaskStatus.CANCELLED
    real_toys.check(task.pk)


def test_a_commit_whose_answer_was_lost_is_done(real_toys: Toys, between: proxy.Proxy) -> None:
    def record() -> dict[str, int]:
        between.lose = "answer"
        return real_toys.record()

    real_toys.body = lambda _: Result(record=record)
    task = real_toys.start()
    run_task(task_id=task.pk)
    assert real_toys.task(task.pk).status == TaskStatus.COMPLETED
    assert real_toys.recorded()
    assert real_toys.messages(task.pk) == []
    real_toys.check(task.pk)


def test_a_commit_that_was_lost_is_tried_again(real_toys: Toys, between: proxy.Proxy) -> None:
    def record() -> dict[str, int]:
        between.lose = "commit"
        return real_toys.record()

    real_toys.body = lambda _: Result(record=record)
    task = real_toys.start()
    assert run_task(task_id=task.pk) == "lost"
    assert real_toys.task(task.pk).status == TaskStatus.PENDING
    assert not real_toys.recorded()
    real_toys.check(task.pk)


@pytest.mark.parametrize(("lost", "status"), [("answer", TaskStatus.PROCESSING), ("commit", TaskStatus.PENDING)])
def test_a_claim_without_an_answer_is_no_claim(
    real_toys: Toys, between: proxy.Proxy, lost: str, status: TaskStatus
) -> None:
    """The reaper, or the sweep, brings the task back."""
    task = real_toys.start()
    between.lose = lost
    # A claim is one statement, which commits itself: what comes in between knows it by this parameter.
    assert run_task(task_id=task.pk, celery_task_id="COMMIT") is None
    assert real_toys.task(task.pk).status == status
    Task.objects.filter(status=TaskStatus.PROCESSING).update(lease_expires_at="2020-01-01T00:00:00Z")
    recovery.reap()
    assert run_task(task_id=task.pk) == "completed"
    real_toys.check(task.pk)


def test_progress_is_kept_and_never_falls(real_toys: Toys, settings: Any) -> None:
    settings.LEASE_RENEWAL_SECONDS = 0.02
    from tests.jobs.conftest import until

    def reported(task: Task, number: int) -> Callable[[], bool]:
        return lambda: real_toys.task(task.pk).rows_written == number

    def body(run: Run) -> Result:
        run.progress(7, 10)
        until(reported(run.task, 7))
        return Result()

    real_toys.body = body
    task = real_toys.start()
    Task.objects.filter(pk=task.pk).update(rows_written=0)
    run_task(task_id=task.pk)
    after = real_toys.task(task.pk)
    assert (after.rows_written, after.rows_expected) == (7, 10)


def test_a_message_on_the_way(real_toys: Toys) -> None:
    def body(run: Run) -> Result:
        run.say("TOY-2", "Half of it is done.")
        services.cancel(task_id=run.task.pk, user_id=real_toys.user.pk)
        run.say("TOY-3", "Nobody wants to hear this any more.")
        return Result()

    real_toys.body = body
    task = real_toys.start()
    assert run_task(task_id=task.pk) == "lost"
    assert [code for _, code, _ in real_toys.messages(task.pk)] == ["TOY-2", "TSK-IN-002"]

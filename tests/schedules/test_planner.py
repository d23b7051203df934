"""What is due starts once: on time, late, twice at once, after an outage, or not at all and with a reason."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import connections

from consumption.allowances import allow
from consumption.exporting.series import OPEN_END
from consumption.models import ExportSeries, ReadConsumptionBatch
from consumption.schedules import runs, services
from consumption.schedules.models import ExportSchedule, ScheduledRun
from consumption.schedules.planner import MOST_RUNS, plan
from consumption.schedules.tasks import forget
from consumption.schedules.tasks import plan as knock
from consumption.schedules.windows import BEGINNING, WindowRule
from hypermedia.errors import Conflict, RuleBroken
from jobs.models import Task
from jobs.notifications.models import Alarm
from tests.factories import ConsumptionFactory, LimitFactory, UserFactory
from tests.schedules.conftest import MakeSchedule

pytestmark = pytest.mark.django_db(transaction=True)

Missed = ExportSchedule.Missed
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
NIGHT = datetime(2030, 1, 15, 1, 30, tzinfo=UTC)  # half past two in Amsterdam, in winter


def due_since(schedule: ExportSchedule, moment: datetime) -> None:
    """As if nobody had planned since then."""
    ExportSchedule.objects.filter(pk=schedule.pk).update(next_run_at=moment)


def outcomes() -> list[tuple[datetime, str]]:
    return list(ScheduledRun.objects.order_by("planned_at").values_list("planned_at", "outcome"))


def test_a_due_run_becomes_an_export(schedule_of: MakeSchedule, owner: User) -> None:
    LimitFactory.create(code="VERT")
    schedule = schedule_of(limit_codes=["VERT"], compression="none")
    due_since(schedule, NIGHT)
    assert plan(NIGHT - SECOND) == 0
    assert plan(NIGHT + SECOND) == 1
    export = ReadConsumptionBatch.objects.get()
    assert export.created_by_id == owner.pk
    assert (export.transaction_start, export.transaction_end) == (
        datetime(2030, 1, 13, 23, 0, tzinfo=UTC),
        datetime(2030, 1, 14, 22, 59, 59, 999000, tzinfo=UTC),
    )
    assert (export.limit_codes, export.format, export.compression) == (["VERT"], None, "none")
    run = ScheduledRun.objects.get()
    assert (run.planned_at, run.outcome, run.export_id) == (NIGHT, "started", export.pk)
    schedule.refresh_from_db()
    assert schedule.next_run_at == NIGHT + DAY
    assert plan(NIGHT + 2 * SECOND) == 0, "a second beat finds nothing"


def test_a_time_that_was_planned_is_never_planned_again(schedule_of: MakeSchedule) -> None:
    schedule = schedule_of()
    due_since(schedule, NIGHT)
    plan(NIGHT)
    due_since(schedule, NIGHT)  # as a planner would leave it that knows nothing of the first
    assert plan(NIGHT) == 0
    assert ReadConsumptionBatch.objects.count() == Task.objects.count() == 1


def test_planners_at_once(schedule_of: MakeSchedule) -> None:
    due_since(schedule_of(), NIGHT)
    together = threading.Barrier(8)

    def planner() -> None:
        together.wait()
        try:
            plan(NIGHT)
        finally:
            connections.close_all()

    planners = [threading.Thread(target=planner) for _ in range(8)]
    for one in planners:
        one.start()
    for one in planners:
        one.join()
    assert outcomes() == [(NIGHT, "started")]
    assert ReadConsumptionBatch.objects.count() == 1


@pytest.mark.parametrize(
    ("missed", "late", "expected"),
    [
        (Missed.ONE, timedelta(minutes=1), [(NIGHT + 3 * DAY, "started")]),
        (Missed.ONE, timedelta(hours=5), [(NIGHT + 3 * DAY, "started")]),
        (Missed.SKIP, timedelta(minutes=1), [(NIGHT + 3 * DAY, "started")]),
        (Missed.SKIP, timedelta(hours=5), []),
        (Missed.ALL, timedelta(hours=5), [(NIGHT + n * DAY, "started") for n in range(4)]),
    ],
)
def test_after_an_outage(
    schedule_of: MakeSchedule, missed: str, late: timedelta, expected: list[tuple[datetime, str]]
) -> None:
    due_since(schedule_of(missed=missed), NIGHT)
    plan(NIGHT + 3 * DAY + late)
    assert [row for row in outcomes() if row[1] == "started"] == expected
    skipped = ScheduledRun.objects.filter(outcome="skipped")
    assert skipped.exists() == (len(expected) < 4)
    for run in skipped:
        number = 4 - len(expected)
        assert run.reason.startswith(f"{number} runs since 2030-01-15 01:30 UTC.")
        assert run.planned_at == NIGHT + (number - 1) * DAY


def test_catching_up_has_a_bound(schedule_of: MakeSchedule) -> None:
    due_since(schedule_of(missed=Missed.ALL), NIGHT)
    assert plan(NIGHT + 400 * DAY) == MOST_RUNS == ReadConsumptionBatch.objects.count()
    run = ScheduledRun.objects.get(outcome="skipped")
    assert run.reason.startswith(f"{401 - MOST_RUNS} runs since 2030-01-15 01:30 UTC.")


def lose_role(owner: User) -> None:
    owner.groups.remove(Group.objects.get(name="client"))


def become_inactive(owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)


@pytest.mark.parametrize("lose", [lose_role, become_inactive])
def test_an_owner_without_the_right(schedule_of: MakeSchedule, owner: User, lose: Callable[[User], None]) -> None:
    due_since(schedule_of(), NIGHT)
    lose(owner)
    assert plan(NIGHT) == 0
    assert not ReadConsumptionBatch.objects.exists()
    run = ScheduledRun.objects.get()
    assert run.outcome == "refused"
    assert f"owner {owner.username} may not start exports" in run.reason
    alarm = Alarm.objects.get()
    assert alarm.kind == "ScheduleRefused"
    assert "Schedule Nightly did not start its export of 2030-01-15 01:30 UTC." in alarm.text
    assert run.reason in alarm.text
    assert alarm.subject == f"/admin/schedules/exportschedule/{run.schedule_id}/change/"
    owner.groups.add(Group.objects.get(name="client"))
    User.objects.update(is_active=True)
    assert plan(NIGHT + DAY) == 1, "the next run goes on by itself"


def test_a_limit_that_is_gone(schedule_of: MakeSchedule) -> None:
    limit = LimitFactory.create(code="VERT")
    due_since(schedule_of(limit_codes=["VERT"]), NIGHT)
    limit.delete()
    assert plan(NIGHT) == 0
    assert ScheduledRun.objects.get().reason.startswith("Limit code VERT is unknown.")


def test_a_limit_that_the_owner_may_not_export_any_more(schedule_of: MakeSchedule, owner: User) -> None:
    LimitFactory.create(code="VERT")
    due_since(schedule_of(limit_codes=["VERT"]), NIGHT)
    allow(user_id=owner.pk, limits=[LimitFactory.create(code="DENT")])
    assert plan(NIGHT) == 0
    reason = ScheduledRun.objects.get(outcome="refused").reason
    assert reason == f"Limit code VERT is unknown. (Asked for on behalf of {owner.username}.)"
    assert Alarm.objects.get().kind == "ScheduleRefused"


def test_one_that_cannot_be_planned_does_not_hold_up_the_others(
    schedule_of: MakeSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("broken", "sound"):
        due_since(schedule_of(name=name), NIGHT)
    start = runs.start

    def fail(schedule: ExportSchedule, *arguments: object) -> object:
        if schedule.name == "broken":
            raise ZeroDivisionError
        return start(schedule, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "start", fail)
    assert plan(NIGHT) == 1
    assert ScheduledRun.objects.get().schedule.name == "sound"
    monkeypatch.undo()
    assert plan(NIGHT + SECOND) == 1, "it stayed due"


def test_everything_new(schedule_of: MakeSchedule, work: Callable[[], None]) -> None:
    """The first run brings everything since the beginning, each later one what is new; none while one is at work."""
    schedule = schedule_of(window_rule=WindowRule.SINCE_LAST_SUCCESS)
    due_since(schedule, NIGHT)
    ConsumptionFactory.create()
    plan(NIGHT)
    plan(NIGHT + DAY)
    work()
    ConsumptionFactory.create()
    plan(NIGHT + 2 * DAY)
    work()
    plan(NIGHT + 3 * DAY)
    work()
    assert [outcome for _, outcome in outcomes()] == ["started", "skipped", "started", "started"]
    assert "still at work" in ScheduledRun.objects.get(outcome="skipped").reason
    exports = list(ReadConsumptionBatch.objects.order_by("pk"))
    assert {(export.transaction_start, export.transaction_end) for export in exports} == {(BEGINNING, OPEN_END)}
    assert [export.task.rows_written for export in exports] == [2, 2, 0], "a counter and an entry, twice, and nothing"


def test_a_lost_series_is_refused_until_it_begins_anew(
    schedule_of: MakeSchedule, owner: User, work: Callable[[], None]
) -> None:
    schedule = schedule_of(window_rule=WindowRule.SINCE_LAST_SUCCESS)
    due_since(schedule, NIGHT)
    plan(NIGHT)
    work()
    ExportSeries.objects.update(snapshot=None)  # what `adopt_ledger` does
    assert plan(NIGHT + DAY) == 0
    assert "let the series begin anew" in ScheduledRun.objects.get(outcome="refused").reason
    services.begin_anew(schedule_id=schedule.pk, user_id=owner.pk)
    assert plan(NIGHT + 2 * DAY) == 1


def test_paused(schedule_of: MakeSchedule, owner: User) -> None:
    schedule = schedule_of()
    services.pause(schedule_id=schedule.pk, user_id=owner.pk)
    due_since(schedule, NIGHT)
    assert plan(NIGHT) == 0
    with pytest.raises(Conflict):
        services.pause(schedule_id=schedule.pk, user_id=owner.pk)
    resumed = services.resume(schedule_id=schedule.pk, user_id=owner.pk)
    assert resumed.next_run_at is not None
    assert datetime.now(UTC) < resumed.next_run_at < datetime.now(UTC) + timedelta(hours=26)  # where clocks change
    assert resumed.version == 3


def test_now_and_by_hand(schedule_of: MakeSchedule) -> None:
    schedule, operator = schedule_of(), UserFactory.create()
    services.pause(schedule_id=schedule.pk, user_id=operator.pk)
    run = services.run_now(schedule_id=schedule.pk, user_id=operator.pk)
    assert (run.outcome, run.requested_by_id) == ("started", operator.pk)
    assert run.export is not None
    assert run.export.created_by_id == schedule.owner_id
    assert datetime.now(UTC) - run.planned_at < 60 * SECOND


def test_a_change_keeps_the_due_run_unless_the_times_change(schedule_of: MakeSchedule, owner: User) -> None:
    schedule = schedule_of()
    due_since(schedule, NIGHT)
    schedule.name = "Renamed"
    assert services.store(schedule=schedule, user_id=owner.pk).next_run_at == NIGHT
    schedule.cron = "0 5 * * *"
    changed = services.store(schedule=schedule, user_id=owner.pk)
    assert changed.next_run_at != NIGHT
    assert (changed.name, changed.cron, changed.version) == ("Renamed", "0 5 * * *", 3)


def test_every_broken_rule_is_told(schedule_of: MakeSchedule) -> None:
    nobody = UserFactory.create()
    with pytest.raises(RuleBroken) as refused:
        schedule_of(cron="now", time_zone="here", limit_codes=["NONE"], owner=nobody, begin=NIGHT, missed=Missed.ALL)
    assert [message.pointer for message in refused.value.messages] == [
        "/timeZone", "/cron", "/limitCodes/0", "/owner", "/begin",
    ]  # fmt: skip
    with pytest.raises(RuleBroken, match="choose to run the latest"):
        schedule_of(window_rule=WindowRule.SINCE_LAST_SUCCESS, missed=Missed.ALL)
    assert not ExportSchedule.objects.exists()


def test_the_knock_and_forgetting(schedule_of: MakeSchedule) -> None:
    due_since(schedule_of(), datetime.now(UTC) - SECOND)
    assert knock() == 1
    assert forget() == 0
    ScheduledRun.objects.update(created_at=datetime.now(UTC) - 401 * DAY)
    assert forget() == 1
    assert ReadConsumptionBatch.objects.exists()

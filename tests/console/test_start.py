"""The start page: what needs an operator, and for whom."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from config.console import charts, needs
from config.console.needs import Disk
from consumption.schedules.models import ExportSchedule, ScheduledRun
from consumption.schedules.services import store
from hypermedia.readers import Role
from hypermedia.showing import Tone
from jobs import figures, processing, services
from jobs.callbacks.models import IntegrationJob
from jobs.models import Task, WorkerHeartbeat
from jobs.notifications import services as notifications
from jobs.notifications.models import Delivery, NotificationEndpoint
from tests.api.world import claimed, completed, failed, make_delivery, start
from tests.console.conftest import Person
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def a_worker(db: None) -> None:
    WorkerHeartbeat.objects.create(name="w", queues=["operations"], at=timezone.now())


def whats(person: Person) -> list[str]:
    return [need.what for need in person.client.get("/admin/").context["needs"]]


def test_nothing_needs_anybody(operator: Person) -> None:
    assert "Nothing needs you." in operator.see("/admin/")


def test_everything_that_needs_an_operator(operator: Person) -> None:
    failed(operator.user)
    IntegrationJob.objects.create(integration=operator.user, flagged=True)
    make_delivery(operator.user)
    Delivery.objects.update(status="FAILED")
    NotificationEndpoint.objects.update(active=False, disabled_reason="It is gone.")
    start(operator.user)
    Task.objects.filter(status="PENDING").update(last_updated_date=timezone.now() - timedelta(minutes=5))
    processing.switch(stopped=True, user_id=operator.user.pk)
    assert set(whats(operator)) == {
        "The queue is stopped", "Failed exports", "Flagged jobs", "Disabled endpoints", "Deliveries given up",
    }  # fmt: skip


def test_each_number_leads_to_the_rows_that_it_counts(operator: Person) -> None:
    """Beside each of these stands a row that is much like it, and needs nobody."""
    failed(operator.user)
    services.acknowledge(task_id=failed(operator.user).task_id, user_id=operator.user.pk)
    lost, held = claimed(start(operator.user)), claimed(start(operator.user))
    Task.objects.filter(pk=lost.pk).update(lease_expires_at=long_ago())
    Task.objects.filter(pk=held.pk).update(lease_expires_at=timezone.now() + timedelta(hours=1))
    for flagged in (True, False):
        IntegrationJob.objects.create(integration=operator.user, flagged=flagged)
    changes: list[dict[str, Any]] = [
        {"active": False, "disabled_reason": "gone"}, {"active": False}, {"failing_since": long_ago()}, {},
    ]  # fmt: skip
    for number, change in enumerate(changes):
        delivery = make_delivery(operator.user, name=f"endpoint {number}")
        NotificationEndpoint.objects.filter(pk=delivery.endpoint_id).update(**change)
        status, due_at = ("FAILED", timezone.now()) if number == 3 else ("PENDING", long_ago())
        Delivery.objects.filter(pk=delivery.pk).update(status=status, due_at=due_at)
    for name, late in (("late", True), ("in time", False)):
        schedule = a_schedule(operator, name)
        ScheduledRun.objects.create(schedule=schedule, planned_at=long_ago(), outcome="refused" if late else "started")
        if late:
            ExportSchedule.objects.filter(pk=schedule.pk).update(next_run_at=long_ago())
    shown = operator.client.get("/admin/").context["needs"]
    assert {need.what for need in shown} == {
        "Failed exports", "Tasks lost their worker", "Flagged jobs", "Disabled endpoints", "Failing endpoints",
        "Deliveries given up", "Deliveries wait", "Schedules are late", "Refused scheduled exports",
    }  # fmt: skip
    for need in shown:
        rows = operator.client.get(need.address).context["cl"].result_list
        assert (need.what, need.count) == (need.what, len(rows))
        assert need.count == 1, need.what


def a_schedule(operator: Person, name: str = "every night") -> ExportSchedule:
    schedule = ExportSchedule(name=name, owner=operator.user, window_rule="DAY", cron="0 3 * * *", time_zone="UTC")
    return store(schedule=schedule, user_id=operator.user.pk)


def long_ago() -> datetime:
    return timezone.now() - timedelta(minutes=10)


def test_what_cannot_be_mended_is_let_be_until_it_fails_again(operator: Person) -> None:
    batch = failed(operator.user)
    make_delivery(operator.user)
    NotificationEndpoint.objects.update(active=False, disabled_reason="It is gone.")
    Delivery.objects.update(status="FAILED")
    run = ScheduledRun.objects.create(schedule=a_schedule(operator), planned_at=long_ago(), outcome="refused")
    assert set(whats(operator)) == {
        "Failed exports", "Disabled endpoints", "Deliveries given up", "Refused scheduled exports",
    }  # fmt: skip
    operator.act("notifications/delivery", "acknowledge", Delivery.objects.get().pk, reason="told by telephone")
    operator.act("schedules/scheduledrun", "acknowledge", run.pk, reason="the owner left")
    operator.act("consumption/readconsumptionbatch", "acknowledge", batch.pk, reason="the client knows")
    endpoint = NotificationEndpoint.objects.get()
    operator.act("notifications/notificationendpoint", "leave-off", endpoint.pk, reason="the receiver was sold")
    assert whats(operator) == []
    page = operator.see(f"/admin/consumption/readconsumptionbatch/{batch.pk}/change/")
    assert "let be</span>" in page
    assert "the client knows" in page
    endpoint.refresh_from_db()
    assert not endpoint.active
    notifications.redeliver(delivery_id=Delivery.objects.get().pk)
    Delivery.objects.update(status="FAILED")
    assert whats(operator) == ["Deliveries given up"], "sent again, and given up once more"
    operator.act("notifications/delivery", "acknowledge", Delivery.objects.get().pk, reason="told by telephone")
    services.restart(task_id=batch.task_id, user_id=operator.user.pk)
    services.fail(task=claimed(batch), code="X", text="Broken once more.")
    assert whats(operator) == ["Failed exports"]


def test_waiting_tasks_without_a_worker_are_noticed(operator: Person) -> None:
    batch = start(operator.user)
    assert not figures.queue().has_no_worker  # it has only just been asked for
    Task.objects.update(last_updated_date=timezone.now() - timedelta(minutes=5))
    assert whats(operator) == ["No worker takes tasks"]
    claimed(batch)
    assert whats(operator) == []


def test_a_service_without_any_worker_says_so_before_anything_waits(operator: Person) -> None:
    WorkerHeartbeat.objects.update(at=timezone.now() - timedelta(minutes=5))
    assert whats(operator) == ["No worker takes tasks"]


def test_a_worker_that_was_lost_is_noticed(operator: Person) -> None:
    claimed(start(operator.user))
    Task.objects.update(lease_expires_at=timezone.now() - timedelta(minutes=5))
    assert whats(operator) == ["Tasks lost their worker"]


def test_late_deliveries_and_failing_endpoints(operator: Person) -> None:
    make_delivery(operator.user)
    Delivery.objects.update(due_at=timezone.now() - timedelta(minutes=5))
    NotificationEndpoint.objects.update(failing_since=timezone.now())
    assert whats(operator) == ["Deliveries wait", "Failing endpoints"]


@pytest.mark.parametrize(("free", "tone"), [(50, None), (10, Tone.WAITING), (2, Tone.BAD)])
def test_a_disk_that_fills(operator: Person, free: int, tone: Tone | None) -> None:
    found = needs.all_needs(figures.queue(), Disk(100, free))
    assert [need.tone for need in found] == ([] if tone is None else [tone])


def test_whoever_may_not_look_at_something_is_not_told_of_it(person: object, auditor: Person) -> None:
    failed(auditor.user)
    stranger = Person(UserFactory.create(is_staff=True))
    assert whats(auditor) == ["Failed exports"]
    assert whats(stranger) == []
    assert stranger.client.get("/admin/").context["figures"] == []


def test_the_last_day_is_counted_by_the_hour(operator: Person) -> None:
    completed(operator.user)
    failed(operator.user)
    old = completed(operator.user)
    Task.objects.filter(pk=old.task_id).update(last_updated_date=timezone.now() - timedelta(days=2))
    hours = figures.last_day()
    assert len(hours) == figures.HOURS
    assert (sum(hour.completed for hour in hours), sum(hour.failed for hour in hours)) == (1, 1)
    assert (hours[-1].completed, hours[-1].median is not None) == (1, True) or hours[-2].completed == 1
    assert "1 operations completed and 1 failed" in operator.see("/admin/")


@pytest.mark.parametrize(("largest", "top"), [(0.3, 1), (1, 1), (1.1, 2), (3, 5), (7, 10), (101, 200), (4321, 5000)])
def test_scales_are_round(largest: float, top: float) -> None:
    assert charts.scale(largest) == top


@pytest.mark.parametrize(("seconds", "top"), [(0.2, 1), (3, 4), (45, 60), (130, 240), (5000, 7200), (40_000, 72_000)])
def test_scales_of_time_are_what_people_count_in(seconds: float, top: float) -> None:
    assert charts.time_scale(seconds) == top


def test_the_queue_is_stopped_and_started_with_a_reason(operator: Person, auditor: Person) -> None:
    operator.client.post("/admin/queue/", {"stop": "1"})
    assert not processing.current().stopped
    operator.client.post("/admin/queue/", {"stop": "1", "reason": "maintenance"})
    assert processing.current().stopped
    assert "Stop the queue" not in auditor.see("/admin/queue/")
    assert auditor.client.post("/admin/queue/", {"start": "1", "reason": "x"}).status_code == 403
    operator.client.post("/admin/queue/", {"start": "1", "reason": "done"})
    assert not processing.current().stopped


def test_a_client_does_not_get_in() -> None:
    person = Person(UserFactory.create(roles=[Role.CLIENT]))
    assert person.client.get("/admin/").status_code == 302
    assert person.client.get("/admin/queue/").status_code == 302

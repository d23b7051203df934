"""A night in the life of the service, as rows: what went well all day, and everything that can need an operator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone

from consumption.allowances import allow
from consumption.models import Limit, ReadConsumptionBatch, WriteConsumptionBatch
from consumption.sample import LIMITS
from consumption.schedules import services as schedules
from consumption.schedules.models import ExportSchedule, ScheduledRun
from consumption.services import start_export
from consumption.writing import operation as imports
from datafiles import storage
from datafiles.models import DataFileSet
from datafiles.services import Content, store_set
from hypermedia.readers import Role
from jobs import services
from jobs.callbacks.models import AccessToken, IntegrationJob, StatusReport
from jobs.models import InterfacedMessage, Message, Operation, Task, TaskAttempt, WorkerHeartbeat
from jobs.notifications.models import Attempt, Delivery, NotificationEndpoint, NotificationEvent
from jobs.notifications.services import create_endpoint
from tests.factories import ConsumptionFactory, LimitFactory, TransactionSourceFactory, UserFactory

YEAR = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC))
DISK_FULL = "The disk of the file storage is full. Free some space; a restart can help then."
UNREADABLE = (
    "File claims-2026-11.ndjson.gz cannot be read to its end: the compressed data is broken. A restart will not help; "
    "rows that were written stay, so mend the file and start another batch."
)
REFUSED = "Its owner finance may not start exports: inactive, or neither client nor operator."
TRACE = """Traceback (most recent call last):
  File "consumption/exporting/operation.py", line 52, in store
    staged.write(block)
OSError: [Errno 28] No space left on device
"""


@dataclass(frozen=True)
class Scene:
    """The rows that pages are opened of."""

    broken: ReadConsumptionBatch
    done: ReadConsumptionBatch
    running: ReadConsumptionBatch
    unreadable: WriteConsumptionBatch
    delivery: Delivery
    schedule: ExportSchedule


def furnish(operator: User) -> Scene:
    for each in LIMITS:
        LimitFactory.create(code=each.code, description=each.description)
    finance = UserFactory.create(username="finance", roles=[Role.CLIENT])
    claims = UserFactory.create(username="claims-batch", roles=[Role.CLIENT])
    integration = UserFactory.create(username="payments-engine", roles=[Role.INTEGRATION])
    WorkerHeartbeat.objects.create(name="worker-1@exports", queues=["operations"], at=timezone.now())
    ConsumptionFactory.create(transaction_source=TransactionSourceFactory.create(), external_id="E1")
    allow(user_id=finance.pk, limits=list(Limit.objects.filter(code__in=["VERT", "VISITS", "OOPM", "PLAN2"])))
    AccessToken.objects.issue(
        user=claims, name="claims, nightly", scope="api", expires_at=timezone.now() + timedelta(days=60)
    )
    _yesterday([finance, claims])
    endpoints = _endpoints(operator, integration)
    done = _completed(finance, hours=0.7, lasted=94, limit_codes=["VERT", "OOPM"], rows=412_305)
    broken = _failed(_export(claims, limit_codes=["PAID"]), "DAT-FA-001", DISK_FULL, hours=0.4)
    _failed(_export(finance), "TSK-FA-003", "It took longer than an operation may take. A restart helps only if the "
            "cause was a passing one; ask for a shorter period otherwise.", hours=3.2)  # fmt: skip
    unreadable = imports.start(user_id=claims.pk, set_id=_set(claims, "claims of November").pk)
    _failed(unreadable, "CON-FA-011", UNREADABLE, hours=1.1)
    services.cancel(task_id=_export(finance).task_id, user_id=operator.pk)
    running = _export(finance, limit_codes=["VERT", "VISITS", "OOPM", "PLAN2"])
    Task.objects.filter(pk=_claim(running).pk).update(
        rows_written=1_204_000, rows_expected=1_930_000, lease_expires_at=timezone.now() + timedelta(hours=1)
    )
    _export(claims)
    delivery = _deliveries(endpoints, done)
    cache.clear()  # the start page remembers for half a minute
    return Scene(broken, done, running, unreadable, delivery, _schedules(operator, finance, done))


def _export(user: User, **options: Any) -> ReadConsumptionBatch:
    return start_export(user_id=user.pk, transaction_start=YEAR[0], transaction_end=YEAR[1], **options)


def _claim(batch: Operation) -> Task:
    task = services.claim(task_id=batch.task_id, owner="worker-1", thread_code="exports-1 ( main )", celery_task_id="")
    assert task is not None
    return task


def _failed(batch: Any, code: str, text: str, *, hours: float) -> Any:
    services.fail(task=_claim(batch), code=code, text=text, stack_trace=TRACE)
    _happened(batch, hours=hours, lasted=41)
    return batch


def _completed(user: User, *, hours: float, lasted: float, rows: int, **options: Any) -> ReadConsumptionBatch:
    batch, result = _export(user, **options), _set(user, "Export of counters and consumptions", rows)
    changes = {"data_file_set": result, "snapshot_at": timezone.now()}
    services.complete(task=_claim(batch), record=lambda: changes, rows_written=rows)
    _happened(batch, hours=hours, lasted=lasted)
    batch.refresh_from_db()
    return batch


def _set(user: User, description: str, rows: int = 2) -> DataFileSet:
    with storage.stage() as staged:
        staged.write(b'{"type":"counter","id":1}\n{"type":"consumption","id":2}\n')
        published = staged.publish(row_count=rows)
    found = store_set(
        owner_id=user.pk,
        description=description,
        contents=[Content(published, "counters and consumptions", "application/x-ndjson")],
    )
    found.data_files.update(content_length=57 + 391 * rows)
    return found


def _happened(batch: Operation, *, hours: float, lasted: float) -> None:
    """As if it had ended so many hours ago, after so many seconds."""
    ended = timezone.now() - timedelta(hours=hours)
    began, claimed = ended - timedelta(seconds=lasted), ended - timedelta(seconds=lasted * 0.8)
    Task.objects.filter(pk=batch.task_id).update(creation_date=began, last_updated_date=ended)
    type(batch)._default_manager.filter(pk=batch.pk).update(creation_date=began, last_updated_date=ended)
    TaskAttempt.objects.filter(task=batch.task_id).update(started_at=claimed, ended_at=ended)
    Message.objects.filter(interfaced_message__task=batch.task_id).update(creation_date=ended)
    InterfacedMessage.objects.filter(task=batch.task_id).update(last_updated_date=ended)
    subject = services.subject_of(Task.objects.select_related("task_type").get(pk=batch.task_id))
    NotificationEvent.objects.filter(subject=subject).update(creation_date=ended)
    batch.refresh_from_db()


def _yesterday(users: list[User]) -> None:
    """Exports around the clock, few at night."""
    for hour in range(1, 23):
        for number in range(1 + hour * 7 % 4):
            user = users[(hour + number) % len(users)]
            rows = 9_000 + hour * 1_733 % 30_000
            _completed(user, hours=hour + 0.2 + number / 10, lasted=20 + hour * 13 % 70 + number * 25, rows=rows)


def _endpoints(operator: User, integration: User) -> list[NotificationEndpoint]:
    asked = {
        "Payments engine": ("https://payments.example/events", integration.username),
        "Finance ledger": ("https://ledger.example/hooks/exports", None),
        "Old data warehouse": ("https://warehouse.example/in", None),
    }
    made = []
    for name, (url, reporter) in asked.items():
        authentication = {"type": "none"}
        endpoint, _secret = create_endpoint(
            user_id=operator.pk, name=name, url="http://127.0.0.1:9/", authentication=authentication,
            event_types=["*"], integration=reporter,
        )  # fmt: skip
        NotificationEndpoint.objects.filter(pk=endpoint.pk).update(url=url)  # a name that resolves nowhere
        made.append(endpoint)
    NotificationEndpoint.objects.filter(pk=made[1].pk).update(failing_since=timezone.now() - timedelta(minutes=50))
    NotificationEndpoint.objects.filter(pk=made[2].pk).update(
        active=False, disabled_reason="It answered 410 Gone: the receiver does not want events any more."
    )
    return made


def _deliveries(endpoints: list[NotificationEndpoint], done: ReadConsumptionBatch) -> Delivery:
    """Of the completed export: told to the integration, which went silent; given up at the ledger."""
    event = NotificationEvent.objects.get(subject=f"generic/readconsumptionbatches/{done.pk}")
    Delivery.objects.exclude(event=event).update(status="DELIVERED", delivered_at=timezone.now())
    told, given_up = (Delivery.objects.get(event=event, endpoint=endpoint) for endpoint in endpoints[:2])
    job = told.job
    assert job is not None
    IntegrationJob.objects.filter(pk=job.pk).update(status="Started", flagged=True, last_report_at=timezone.now())
    IntegrationJob.objects.exclude(pk=job.pk).update(status="Completed", last_report_at=timezone.now())
    StatusReport.objects.create(
        job=job, user=job.integration, answered=200, verdict="applied", request_id="8d1f5c9e",
        received_job_id=job.job_id, received_status="Started", received_message="Batch 4711 was taken in.",
    )  # fmt: skip
    Delivery.objects.filter(pk=told.pk).update(status="DELIVERED", delivered_at=timezone.now())
    _call(told, 1, 202, "delivered", "")
    for number in (1, 2, 3):
        _call(given_up, number, 503, "status", "The answer was 503 Service Unavailable.")
    Delivery.objects.filter(pk=given_up.pk).update(status="FAILED", retries=3)
    given_up.refresh_from_db()
    return given_up


def _call(delivery: Delivery, number: int, status: int, outcome: str, reason: str) -> None:
    began = timezone.now() - timedelta(minutes=45 - 12 * number)
    Attempt.objects.create(
        delivery=delivery, number=number, started_at=began, ended_at=began + timedelta(seconds=1.3 * number),
        method="POST", url=delivery.endpoint.url, outcome=outcome, reason=reason, response_status=status,
        request_headers={"Content-Type": "application/json", "webhook-id": delivery.event.webhook_id,
                         "webhook-signature": "v1,***"},
        response_headers=[["Content-Type", "application/json"], ["Retry-After", "120"]],
        response_body=b'{"error":"maintenance until 04:00"}' if status == 503 else b"",
    )  # fmt: skip


def _schedules(operator: User, finance: User, done: ReadConsumptionBatch) -> ExportSchedule:
    common = {"time_zone": "Europe/Amsterdam", "missed": "ONE"}
    nightly = ExportSchedule(
        name="Every night for finance", owner=finance, limit_codes=["VERT", "OOPM"], window_rule="DAY",
        cron="30 2 * * *", format="csv", compression="gzip", **common,
    )  # fmt: skip
    new = ExportSchedule(name="All that is new, for claims", owner=finance, window_rule="SINCE", cron="0 */4 * * *",
                         **common)  # fmt: skip
    monthly = ExportSchedule(name="Months for the regulator", owner=operator, window_rule="MONTH", cron="0 5 1 * *",
                             **common)  # fmt: skip
    for one in (nightly, new, monthly):
        schedules.store(schedule=one, user_id=operator.pk)
    schedules.pause(schedule_id=monthly.pk, user_id=operator.pk)
    tonight = timezone.now().replace(hour=1, minute=30, second=0, microsecond=0)
    for days in range(1, 5):
        refused = days == 3
        ScheduledRun.objects.create(
            schedule=nightly, planned_at=tonight - timedelta(days=days), outcome="refused" if refused else "started",
            export=None if refused else done, created_at=tonight - timedelta(days=days),
            reason=REFUSED if refused else "",
        )  # fmt: skip
    return nightly

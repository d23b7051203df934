"""Tasks and what they leave behind. Only `states.py` decides which move is allowed; a move is one UPDATE."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, Q
from django.db.models.functions import Now

from jobs import registry
from jobs.states import OPERATION_STATUS, Move, OperationStatus, TaskStatus, allowed_from, leads_to

if TYPE_CHECKING:
    from jobs.registry import LongRunningOperation


class Technical(models.Model):
    """What every resource of the API carries: who made and last changed it, when, and its version."""

    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    last_updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    version = models.PositiveIntegerField(default=1)
    creation_date = models.DateTimeField(db_default=Now(), editable=False)
    last_updated_date = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True
        indexes = [
            models.Index(fields=["created_by", "id"], name="%(class)s_owner"),
            # A reader's own rows in the order of a date.
            models.Index(fields=["created_by", "creation_date", "id"], name="%(class)s_own_made"),
            models.Index(fields=["created_by", "last_updated_date", "id"], name="%(class)s_own_upd"),
            models.Index(fields=["creation_date", "id"], name="%(class)s_created"),
            models.Index(fields=["last_updated_date", "id"], name="%(class)s_updated"),
        ]


class TaskTypeManager(models.Manager["TaskType"]):
    def store(self, operation: LongRunningOperation) -> TaskType:
        """The row of a registered operation, made or brought up to date."""
        table = ContentType.objects.get_for_model(operation.model)
        return self.update_or_create(
            code=operation.code, defaults={"description": operation.description, "table": table}
        )[0]


class TaskType(models.Model):
    """One registered kind of operation, so that a task can refer to it on the wire."""

    code = models.CharField(max_length=60, unique=True)
    description = models.CharField(max_length=200)
    table = models.ForeignKey(ContentType, on_delete=models.PROTECT, related_name="+")

    objects = TaskTypeManager()

    def __str__(self) -> str:
        return self.code


class TaskQuerySet(models.QuerySet["Task"]):
    def move(self, move: Move, **values: Any) -> int:
        """Makes the move on every row of this set whose status allows it; the number of rows that moved.

        The set may not be joined with another table: the condition would move into a sub-select, which PostgreSQL
        does not look at again after it waited for somebody else's change, and two would win.
        """
        assert self.query.count_active_tables() <= 1, "a move is decided by the task's own row"
        return self.filter(status__in=allowed_from(move)).update(
            status=leads_to(move), version=F("version") + 1, last_updated_date=Now(), **values
        )

    def held(self, task_id: int, epoch: int) -> Self:
        """The task while this epoch still owns it: the fence that every change of a worker passes through. The end of
        an attempt has it in a statement of its own (`finishing`)."""
        return self.filter(pk=task_id, epoch=epoch, status=TaskStatus.PROCESSING)

    def expired(self) -> Self:
        """Tasks whose worker stopped renewing its lease."""
        return self.filter(status=TaskStatus.PROCESSING, lease_expires_at__lt=Now())

    def unclaimed(self) -> Self:
        """Tasks that wait longer than their last message deserves: it may be lost, so it is sent again."""
        return self.filter(~TaskProcessing.stopped_now(), status=TaskStatus.PENDING, ring_again_at__lt=Now())

    def needing_a_look(self) -> Self:
        """What failed, and nobody has restarted or let be."""
        return self.filter(status=TaskStatus.ERRORED, acknowledged=False)

    def visible_to(self, reader: Any) -> Self:
        """Everything for operators and auditors, one's own for anybody else."""
        return self if reader.sees_all else self.filter(created_by_id=reader.user_id)


class TaskProcessing(models.Model):
    """The switch of the queue: while its one row says `stopped`, nobody picks tasks. No row: it was never touched."""

    THE_ROW = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=THE_ROW)
    stopped = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    last_updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, db_index=False
    )
    last_updated_date = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_queue")]
        permissions = [("control_queue", "Can stop and start the queue")]

    def __str__(self) -> str:
        return "stopped" if self.stopped else "started"

    @classmethod
    def stopped_now(cls) -> Exists:
        """A condition for other queries: true while the queue is stopped."""
        return Exists(cls.objects.filter(stopped=True))


class Task(Technical):
    """Our row for one piece of work: what operators see and restart. The broker only rings for it."""

    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    subject_id = models.BigIntegerField(null=True)
    status = models.CharField(
        max_length=10, default=TaskStatus.PENDING.value, choices=[(s.value, s.value) for s in TaskStatus]
    )
    owner = models.CharField(max_length=120, blank=True)
    thread_code = models.CharField(max_length=120, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    attempt_count = models.PositiveIntegerField(default=0)
    restart_count = models.PositiveIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True)
    ring_again_at = models.DateTimeField(null=True)
    rings = models.PositiveIntegerField(default=0)
    rows_written = models.BigIntegerField(default=0)
    rows_expected = models.BigIntegerField(null=True)
    acknowledged = models.BooleanField(db_default=False, editable=False)  # a failure that an operator lets be

    objects = TaskQuerySet.as_manager()

    class Meta(Technical.Meta):
        indexes = [
            *Technical.Meta.indexes,
            models.Index(fields=["ring_again_at"], name="task_pending", condition=Q(status=TaskStatus.PENDING.value)),
            models.Index(fields=["status", "id"], name="task_status"),
            models.Index(fields=["status", "creation_date", "id"], name="task_status_created"),
            models.Index(fields=["status", "last_updated_date", "id"], name="task_status_updated"),
            models.Index(fields=["created_by", "status", "id"], name="task_own_status"),  # and what a quota counts
            models.Index(fields=["task_type", "id"], name="task_of_type"),
            models.Index(fields=["subject_id"], name="task_subject"),
        ]
        permissions = [
            ("restart_task", "Can restart failed tasks"),
            ("cancel_task", "Can cancel tasks"),
            ("acknowledge_task", "Can let failed tasks be"),
        ]

    def __str__(self) -> str:
        return f"task {self.pk}"

    @property
    def operation(self) -> LongRunningOperation:
        """How to run this task. Raises KeyError when this installation does not know its type."""
        return registry.get(self.task_type.code)


class TaskAttempt(models.Model):
    """One try of a worker: the log that operators read. `stack_trace` is for them alone."""

    class Outcome(models.TextChoices):
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"
        LOST = "lost", "worker lost"
        GIVEN_BACK = "given back"

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="attempts")
    epoch = models.PositiveIntegerField()
    owner = models.CharField(max_length=120)
    celery_task_id = models.CharField(max_length=60, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, blank=True, choices=Outcome.choices)
    stack_trace = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "epoch"], name="attempt_epoch")]

    def __str__(self) -> str:
        return f"attempt {self.epoch} of task {self.task_id}"


class InterfacedMessage(Technical):
    """The messages of one operation, as one resource."""

    task = models.OneToOneField(Task, on_delete=models.CASCADE, related_name="interfaced_message")

    def __str__(self) -> str:
        return f"messages of task {self.task_id}"


class Message(models.Model):
    """One line for a person: what happened, and whether a restart helps."""

    class Severity(models.TextChoices):
        FATAL = "Fatal"
        INFORMATIVE = "Informative"

    interfaced_message = models.ForeignKey(InterfacedMessage, on_delete=models.CASCADE, related_name="messages")
    severity = models.CharField(max_length=12, choices=Severity.choices)
    code = models.CharField(max_length=30)
    text = models.TextField()
    creation_date = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.severity} {self.code}: {self.text}"


class OperationQuerySet(models.QuerySet[Any]):
    def follow(self, status: TaskStatus, **values: Any) -> int:
        """Moves the operation to what its task's status means; within the transaction that moved the task."""
        return self.update(status=OPERATION_STATUS[status], version=F("version") + 1, last_updated_date=Now(), **values)

    def visible_to(self, reader: Any) -> Self:
        return self if reader.sees_all else self.filter(created_by_id=reader.user_id)


class Operation(Technical):
    """What a client starts and follows. The app that knows the business adds its own fields."""

    task = models.OneToOneField(Task, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(
        max_length=12, default=OperationStatus.IN_PROGRESS.value, choices=[(s.value, s.value) for s in OperationStatus]
    )

    objects: models.Manager[Any] = OperationQuerySet.as_manager()

    class Meta(Technical.Meta):
        abstract = True
        indexes = [
            *Technical.Meta.indexes,
            models.Index(fields=["status", "id"], name="%(class)s_status"),
            models.Index(fields=["status", "creation_date", "id"], name="%(class)s_st_made"),
            models.Index(fields=["status", "last_updated_date", "id"], name="%(class)s_st_upd"),
            models.Index(fields=["created_by", "status", "id"], name="%(class)s_own_st"),
        ]


class TaskRestartBatch(Operation):
    """Many tasks to restart in one go. `results` holds, once it is done, what became of each."""

    task_ids = ArrayField(models.BigIntegerField())
    of_anybody = models.BooleanField(default=False, help_text="asked for by an operator: everybody's tasks")
    results = models.JSONField(default=list)

    class Meta(Operation.Meta):
        verbose_name = "bulk restart"
        verbose_name_plural = "bulk restarts"

    def __str__(self) -> str:
        return f"bulk restart {self.pk}"


class WorkerHeartbeatQuerySet(models.QuerySet["WorkerHeartbeat"]):
    FRESH = timedelta(seconds=35)  # three missed in a row

    def fresh(self) -> Self:
        return self.filter(at__gt=Now() - self.FRESH)


class WorkerHeartbeat(models.Model):
    """The last sign of life of a worker, by its Celery name, and the queues that it takes messages from."""

    GONE_AFTER = timedelta(days=1)

    name = models.CharField(max_length=200, primary_key=True)
    queues = ArrayField(models.CharField(max_length=60))
    at = models.DateTimeField(db_default=Now())

    objects = WorkerHeartbeatQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class KeptAnswerQuerySet(models.QuerySet["KeptAnswer"]):
    KEPT_FOR = timedelta(hours=24)

    def valid(self) -> Self:
        return self.filter(creation_date__gt=Now() - self.KEPT_FOR)

    def forget(self, *, limit: int = 5000) -> int:
        """Removes what was kept long enough, the oldest first; how many."""
        old = self.filter(creation_date__lte=Now() - self.KEPT_FOR).order_by("creation_date").values("pk")[:limit]
        return self.filter(pk__in=old).delete()[0]


class KeptAnswer(models.Model):
    """The 201 that a request with an `Idempotency-Key` got, to be given again for the same request.

    `request` is the SHA-256 of what was asked for: query and body, as JSON.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    path = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    request = models.CharField(max_length=64)
    headers = models.JSONField()
    document = models.TextField(null=True)  # JSON, its keys in the order in which they were sent
    creation_date = models.DateTimeField(db_default=Now(), db_index=True)

    objects = KeptAnswerQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "path", "key"], name="idempotency_key")]

    def __str__(self) -> str:
        return f"{self.key} for {self.path}"

"""Finding the operations that a word of an operator means: an id, a limit, a job, or the audit id of a callback."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from consumption.models import Limit, LimitAllowance
from hypermedia.finding import as_number
from jobs.callbacks.models import StatusReport
from jobs.models import Operation
from jobs.notifications.models import Delivery
from jobs.registry import of_model


def matching(rows: QuerySet[Any], word: str) -> QuerySet[Any]:
    """The operations among `rows` that the word means; each way to mean one is answered by an index."""
    word = word.strip()
    model: type[Operation] = rows.model
    number = as_number(word)
    wanted = Q(pk__in=[]) if number is None else _by_number(number, model)
    wanted |= Q(pk__in=_subjects(model, job__job_id=word))
    if hasattr(model, "limit_codes"):
        wanted |= holding(word)
    return rows.filter(wanted)


def holding(code: str) -> Q:
    """Exports that hold this limit: they name it, or take all that whoever asked may export."""
    named = Q(limit_codes__contains=[code])
    if not Limit.objects.filter(code=code).exists():
        return named
    listed = LimitAllowance.objects.exclude(limits__code=code).values_list("user_id", flat=True)
    return named | Q(limit_codes=None) & ~Q(created_by_id__in=list(listed))


def _by_number(number: int, model: type[Operation]) -> Q:
    """An id of the operation, of its task, or an audit id that the callback answered with."""
    reported = StatusReport.objects.filter(pk=number).exclude(job=None).values_list("job_id", flat=True)
    return Q(pk=number) | Q(task_id=number) | Q(pk__in=_subjects(model, job__in=list(reported)))


def _subjects(model: type[Operation], **which: Any) -> list[int]:
    """The ids of the operations whose events these deliveries carry."""
    before, _, after = of_model(model).path.partition("{id}")
    paths = Delivery.objects.filter(**which).values_list("event__subject", flat=True)[:50]
    ids = (path.removeprefix(before).removesuffix(after) for path in paths if path.startswith(before))
    return [int(found) for found in ids if found.isdecimal()]

"""Persons stand on no page of the console but those of the ledger, which take a permission of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse

from consumption.models import Limit, ReadConsumptionBatch, WriteConsumptionBatch
from consumption.services import start_export
from consumption.writing import operation
from hypermedia.readers import Role
from jobs.states import OperationStatus
from tests.api.world import make_delivery, stored_set
from tests.conftest import ApiClient
from tests.console.conftest import Person
from tests.factories import LimitFactory, UserFactory, grant

CANARY = "kanarie-4711"
ALWAYS = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC))


def entry(**changed: Any) -> dict[str, Any]:
    return {
        "limitCode": "VERT",
        "aggregationLevel": "PERSON",
        "person": {"code": CANARY},
        "serviceDate": "2024-05-01",
        "numberOfUnits": 1,
        "description": f"visit of {CANARY}",
        **changed,
    }


@pytest.fixture
def history(work: Callable[[], None]) -> None:
    """The canary was entered, refused, imported, refused in an import, and exported."""
    LimitFactory.create()
    client = ApiClient(UserFactory.create(roles=[Role.OPERATOR]))
    assert client.user is not None
    assert client.post("/api/limitconsumptions", entry()).status_code == 201
    assert client.post("/api/limitconsumptions", entry(limitCode="NOPE")).status_code == 422
    good, bad = (str(row).replace("'", '"') for row in (entry(), entry(limitCode="NOPE")))
    stored = stored_set(client.user, f"{good}\n{bad}\nno row of {CANARY}\n".encode())
    batch = operation.start(user_id=client.user.pk, set_id=stored.pk)
    work()
    export = start_export(user_id=client.user.pk, transaction_start=ALWAYS[0], transaction_end=ALWAYS[1])
    work()
    assert WriteConsumptionBatch.objects.get(pk=batch.pk).rows_rejected == 2
    assert ReadConsumptionBatch.objects.get(pk=export.pk).status == OperationStatus.COMPLETED
    make_delivery(client.user)


def every_page() -> list[str]:
    found = ["/admin/", "/admin/queue/", "/admin/consumption/readconsumptionbatch/start/"]
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"admin:{name}_changelist"))
        rows = model._default_manager.order_by("-pk").values_list("pk", flat=True)[:3]
        found += [reverse(f"admin:{name}_change", args=[pk]) for pk in rows]
    return found


def test_persons_stand_on_the_pages_of_the_ledger_alone(history: None, person: Callable[..., Person]) -> None:
    operator = person(Role.OPERATOR)
    opened = {path: answer for path in every_page() if (answer := operator.client.get(path)).status_code != 403}
    assert {answer.status_code for answer in opened.values()} == {200}
    assert len(opened) > 30, "these are the pages"
    told = [path for path, answer in opened.items() if CANARY in answer.content.decode()]
    assert told == []
    assert Limit.objects.get().code in operator.see("/admin/consumption/limit/")

    for model in ("counter", "consumption"):
        operator.see(f"/admin/consumption/{model}/", 403)
        grant(operator.user, "consumption", f"view_{model}")
    assert CANARY in Person(operator.user).see("/admin/consumption/counter/"), "who may see the ledger sees it"

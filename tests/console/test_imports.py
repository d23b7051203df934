"""The page of an import: what came in, what became of it, and what an operator may do."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from audit.models import Entry
from consumption.models import WriteConsumptionBatch
from consumption.writing import operation
from datafiles.models import DataFileSet
from hypermedia.readers import Role
from jobs import services
from jobs.running import run_task
from tests.api.world import stored_set
from tests.console.conftest import Person
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user() -> User:
    user: User = UserFactory.create(roles=[Role.OPERATOR], is_staff=True)
    return user


def test_list_and_page(user: User) -> None:
    batch = operation.start(user_id=user.pk, set_id=stored_set(user, b"{}\n").pk)
    client = Client()
    client.force_login(user)
    running = client.get(f"/admin/consumption/writeconsumptionbatch/{batch.pk}/change/").content.decode()
    assert batch.input_set.code in running
    run_task(task_id=batch.task_id)
    batch = WriteConsumptionBatch.objects.get()
    assert batch.status == "Completed"
    listed = client.get("/admin/consumption/writeconsumptionbatch/?q=" + str(batch.pk))
    assert listed.status_code == 200
    assert batch.input_set.code in listed.content.decode()
    page = client.get(f"/admin/consumption/writeconsumptionbatch/{batch.pk}/change/").content.decode()
    assert "Refused" in page and "There already" in page
    assert str(batch.data_file_set) in page
    assert "writeconsumptionbatches" in page, "the same with curl"


def test_a_set_in_use_is_not_unlocked(operator: Person) -> None:
    batch = operation.start(user_id=operator.user.pk, set_id=stored_set(operator.user, b"{}\n").pk)
    page = operator.see(f"/admin/datafiles/datafileset/{batch.input_set_id}/change/")
    assert f"import {batch.pk}" in page, "it says who uses it"
    assert "act/unlock" not in page
    answer = operator.act("datafiles/datafileset", "unlock", batch.input_set_id, reason="why not")
    assert f"The import {batch.pk} is using data file set {batch.input_set.code}." in answer.content.decode()
    assert DataFileSet.objects.get(pk=batch.input_set_id).locked
    services.cancel(task_id=batch.task_id, user_id=operator.user.pk)
    answer = operator.act("datafiles/datafileset", "unlock", batch.input_set_id, reason="why not")
    assert f"Data file set {batch.input_set.code} is not locked." in answer.content.decode()


def test_a_lock_that_was_left_is_taken_away_with_a_reason(operator: Person, auditor: Person) -> None:
    batch = operation.start(user_id=operator.user.pk, set_id=stored_set(operator.user, b"{}\n").pk)
    services.cancel(task_id=batch.task_id, user_id=operator.user.pk)
    WriteConsumptionBatch.objects.update(holds_set=True)  # as after a restore of half a story
    DataFileSet.objects.update(locked=True)
    model, pk = "datafiles/datafileset", batch.input_set_id
    assert "no running operation: it can be unlocked" in operator.see(f"/admin/{model}/{pk}/change/")
    assert auditor.act(model, "unlock", pk, reason="I may not").status_code == 403
    assert "This field is required" in operator.act(model, "unlock", pk).content.decode()
    assert DataFileSet.objects.get(pk=pk).locked
    assert "is unlocked" in operator.act(model, "unlock", pk, reason="left after the restore").content.decode()
    assert not DataFileSet.objects.get(pk=pk).locked
    assert not WriteConsumptionBatch.objects.get().holds_set, "a restart has to lock the set itself"
    entry = Entry.objects.get(action="data.unlock")
    assert (entry.user_id, entry.detail) == (operator.user.pk, {"reason": "left after the restore"})

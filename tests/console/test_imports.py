"""The page of an import: what came in, what became of it, and what an operator may do."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from consumption.models import WriteConsumptionBatch
from consumption.writing import operation
from hypermedia.readers import Role
from jobs.running import run_task
from tests.api.world import stored_set
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

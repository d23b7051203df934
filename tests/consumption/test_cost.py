"""What a small export costs the database, as an exact number, beside what it does on its own connection."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from consumption.services import start_export
from hypermedia.readers import Role
from jobs.running import run_task
from tests.factories import UserFactory

LOOKS = 2  # at the operation, and at the limits that its owner may export
END = 5  # the fence with the attempt, the set, its files, the operation, the event
ENDPOINTS = 1
TRANSACTION = 2


@pytest.mark.django_db(transaction=True)
def test_an_attempt(django_assert_num_queries: Any) -> None:
    owner, moment = UserFactory.create(roles=[Role.CLIENT]), datetime(2026, 1, 1, tzinfo=UTC)
    batch = start_export(user_id=owner.pk, transaction_start=moment, transaction_end=moment)
    claim = 1
    with django_assert_num_queries(claim + LOOKS + TRANSACTION + END + ENDPOINTS):
        assert run_task(task_id=batch.task_id) == "completed"

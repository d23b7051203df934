"""A task of a type that only another version of the service knows: readable, without a way to its operation."""

from __future__ import annotations

import pytest
from django.contrib.contenttypes.models import ContentType

from jobs.models import InterfacedMessage, Task, TaskType
from tests.conftest import ApiClient, rels

pytestmark = pytest.mark.django_db


def test_readable_everywhere(operator: ApiClient) -> None:
    task_type = TaskType.objects.create(code="Tomorrow", table=ContentType.objects.get_for_model(Task))
    user = operator.user
    assert user is not None
    task = Task.objects.create(task_type=task_type, subject_id=1, created_by=user, last_updated_by=user)
    messages = InterfacedMessage.objects.create(task=task, created_by=user, last_updated_by=user)
    for path in (f"generic/tasks/{task.pk}", f"operations/{task.pk}", f"generic/interfacedmessages/{messages.pk}"):
        response = operator.get(f"/api/{path}")
        assert response.status_code == 200, path
        assert "operator:subject" not in rels(response.json())
    assert operator.get("/api/generic/tasks").json()["count"] == "1"
    assert operator.get("/api/generic/interfacedmessages").json()["count"] == "1"

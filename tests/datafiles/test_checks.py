"""A folder of one host is refused as soon as several hosts take part."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.core.checks import Error
from django.db.models.functions import Now

from config.checks import one_folder_for_all_hosts
from jobs.models import WorkerHeartbeat

pytestmark = pytest.mark.django_db


def found() -> list[str | None]:
    messages = one_folder_for_all_hosts(databases=["default"])
    assert all(isinstance(message, Error) for message in messages)
    return [message.id for message in messages]


def test_hosts(settings: Any) -> None:
    assert found() == []
    here = f"worker-1@{socket.gethostname()}"
    WorkerHeartbeat.objects.create(name=here, queues=["operations"], at=Now())
    assert found() == []
    WorkerHeartbeat.objects.create(name="worker-1@elsewhere", queues=["operations"], at=Now())
    assert found() == ["datafiles.E001"]
    settings.DATA_FILES_SHARED = True
    assert found() == []
    settings.DATA_FILES_SHARED, settings.DATA_FILES_STORAGE = False, "s3"
    assert found() == []

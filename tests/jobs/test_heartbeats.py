"""Signs of life of the workers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from jobs.heartbeats import Heart, alive, forget
from jobs.models import WorkerHeartbeat


@pytest.mark.django_db(transaction=True)
def test_a_heart() -> None:
    """One of a real worker, on its own connection."""
    heart = Heart("worker@here", ["operations", "deliveries"])
    heart.beat()
    heart.beat()
    assert alive() == {"operations": 1, "deliveries": 1}
    assert forget() == 0
    WorkerHeartbeat.objects.update(at=F("at") - timedelta(days=2))
    assert (alive(), forget()) == ({}, 1)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from consumption.schedules import services
from consumption.schedules.models import ExportSchedule
from consumption.schedules.windows import WindowRule
from hypermedia.readers import Role
from tests.factories import UserFactory

MakeSchedule = Callable[..., ExportSchedule]


@pytest.fixture
def owner(db: None) -> User:
    return UserFactory.create(roles=[Role.CLIENT])


@pytest.fixture
def schedule_of(owner: User) -> MakeSchedule:
    """A schedule of half past two in Amsterdam, about the day before, unless said otherwise."""

    def make(**values: Any) -> ExportSchedule:
        defaults = {
            "name": "Nightly",
            "owner": owner,
            "cron": "30 2 * * *",
            "time_zone": "Europe/Amsterdam",
            "window_rule": WindowRule.PREVIOUS_DAY,
        }
        return services.store(schedule=ExportSchedule(**{**defaults, **values}), user_id=owner.pk)

    return make

"""What log-ins to the console leave goes when it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.utils import timezone

from config.tasks import forget_logins

pytestmark = pytest.mark.django_db


def test_what_is_over_goes(settings: Any) -> None:
    now, hour = timezone.now(), timedelta(hours=1)
    for name, expires in (("over", now - hour), ("open", now + hour)):
        Session.objects.create(session_key=name, session_data="", expire_date=expires)
    for name, ago in (("old", settings.AXES_COOLOFF_TIME + hour), ("new", timedelta(seconds=1))):
        failed = AccessAttempt.objects.create(username=name, ip_address="192.0.2.1", failures_since_start=1)
        AccessAttempt.objects.filter(pk=failed.pk).update(attempt_time=now - ago)
    assert forget_logins() == 2
    assert [session.pk for session in Session.objects.all()] == ["open"]
    assert [attempt.username for attempt in AccessAttempt.objects.all()] == ["new"]

"""What happens in the console: log-ins, and whatever Django's admin writes down of changes."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_save

from audit.services import Result, record

_VERBS = {1: "add", 2: "change", 3: "delete"}


def connect() -> None:
    """Called once, when Django is ready."""
    user_logged_in.connect(logged_in, dispatch_uid="audit.logged_in")
    user_logged_out.connect(logged_out, dispatch_uid="audit.logged_out")
    user_login_failed.connect(login_failed, dispatch_uid="audit.login_failed")
    post_save.connect(changed, sender=LogEntry, dispatch_uid="audit.changed")


def logged_in(*, user: Any, **_: Any) -> None:
    record("console.login", user_id=user.pk)


def logged_out(*, user: Any, **_: Any) -> None:
    if user is not None:
        record("console.logout", user_id=user.pk)


def login_failed(*, credentials: dict[str, Any], **_: Any) -> None:
    """Of a name that nobody has, not even the name: people type passwords there."""
    name = str(credentials.get("username", "")).replace("\x00", "")
    user_id = get_user_model().objects.filter(username=name).values_list("pk", flat=True).first()
    record("console.login", user_id=user_id, result=Result.REFUSED)


def changed(*, instance: LogEntry, created: bool, **_: Any) -> None:
    """Django's log of the console, within the same transaction; without its texts, which repeat what was typed."""
    kind = instance.content_type
    if created and kind is not None:
        subject = f"admin/{kind.app_label}/{kind.model}/{instance.object_id}"
        record(f"console.{_VERBS.get(instance.action_flag, 'change')}", user_id=instance.user_id, subject=subject)

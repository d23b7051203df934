"""Who may log in to the console."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from jobs.callbacks.credentials import acceptable


class ConsoleBackend(ModelBackend):
    """Django's, without the passwords that only development may have."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        user = super().authenticate(request, username=username, password=password, **kwargs)
        return user if user is not None and acceptable(user, password or "") else None

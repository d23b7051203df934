"""Users whose password is their name: what development makes, and production refuses at both doors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.test import RequestFactory

from hypermedia.readers import Role
from tests.conftest import ApiClient


@pytest.mark.parametrize(("development", "status"), [(True, 200), (False, 401)])
def test_at_the_api(client_of: Callable[..., ApiClient], settings: Any, development: bool, status: int) -> None:
    settings.DEVELOPMENT = development
    assert client_of(Role.CLIENT).get("/api").status_code == status


@pytest.mark.parametrize("development", [True, False])
def test_in_the_console(client_of: Callable[..., ApiClient], settings: Any, development: bool) -> None:
    settings.DEVELOPMENT = development
    user = client_of(Role.OPERATOR).user
    assert user is not None
    assert (
        authenticate(RequestFactory().post("/admin/login/"), username=user.username, password=user.username) is not None
    ) is development

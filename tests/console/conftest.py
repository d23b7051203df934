"""People in front of the console, and rows for them to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from config.roles import PERMISSIONS
from hypermedia.readers import Role
from tests.factories import UserFactory


def give(role: Role) -> Group:
    """The group with what the migrations give it: tests that truncate the tables take it away."""
    group, _ = Group.objects.get_or_create(name=str(role))
    for name in PERMISSIONS[role]:
        app_label, codename = name.split(".")
        group.permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    return group


class Person:
    """A user with a browser, logged in to the console."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.client = Client()
        self.client.force_login(user)

    def see(self, path: str, status: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.headers)
        return str(answer.content.decode())

    def act(self, model: str, name: str, *ids: int, **answers: Any) -> Any:
        """Confirms an action on rows: `model` is `app/model`."""
        path = f"/admin/{model}/act/{name}/?ids={','.join(map(str, ids))}"
        return self.client.post(path, answers, follow=True)


@pytest.fixture
def person(db: None) -> Callable[..., Person]:
    """`person(Role.OPERATOR)`; without roles an administrator."""

    def make(*roles: Role) -> Person:
        for role in roles:
            give(role)
        return Person(UserFactory.create(roles=roles, is_staff=True, is_superuser=not roles))

    return make


@pytest.fixture
def operator(person: Callable[..., Person]) -> Person:
    return person(Role.OPERATOR)


@pytest.fixture
def auditor(person: Callable[..., Person]) -> Person:
    return person(Role.AUDITOR)


@pytest.fixture
def administrator(person: Callable[..., Person]) -> Person:
    return person()

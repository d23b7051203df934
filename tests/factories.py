"""Rows for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import factory
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User

from consumption.models import Limit, TransactionSource


class UserFactory(factory.django.DjangoModelFactory[User]):
    """A user whose password is the name; `roles` are the groups to be in."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    password = factory.LazyAttribute(lambda user: make_password(user.username, hasher="md5"))

    @factory.post_generation
    def roles(self: Any, create: bool, extracted: Sequence[str] | None, **_: Any) -> None:
        for role in extracted or ():
            self.groups.add(Group.objects.get_or_create(name=str(role))[0])


class LimitFactory(factory.django.DjangoModelFactory[Limit]):
    class Meta:
        model = Limit
        django_get_or_create = ("code",)

    code = "VERT"
    description = "Manual therapy of the spine, units per calendar year"
    type = Limit.Type.UNITS
    reference = Limit.Reference.CALENDAR_YEAR


class TransactionSourceFactory(factory.django.DjangoModelFactory[TransactionSource]):
    class Meta:
        model = TransactionSource
        django_get_or_create = ("code",)

    code = "CLAIMS"

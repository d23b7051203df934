"""Rows for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import factory
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User

from consumption.models import Consumption, Counter, CounterPeriod, Limit, TransactionSource


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


def grant(user: User, app_label: str, codename: str) -> None:
    """Gives one user one permission."""
    user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))


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


class CounterPeriodFactory(factory.django.DjangoModelFactory[CounterPeriod]):
    """A person's counter of a limit in 2024."""

    class Meta:
        model = CounterPeriod
        exclude = ("limit", "person_code")

    limit = factory.SubFactory(LimitFactory)
    person_code = factory.Sequence(lambda n: f"P{n}")
    counter = factory.LazyAttribute(
        lambda period: Counter.objects.create(
            limit=period.limit, aggregation_level=Counter.Level.PERSON, person_code=period.person_code
        )
    )
    start_date = date(2024, 1, 1)
    end_date = date(2024, 12, 31)


class ConsumptionFactory(factory.django.DjangoModelFactory[Consumption]):
    """One unit used in March 2024."""

    class Meta:
        model = Consumption

    counter_period = factory.SubFactory(CounterPeriodFactory)
    limit = factory.LazyAttribute(lambda consumption: consumption.counter_period.counter.limit)
    transaction_datetime = datetime(2024, 3, 1, 12, tzinfo=UTC)
    service_date = date(2024, 3, 1)
    number_of_units = Decimal(1)

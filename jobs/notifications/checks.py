"""System checks: settings under which events would not be sent as promised."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def delivery_settings(app_configs: Any, **_: Any) -> list[CheckMessage]:
    return [*_lease(), *_networks(), *_keys()]


def _lease() -> Iterator[CheckMessage]:
    # A call may need a token first, which is a call of its own.
    if settings.DELIVERY_LEASE_SECONDS <= 2 * settings.DELIVERY_TOTAL_SECONDS:
        yield Error(
            "DELIVERY_LEASE_SECONDS is not above twice DELIVERY_TOTAL_SECONDS.",
            hint="A slow receiver would get each event from two workers at once.",
            id="notifications.E001",
        )


def _networks() -> Iterator[CheckMessage]:
    for text in settings.DELIVERY_ALLOWED_NETWORKS:
        try:
            ip_network(text)
        except ValueError as error:
            yield Error(f"DELIVERY_ALLOWED_NETWORKS: {error}.", id="notifications.E002")


def _keys() -> Iterator[CheckMessage]:
    if not settings.ENCRYPTION_KEYS or not all(settings.ENCRYPTION_KEYS):
        yield Error("ENCRYPTION_KEYS holds no key, or an empty one.", id="notifications.E003")

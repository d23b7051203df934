"""`manage.py reseal_secrets`: seals every stored secret under the first of ENCRYPTION_KEYS; the others may then go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.notifications import vault
from jobs.notifications.models import NotificationEndpoint, SigningSecret


class Command(BaseCommand):
    help = "Seal every stored secret under the first of ENCRYPTION_KEYS."

    def handle(self, **_: Any) -> None:
        resealed = 0
        try:
            for secret in SigningSecret.objects.all():
                resealed += reseal(secret, "sealed")
            for endpoint in NotificationEndpoint.objects.exclude(sealed_credential=""):
                resealed += reseal(endpoint, "sealed_credential")
        except vault.Unreadable as error:
            raise CommandError(
                "A secret opens with none of ENCRYPTION_KEYS: put the key it was sealed with back."
            ) from error
        self.stdout.write(f"{resealed} secrets are sealed under the first key.")


def reseal(row: Any, field: str) -> int:
    """Changes the row only if nobody changed the secret meanwhile."""
    sealed = getattr(row, field)
    return int(
        type(row).objects.filter(pk=row.pk, **{field: sealed}).update(**{field: vault.seal(vault.unseal(sealed))})
    )

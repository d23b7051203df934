"""`manage.py stop`: end the `up` that runs in this clone."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config.embedded import place
from config.embedded.process import ServiceError
from config.supervisor import lock


class Command(BaseCommand):
    help = "Ends what `up` runs in this clone, and waits until it has ended."
    requires_system_checks = []

    def handle(self, *_: Any, **__: Any) -> None:
        try:
            ended = lock.end_holder(place.of(settings.BASE_DIR).lock)
        except ServiceError as error:
            sys.exit(str(error))
        self.stdout.write("Stopped." if ended else "Nothing runs here.")

"""`manage.py adopt_ledger`: after a dump was restored into another database cluster."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from consumption.clusters import adopt, identifiers


class Command(BaseCommand):
    help = "Makes a ledger that was restored from another database cluster usable here. Stop every process first."
    requires_system_checks = []  # the check that sends people here would stop them here

    def handle(self, *args: Any, **options: Any) -> None:
        known, current = identifiers("default")
        if known is None:
            raise CommandError("There is no ledger yet: run `manage.py migrate` first.")
        if known == current:
            self.stdout.write("The ledger belongs to this cluster already; nothing was changed.")
            return
        self.stdout.write(f"The ledger of cluster {known} now belongs to {current}: {adopt()} entries adopted.")

"""`manage.py prepare_development`: tables, users and sample data of a development machine. `up` runs it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.supervisor import users
from consumption.models import Consumption


class Command(BaseCommand):
    help = "Migrates, makes the development users that are missing, and sample data when there is none."
    requires_system_checks = []  # `migrate` runs its own

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sample", type=int, default=200_000, metavar="N", help="consumptions to make")

    def handle(self, *_: Any, sample: int, **__: Any) -> None:
        if not settings.DEVELOPMENT:
            raise CommandError("This is for development only; in production use `migrate`.")
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write("tables are up to date")
        for name in users.create():
            self.stdout.write(f"user {name} made, password {name}")
        if sample and not Consumption.objects.exists():
            call_command("load_sample", consumptions=sample, stdout=self.stdout)

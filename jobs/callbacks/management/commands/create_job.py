"""`manage.py create_job --integration NAME`: a job for an integration to report on. Prints its id."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.callbacks.services import NotAnIntegration, create_job


class Command(BaseCommand):
    help = "Make a job that an integration may report on, and print its id."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--integration", required=True, metavar="NAME", help="user with the role integration")

    def handle(self, *, integration: str, **_: Any) -> None:
        user = User.objects.filter(username=integration).first()
        if user is None:
            raise CommandError(f"There is no user {integration!r}.")
        try:
            job = create_job(integration_id=user.pk)
        except NotAnIntegration as error:
            raise CommandError(
                f"The user {integration!r} cannot report on jobs; it has to be active and in the group integration."
            ) from error
        self.stdout.write(job.job_id)

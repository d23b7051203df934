"""`manage.py emulate_integration`: an integration that takes events and reports on their jobs, one scenario for all.

Without `--secret` it makes an endpoint for itself, or takes over the one it made before; so it runs where the
service's database is. With `--secret` it only listens: somebody else has made the endpoint.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from hypermedia.errors import RuleBroken
from jobs.notifications import services
from jobs.notifications.emulator import SCENARIOS, Emulator, Reporter
from jobs.notifications.models import NotificationEndpoint


class Command(BaseCommand):
    help = "Play an integration: take events, and report on their jobs by the status callback."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--scenario", choices=list(SCENARIOS), default="happy")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=9101)
        parser.add_argument("--service", default=settings.PUBLIC_URL, help="where the service is (%(default)s)")
        parser.add_argument("--user", default="integration1", help="who reports (%(default)s)")
        parser.add_argument("--password", help="the user's password (default: the name)")
        parser.add_argument("--name", default="emulator", help="name of the endpoint to make (%(default)s)")
        parser.add_argument("--secret", metavar="whsec_...", help="the signing secret of an endpoint that exists")
        parser.add_argument("--address-file", type=Path, metavar="FILE", help="write the address here when it listens")
        parser.add_argument("--pause", type=float, default=0.5, metavar="SECONDS", help="before each report")
        parser.add_argument("--late", type=float, default=960.0, metavar="SECONDS", help="what `late` waits")

    def handle(self, *, host: str, port: int, secret: str | None, scenario: str, **options: Any) -> None:
        user = options["user"]
        emulator = Emulator(
            SCENARIOS[scenario],
            Reporter(options["service"], user, options["password"] or user),
            pause=options["pause"],
            late=options["late"],
            say=self.say,
        )
        with emulator.serve(host, port, secret) as server:
            url = f"http://{host}:{server.server_address[1]}/events"
            server.secret = secret or register(options["name"], url, user)
            connection.close()
            if options["address_file"]:
                options["address_file"].write_text(url)
            self.say(f"scenario {scenario}: waiting for events at {url} (Ctrl-C ends)")
            try:
                server.serve_forever(poll_interval=0.1)
            except KeyboardInterrupt:
                self.say("ended")

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def register(name: str, url: str, username: str) -> str:
    """Makes the endpoint, or points the one of this name here; its new signing secret."""
    operator = User.objects.filter(is_superuser=True).order_by("pk").first()
    if operator is None:
        raise CommandError("It takes a superuser, in whose name the endpoint is made; `make run` makes one.")
    wanted: dict[str, Any] = {
        "name": name,
        "url": url,
        "authentication": {"type": "none"},
        "event_types": ["*"],
        "integration": username,
        "active": True,
    }
    existing = NotificationEndpoint.objects.filter(name=name).first()
    try:
        if existing is None:
            return services.create_endpoint(user_id=operator.pk, **wanted)[1]
        services.change_endpoint(endpoint_id=existing.pk, user_id=operator.pk, **wanted)
        return services.rotate_secret(endpoint_id=existing.pk, user_id=operator.pk, overlap=timedelta(0))[1]
    except RuleBroken as error:
        raise CommandError(str(error)) from error

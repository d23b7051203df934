"""`manage.py receiver`: prints the events that arrive, and says whether their signature is right."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jobs.notifications.receiving import EventServer, Manners, Received


class Command(BaseCommand):
    help = "Take notification events, print and verify them, and answer as told."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=9100)
        parser.add_argument("--secret", metavar="whsec_...", help="the endpoint's signing secret")
        parser.add_argument("--fail", type=int, default=0, metavar="N", help="answer 500 to the first N")
        parser.add_argument("--gone", action="store_true", help="answer 410, which disables the endpoint")
        parser.add_argument("--slow", type=float, default=0.0, metavar="SECONDS", help="answer after so long")
        parser.add_argument("--never", action="store_true", help="take the event and never answer")

    def handle(
        self, *, host: str, port: int, secret: str | None, fail: int, gone: bool, slow: float, never: bool, **_: Any
    ) -> None:
        with EventServer(host, port, secret, self.show) as server:
            server.manners = Manners(failures=fail, status=410 if gone else 200, pause=slow, never=never)
            self.stdout.write(f"Waiting for events at http://{host}:{server.server_address[1]}/ (Ctrl-C ends).")
            try:
                server.serve_forever(poll_interval=0.1)
            except KeyboardInterrupt:
                self.stdout.write("Ended.")

    def show(self, received: Received) -> None:
        verdict = {True: "signature right", False: "SIGNATURE WRONG", None: "not verified, no --secret"}
        again = ", sent before" if received.is_repeated else ""
        self.stdout.write(f"{received.webhook_id} ({verdict[received.is_genuine]}{again})")
        self.stdout.write(json.dumps(received.document, indent=2, ensure_ascii=False))

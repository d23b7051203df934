"""`manage.py reset`: forget everything that `up` has made in this clone."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from config.embedded import folders, place
from config.embedded.place import Place
from config.embedded.process import ServiceError
from config.supervisor import lock


class Command(BaseCommand):
    help = "Removes the private database and broker, files, exports and logs of this clone. Asks first."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help="do not ask")

    def handle(self, *_: Any, force: bool, **__: Any) -> None:
        here = place.of(settings.BASE_DIR)
        if not force and not self.confirmed(here):
            sys.exit("Nothing was removed.")
        try:
            lock.end_holder(here.lock)
            folders.remove(here)
        except ServiceError as error:
            sys.exit(str(error))
        self.stdout.write("Removed. The next `make run` starts afresh.")

    def confirmed(self, here: Place) -> bool:
        self.stdout.write("This stops what runs here and removes for good, with all data in them:")
        self.stdout.writelines(f"  {folder}\n" for folder in folders.all_of(here))
        try:
            return input("Go on? [y/N] ").strip().lower() in {"y", "yes"}
        except EOFError:
            return False

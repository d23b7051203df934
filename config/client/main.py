"""The two commands: start an export and see it through; follow what somebody has started."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from config.client import following
from config.client.credentials import credentials
from config.client.display import Display
from config.client.documents import Document, link
from config.client.downloads import fetch_all
from config.client.outcomes import ClientError, Exit
from config.client.session import Session

Show = Callable[[str], object]


class Run:
    """One command on its way; `address` is where its operation is found, once that is known."""

    def __init__(self, server: str, user: str | None, display: Display | None = None) -> None:
        self.display = display or Display()
        self.server, self.user = server, user
        self.address: str | None = None
        self.session: Session

    def export(self, request: Document, folder: Path) -> Sequence[Path]:
        self.address = following.start_export(self.session, self.server, request)
        self.display.say(f"Export started: {self.address}")
        return self.see_through(self.address, folder)

    def watch(self, address: str, folder: Path | None) -> Sequence[Path]:
        address, document = following.operation_at(self.session, address)
        if "dataFiles" in document:
            return [] if folder is None else fetch_all(self.session, document, folder)
        self.address = address
        return self.see_through(address, folder)

    def see_through(self, address: str, folder: Path | None) -> Sequence[Path]:
        operation = following.wait_for_end(self.session, address)
        following.check_completed(self.session, operation)
        data_set = self.session.ask("GET", link(operation, "datafileset")).document
        for one in data_set["dataFiles"]:
            rows = f", {one['rowCount']} rows" if "rowCount" in one else ""
            self.display.say(f"{one.get('description') or one['code']}: {one['contentLength']} bytes{rows}", "green")
        return [] if folder is None else fetch_all(self.session, data_set, folder)

    def run(self, work: Callable[[], Sequence[Path]], show: Show) -> Exit:
        """The exit code; each file that arrived is shown by its path."""
        try:
            self.session = Session(credentials(self.user), self.server, self.display)
            for path in work():
                show(str(path))
        except ClientError as error:
            self.display.say(str(error), "bold red")
            self.remind(error.code)
            return error.code
        except KeyboardInterrupt:
            return self.interrupted()
        return Exit.DONE

    def remind(self, code: Exit) -> None:
        if self.address and code in {Exit.UNREACHABLE, Exit.CHECKSUM, Exit.LOCAL}:
            self.display.say(f"To go on: manage.py watch {self.address} -o FOLDER")

    def interrupted(self) -> Exit:
        """Ctrl-C: ask whether to cancel where somebody can answer; else the operation goes on."""
        if self.address is None:
            self.display.say("\nInterrupted.")
            return Exit.INTERRUPTED
        try:
            if self.wants_to_cancel():
                status = following.cancel(self.session, self.address).get("status")
                self.display.say(f"The operation is {status}.")
                return Exit.CANCELLED if status == "Cancelled" else Exit.INTERRUPTED
        except ClientError as error:
            self.display.say(str(error), "bold red")
        except (KeyboardInterrupt, EOFError):
            self.display.say("")
        self.display.say(f"\nThe operation goes on without us. To watch it: manage.py watch {self.address} -o FOLDER")
        return Exit.INTERRUPTED

    def wants_to_cancel(self) -> bool:
        if not sys.stdin.isatty():
            return False
        self.display.console.print("\nCancel the operation? [y/N] ", end="", markup=False)
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

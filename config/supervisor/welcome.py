"""What one sees when everything runs: where things are, who may log in, how to stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich import box
from rich.table import Table

from config.embedded.place import Place
from config.supervisor.logs import console
from config.supervisor.users import GROUPS, SUPERUSER


def show(here: Place, variables: Mapping[str, str], *, demonstrated: bool) -> None:
    table = Table(box=box.ROUNDED, show_header=False, title="Tallyport is running", title_justify="left")
    for name, value in rows(here, variables):
        table.add_row(name, value)
    console.print(table)
    if not demonstrated:
        console.print("The export above failed; everything still runs, so that you can look.", style="bold red")


def rows(here: Place, variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    url = variables["PUBLIC_URL"]
    yield "API", f"{url}/api/"
    yield "documentation", f"{url}/api/docs"
    yield "console", f"{url}/admin/   ({SUPERUSER} / {SUPERUSER})"
    yield "logins", ", ".join(f"{name} ({group})" for name, group in GROUPS.items()) + "; password = name"
    yield "data", str(here.private) if variables["DATABASE_URL"] == here.database_url else "at DATABASE_URL"
    yield "exports, logs", f"{here.exports}, {here.var / 'log'}"
    yield "stop", "Ctrl-C here, or `make stop` in another terminal"

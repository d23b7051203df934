"""One export through the public API, as a client makes it: it knows one address and follows links from there.

`python -m config.demo` prints each request as a curl line that can be pasted, and the answer. Exit code 0 means that
the export ended well, and that the downloaded file is, byte for byte, the one that the service describes.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from config.client.documents import Document, file_name, has_link, link, measure, promised_digest
from config.client.outcomes import ClientError

USER = "testuser1"  # its password is its name
LIMIT_CODE = "VERT"
BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)  # the sample begins in that year
SHOWN_HEADERS = ("Location", "Retry-After", "Content-Type", "Content-Length", "Repr-Digest")
PATIENCE_SECONDS = 300.0
JOB_PATIENCE_SECONDS = 30.0
TIMEOUT_SECONDS = 30.0
CHUNK_BYTES = 1 << 18


class DemoError(Exception):
    """Something was not as it must be; the text says what."""


class Client:
    """Sends requests and shows them."""

    def __init__(self, console: Console, user: str = USER) -> None:
        self.console = console
        self.user = user
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy of the environment stands between us and this machine
        self.session.auth = (user, user)

    def send(self, method: str, url: str, body: Document | None = None) -> requests.Response:
        """Send one request and show it with its answer. Raises DemoError on any error status."""
        self.console.print(Text(f"\n$ {curl(method, url, body, self.user)}", style="bold cyan"))
        answer = self.send_quietly(method, url, body)
        self.show(answer)
        return answer

    def send_quietly(self, method: str, url: str, body: Document | None = None) -> requests.Response:
        answer = self.session.request(method, url, json=body, timeout=TIMEOUT_SECONDS)
        if not answer.ok:
            self.show(answer)
            raise DemoError(f"{method} {url} was answered with {answer.status_code} {answer.reason}.")
        return answer

    def download(self, url: str, folder: Path) -> tuple[Path, requests.Response]:
        """Store the content under the name that the service gives it, visible only when it is whole."""
        with self.session.get(url, stream=True, timeout=TIMEOUT_SECONDS) as answer:
            if not answer.ok:
                self.show(answer)
                raise DemoError(f"The file was answered with {answer.status_code} {answer.reason}.")
            target = folder / file_name(answer.headers, answer.url)
            self.console.print(Text(f"\n$ {curl('GET', url)} -o {shlex.quote(str(target))}", style="bold cyan"))
            self.show_head(answer)
            unfinished = target.with_name(f".{target.name}.part")
            with unfinished.open("wb") as output:
                for chunk in answer.iter_content(CHUNK_BYTES):
                    output.write(chunk)
            return unfinished.replace(target), answer

    def show(self, answer: requests.Response) -> None:
        self.show_head(answer)
        if answer.content:
            self.console.print_json(data=answer.json())

    def show_head(self, answer: requests.Response) -> None:
        self.console.print(
            Text(f"HTTP {answer.status_code} {answer.reason}", style="bold green" if answer.ok else "bold red")
        )
        for name in SHOWN_HEADERS:
            if name in answer.headers:
                self.console.print(Text(f"{name}: {answer.headers[name]}", style="dim"))


def curl(method: str, url: str, body: Document | None = None, user: str = USER) -> str:
    """The request as a line for a shell."""
    parts = ["curl", "-sS", "-u", f"{user}:{user}"]
    if method != "GET":
        parts += ["-i", "-X", method]
    if body is not None:
        parts += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    return shlex.join([*parts, url])


def export(client: Client, url: str, exports: Path) -> list[Path]:
    """Ask for the export, wait for it, fetch its files and check them; where they lie."""
    exports.mkdir(parents=True, exist_ok=True)
    batch = wait_for_end(client, begin(client, url))
    if batch["status"] != "Completed":
        raise DemoError(f"The export ended as {batch['status']}: {explanation(client, batch)}")
    data_set = client.send("GET", link(batch, "datafileset")).json()
    return [fetch(client, data_file, exports) for data_file in data_set["dataFiles"]]


def begin(client: Client, url: str) -> str:
    """Ask for every consumption of one limit until now; the address of the operation."""
    body = {
        "transactionStartDateTime": {"value": BEFORE_ALL.isoformat()},
        "transactionEndDateTime": {"value": datetime.now(UTC).isoformat(timespec="milliseconds")},
        "limitCodes": [LIMIT_CODE],
    }
    answer = client.send("POST", f"{url}/api/readconsumptionbatches", body)
    if "Location" not in answer.headers:
        raise DemoError("The answer does not say where the operation is found.")
    return answer.headers["Location"]


def wait_for_end(client: Client, url: str) -> Document:
    """Follow `monitor` until it is no longer there, as often as the service asks for; the operation at its end."""
    answer = client.send("GET", url)
    batch: Document = answer.json()
    if not has_link(batch, "monitor"):
        return batch
    deadline = time.monotonic() + PATIENCE_SECONDS
    with progress_bar(client.console) as progress:
        bar = progress.add_task("exporting", total=100)
        while has_link(batch, "monitor"):
            if time.monotonic() > deadline:
                raise DemoError(f"The export did not end within {PATIENCE_SECONDS:.0f} seconds.")
            time.sleep(float(answer.headers.get("Retry-After", 1)))
            answer = client.send_quietly("GET", link(batch, "monitor"))
            batch = answer.json()
            show_progress(progress, bar, batch)
    return dict(client.send("GET", link(batch, "self")).json())


def progress_bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=console
    )


def show_progress(progress: Progress, bar: Any, batch: Document) -> None:
    state = batch.get("progress", {})
    description = f"exporting, {state['rowsWritten']} rows" if "rowsWritten" in state else "exporting"
    percent = 100 if batch["status"] == "Completed" else state.get("percent", 0)
    progress.update(bar, description=description, completed=percent)


def explanation(client: Client, batch: Document) -> str:
    """Why the operation failed, in the words that the service left with it."""
    task = client.send("GET", link(batch, "operator")).json()
    messages = client.send("GET", link(task, "operator:messages")).json().get("messages", [])
    return " ".join(message["text"] for message in messages) or "the service left no message."


def fetch(client: Client, data_file: Document, exports: Path) -> Path:
    """Download one file and check it against everything that was said about it."""
    path, answer = client.download(link(data_file, "file"), exports)
    size, digest = measure(path)
    sizes = {"the set says": data_file["contentLength"], "Content-Length says": answer.headers.get("Content-Length")}
    digests = {"the set says": data_file["sha256"], "Repr-Digest says": promised_digest(answer.headers)}
    check(path, "size", str(size), sizes)
    check(path, "SHA-256", digest, digests)
    console = client.console
    console.print(
        Text(f"{size} bytes, {data_file.get('rowCount', '?')} rows; size and SHA-256 are right.", style="bold green")
    )
    console.print(Text(f"\n$ {shlex.join(['sha256sum', str(path)])}", style="bold cyan"))
    console.print(f"{digest}  {path}")
    return path


def show_job(console: Console, url: str) -> None:
    """The event of the export went to the emulated integration; its job ends as `Completed`."""
    operator, integration = Client(console, "operator1"), Client(console, "integration1")
    newest = urlencode({"q": "eventType.eq('ReadConsumptionBatch')", "orderBy": "id:desc", "limit": 1})
    deliveries = f"{url}/api/notificationdeliveries?{newest}"
    wait_until(operator, deliveries, lambda found: "delivered" in (found["items"] or [{}])[0])
    (delivery,) = operator.send("GET", deliveries).json()["items"]
    job = f"{url}/ws/rest/service/v2/oic/job/{delivery['jobId']}"
    wait_until(integration, job, lambda found: found["data"]["status"] == "Completed")
    integration.send("GET", job)
    console.print(Text(f"The integration reported job {delivery['jobId']} as Completed.", style="bold green"))


def wait_until(client: Client, url: str, done: Callable[[Document], bool]) -> None:
    """Raises DemoError when it takes longer than half a minute."""
    deadline = time.monotonic() + JOB_PATIENCE_SECONDS
    while not done(client.send_quietly("GET", url).json()):
        if time.monotonic() > deadline:
            raise DemoError(f"{url} does not show what it should within {JOB_PATIENCE_SECONDS:.0f} seconds.")
        time.sleep(0.2)


def check(path: Path, what: str, found: str, promised: dict[str, Any]) -> None:
    """Raises DemoError when a promise that was made does not hold."""
    for who, value in promised.items():
        if value is not None and str(value).lower() != found:
            raise DemoError(f"{path}: its {what} is {found}, but {who} {value}.")


def main() -> int:
    parser = argparse.ArgumentParser(prog="config.demo", description=__doc__)
    parser.add_argument("--url", default="http://localhost:9998", help="where the service is (default: %(default)s)")
    parser.add_argument("--exports", type=Path, default=Path("var/exports"), help="where to store files")
    arguments = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    try:
        paths = export(Client(console), arguments.url, arguments.exports)
        show_job(console, arguments.url)
    except (DemoError, ClientError, requests.RequestException, OSError) as error:
        console.print(Text(f"\nThe demonstration failed: {error}", style="bold red"))
        return 1
    for path in paths:
        console.print(Text(f"\nThe export arrived: {os.path.relpath(path)}", style="bold green"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

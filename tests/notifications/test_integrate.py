"""The programs in docs/integrate.md, run as they are printed against the service."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from django.conf import settings as django_settings

from hypermedia.readers import Role
from jobs import registry
from jobs.callbacks.models import IntegrationJob
from jobs.notifications.models import Delivery, NotificationEndpoint
from tests.factories import ConsumptionFactory, LimitFactory, UserFactory
from tests.jobs.conftest import until
from tests.needs import needs
from tests.notifications.conftest import send_all
from tests.rabbitmq import free_ports
from tests.serving import worker

BLOCK = re.compile(r"^```(?:sh|python)\n# (\S+\.(?:sh|py)).*?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOCUMENT = (Path(django_settings.BASE_DIR) / "docs" / "integrate.md").read_text()
PROGRAMS = {name: f"{code}" for name, code in BLOCK.findall(DOCUMENT)}
pytestmark = [needs("curl", which("curl")), needs("jq", which("jq"))]


@pytest.fixture
def service(transactional_db: None, live_server: Any, settings: Any) -> Iterator[str]:
    """The service with the people of `make run`, and a worker."""
    settings.PUBLIC_URL = live_server.url
    registry.store_task_types()
    for name, role in (
        ("testuser1", Role.CLIENT),
        ("operator1", Role.OPERATOR),
        ("integration1", Role.INTEGRATION),
    ):
        UserFactory.create(username=name, roles=[role])
    with worker(send_all):
        yield live_server.url


@pytest.fixture
def written(tmp_path: Path) -> Path:
    for name, code in PROGRAMS.items():
        (tmp_path / name).write_text(code)
    return tmp_path


def environment(url: str, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "URL": url, "no_proxy": "*", **more}


def run(folder: Path, url: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable] if words[0].endswith(".py") else ["sh"]
    return subprocess.run(
        [*program, *words],
        cwd=folder,
        env=environment(url, **more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_all_programs_are_found() -> None:
    assert list(PROGRAMS) == ["poll.sh", "poll.py", "import.sh", "subscribe.sh", "receive.py", "report.sh"]


def test_polling(service: str, written: Path) -> None:
    ConsumptionFactory.create()
    shell = run(written, service, "poll.sh")
    assert (shell.returncode, shell.stderr) == (0, "")
    name = shell.stdout.removesuffix(" arrived\n")
    assert (written / name).read_text().count("\n") == 2
    python = run(written, service, "poll.py")
    assert python.returncode == 0, python.stderr
    assert python.stdout.endswith(" bytes, 2 rows\n")


def test_importing(service: str, written: Path) -> None:
    LimitFactory.create(code="VERT", type="UNITS", currency="")
    ended = run(written, service, "import.sh")
    assert (ended.returncode, ended.stderr) == (0, "")
    summary, refused = ended.stdout.splitlines()
    assert summary == "Completed: 1 written, 1 refused"
    assert "Limit code NONE is unknown." in refused


@pytest.mark.parametrize("program", ["poll.sh", "poll.py"])
def test_polling_tells_why_it_failed(
    service: str, written: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jobs.errors import OperationFailed

    def fail(*_: Any) -> None:
        raise OperationFailed("CON-FA-009", "The disk is full.", "Try again.")

    monkeypatch.setattr("consumption.exporting.operation.wait_until_complete", fail)
    ended = run(written, service, program)
    assert (ended.returncode, ended.stderr) == (1, "The disk is full. Try again.\n")


def test_receiving_and_reporting(service: str, written: Path) -> None:
    [port] = free_ports(1)
    subscribed = run(written, service, "subscribe.sh", RECEIVER=f"http://127.0.0.1:{port}/")
    assert subscribed.returncode == 0, subscribed.stderr
    secret = subscribed.stdout.strip()
    assert secret.startswith("whsec_")
    with receiver(written, service, secret, port) as printed:
        run(written, service, "poll.py")
        until(lambda: printed.read_text().count("Job updated Successfully") >= 2)
        until(lambda: Delivery.objects.get().status == "DELIVERED")
    text = printed.read_text()
    assert "operator:subject http" in text
    assert text.count("Job updated Successfully") == 2
    job = IntegrationJob.objects.get()
    assert job.status == "Completed"
    reported = run(written, service, "report.sh", job.job_id, "Failed", 'it\'s "broken"')
    assert (reported.returncode, reported.stdout) == (0, "Job updated Successfully\n"), reported.stderr
    job.refresh_from_db()
    assert (job.status, job.flagged) == ("Completed", True)


def test_printed_receiver_refuses_forgeries(service: str, written: Path) -> None:
    [port] = free_ports(1)
    run(written, service, "subscribe.sh", RECEIVER=f"http://127.0.0.1:{port}/")
    with receiver(written, service, "whsec_" + "A" * 43 + "=", port):
        run(written, service, "poll.py")
        until(lambda: NotificationEndpoint.objects.get().failing_since is not None)
    assert IntegrationJob.objects.get().status is None


@contextmanager
def receiver(folder: Path, url: str, secret: str, port: int) -> Iterator[Path]:
    printed = folder / "printed"
    with printed.open("w") as output:
        running = subprocess.Popen(
            [sys.executable, "receive.py"],
            cwd=folder,
            env=environment(url, SECRET=secret, PORT=str(port)),
            stdout=output,
        )
        try:
            until(lambda: "listening" in printed.read_text())
            yield printed
        finally:
            running.kill()
            running.wait()

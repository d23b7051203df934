"""`manage.py export` and `watch`: how each ends, and what it tells."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User

from config.client import session
from config.client.following import export_request
from config.client.main import Run
from config.client.outcomes import ClientError, Exit
from config.client.session import Session
from consumption.models import ReadConsumptionBatch
from hypermedia.fields import parse_date_time
from hypermedia.links import href
from hypermedia.readers import Role
from jobs import services
from jobs.callbacks.models import AccessToken
from jobs.links import monitor_path, task_path
from tests.api.world import failed, start
from tests.client.conftest import Ended
from tests.client.relay import Relay
from tests.factories import ConsumptionFactory, UserFactory
from tests.serving import worker

YEAR = (parse_date_time("2024-01-01T00:00:00Z"), parse_date_time("2024-12-31T23:59:59Z"))
Start = Callable[..., Ended]
Watching = tuple[subprocess.Popen[bytes], int]


def request(*limits: str) -> dict[str, Any]:
    return export_request(list(limits) or None, *YEAR, None, None)


def path_of(batch: ReadConsumptionBatch) -> str:
    return href(f"generic/readconsumptionbatches/{batch.pk}")


def program(relay: Relay, *words: str) -> list[str]:
    where = ["--server", relay.url] if words[0] == "export" else []
    return [sys.executable, "manage.py", *words, *where]


def environment(**more: str) -> dict[str, str]:
    credentials = {"TALLYPORT_USER": "somebody", "TALLYPORT_PASSWORD": "somebody"}
    return {"PATH": os.environ["PATH"], "no_proxy": "*", **credentials, **more}


def test_export_from_the_command_line(relay: Relay, somebody: User, tmp_path: Path) -> None:
    ConsumptionFactory.create()
    words = ("export", "--limit", "VERT", "--from", "2024-01-01", "--to", "2024-12-31", "-o", str(tmp_path))
    with worker():
        done = subprocess.run(
            program(relay, *words),
            cwd=django_settings.BASE_DIR,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == Exit.DONE, done.stderr
    assert Path(done.stdout.strip()).read_text().count("\n") == 2
    assert "Export started: http" in done.stderr
    batch = ReadConsumptionBatch.objects.get()
    moments = batch.transaction_start.isoformat(), batch.transaction_end.isoformat(timespec="milliseconds")
    assert moments == ("2024-01-01T00:00:00+00:00", "2024-12-31T23:59:59.999+00:00")


def test_export_with_a_token(run: Start, somebody: User, settings: Any, tmp_path: Path) -> None:
    _, settings.CLIENT_TOKEN = AccessToken.objects.issue(
        user=somebody, name="t", scope=AccessToken.Scope.API, expires_at=parse_date_time("2999-01-01T00:00:00Z")
    )
    settings.CLIENT_USER = settings.CLIENT_PASSWORD = ""
    with worker():
        ended = run(lambda command: command.export(request(), tmp_path))
    assert ended.code == Exit.DONE, ended.said


def test_lost_answer_starts_no_second_export(
    run: Start, relay: Relay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From the first answer on the line carries requests and no answers, until the export is there."""
    trust = Session.trust

    def then_cut(self: Session, document: Any) -> None:
        trust(self, document)
        relay.cut_after = 0

    def mend(seconds: float) -> None:
        if ReadConsumptionBatch.objects.exists():
            relay.cut_after = None

    monkeypatch.setattr(Session, "trust", then_cut)
    monkeypatch.setattr("config.client.session.time.sleep", mend)
    monkeypatch.setattr("config.client.following.wait_for_end", lambda *_: {"status": "Cancelled"})
    ended = run(lambda command: command.export(request(), tmp_path))
    assert ended.code == Exit.CANCELLED, ended.said
    assert "Trying again" in ended.said
    assert ReadConsumptionBatch.objects.count() == 1


@pytest.mark.parametrize("kind", ["operation", "monitor", "task"])
def test_failed_operation_says_why(run: Start, somebody: User, kind: str) -> None:
    batch = failed(somebody)
    paths = {"operation": path_of(batch), "monitor": href(monitor_path(batch.task_id))}
    ended = run(lambda command: command.watch(paths.get(kind, href(task_path(batch.task_id))), None))
    assert ended.code == Exit.FAILED
    assert "Broken on purpose. A restart can help. [TSK-FA-009]" in ended.said
    assert f"To restart it as it is: POST {href(f'taskprocessing/{batch.task_id}/restart')}" in ended.said


def test_cancelled_operation(run: Start, somebody: User) -> None:
    batch = start(somebody)
    services.cancel(task_id=batch.task_id, user_id=somebody.pk)
    ended = run(lambda command: command.watch(path_of(batch), None))
    assert (ended.code, ended.said) == (Exit.CANCELLED, "The operation was cancelled.\n")


def test_rules_that_are_broken_are_all_told(run: Start, tmp_path: Path) -> None:
    ended = run(lambda command: command.export(request("A", "B"), tmp_path))
    assert ended.code == Exit.REFUSED
    assert "Limit code A is unknown. [CON-IP-002, at /limitCodes/0]\nLimit code B" in ended.said


def test_wrong_password(run: Start, settings: Any, tmp_path: Path) -> None:
    settings.CLIENT_PASSWORD = "mistyped"
    ended = run(lambda command: command.export(request(), tmp_path))
    assert ended.code == Exit.REFUSED
    assert "401" in ended.said
    assert "mistyped" not in ended.said


def test_who_may_not_export(run: Start, settings: Any, tmp_path: Path) -> None:
    UserFactory.create(username="auditor", roles=[Role.AUDITOR])
    settings.CLIENT_USER = settings.CLIENT_PASSWORD = "auditor"
    ended = run(lambda command: command.export(request(), tmp_path))
    assert (ended.code, ended.said) == (Exit.REFUSED, "These credentials may not start exports.\n")


def test_nobody_to_ask_for_the_password(run: Start, settings: Any) -> None:
    settings.CLIENT_PASSWORD = ""
    ended = run(lambda command: command.watch("http://127.0.0.1:9/", None))
    assert ended.code == Exit.LOCAL
    assert "TALLYPORT_TOKEN" in ended.said


def test_server_that_is_away(run: Start, relay: Relay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(session, "PATIENCE_SECONDS", 0)
    relay.close()
    ended = run(lambda command: command.export(request(), tmp_path))
    assert (ended.code, ended.said) == (Exit.UNREACHABLE, f"{relay.url} cannot be reached.\n")


def test_address_that_is_none(run: Start) -> None:
    ended = run(lambda command: command.watch("/api", None), server="/api")
    assert ended.code == Exit.REFUSED


def test_call_has_a_deadline_although_bytes_drip(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(session.DeadlinePassedError), session.deadline(0.05):
        while True:
            time.sleep(0.01)
    with session.deadline(0.05):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_password_goes_to_no_other_place(run: Start, relay: Relay, somebody: User, settings: Any) -> None:
    address = path_of(failed(somebody))
    settings.PUBLIC_URL = "http://127.0.0.1:9"  # what the links name from now on

    def watch(command: Run) -> Any:
        command.session.trust = lambda document: None  # type: ignore[method-assign]
        return command.watch(address, None)

    ended = run(watch)
    assert ended.code == Exit.REFUSED
    assert "another place, http://127.0.0.1:9" in ended.said


@contextmanager
def watching(relay: Relay, batch: ReadConsumptionBatch, terminal: bool) -> Iterator[Watching]:
    """`manage.py watch` once it has said something; its output is read from the descriptor."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        program(relay, "watch", path_of(batch)),
        cwd=django_settings.BASE_DIR,
        env=environment(TERM="xterm"),
        stdin=theirs if terminal else subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=interruptible,  # noqa: PLW1509  # a child that is about to become another program
    )
    os.close(theirs)
    try:
        yield running, ours
    finally:
        running.kill()
        running.wait()
        os.close(ours)


def interruptible() -> None:
    """A shell that starts tests in the background tells them, and so their children, to ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def read_until(descriptor: int, text: bytes) -> bytes:
    read, ends = b"", time.monotonic() + 90
    while text not in read:
        readable, _, _ = select.select([descriptor], [], [], max(0, ends - time.monotonic()))
        assert readable, read
        read += os.read(descriptor, 4096)  # fails when the other side has ended
    return read


def test_interrupted_without_a_terminal_it_goes_on(relay: Relay, somebody: User) -> None:
    batch = start(somebody)
    with watching(relay, batch, terminal=False) as (running, output):
        read_until(output, b"rows")
        running.send_signal(signal.SIGINT)
        read_until(output, f"manage.py watch {path_of(batch)}".encode())
        assert running.wait(60) == Exit.INTERRUPTED
    batch.refresh_from_db()
    assert batch.status == "In Progress"


@pytest.mark.parametrize(("said", "code", "status"), [("y", Exit.CANCELLED, "Cancelled"), ("", 130, "In Progress")])
def test_interrupted_at_a_terminal_it_asks(relay: Relay, somebody: User, said: str, code: int, status: str) -> None:
    batch = start(somebody)
    with watching(relay, batch, terminal=True) as (running, terminal):
        read_until(terminal, b"rows")
        running.send_signal(signal.SIGINT)
        read_until(terminal, b"[y/N]")
        os.write(terminal, f"{said}\n".encode())
        assert running.wait(60) == code
    batch.refresh_from_db()
    assert batch.status == status


def test_missing_link_is_told() -> None:
    from config.client.documents import link

    with pytest.raises(ClientError, match="no link `datafileset`"):
        link({"links": []}, "datafileset")

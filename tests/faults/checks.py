"""What has to hold after every fault, whatever it was. Asked in SQL and on the disk."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable
from functools import partial

import psycopg

from config.supervisor.services import KEEPER_THREADS
from tests.faults import history, oracle
from tests.faults.oracle import Content
from tests.faults.servers import PATIENCE
from tests.faults.stack import END_STATES, Stack

# More than there were when nothing had happened yet: each thread opens its connection to the database, and to the
# broker, when it first needs one, and keeps it. A descriptor lost in each row goes beyond that soon.
MORE = 2 * KEEPER_THREADS + 6
# The sample's persons and families; signing secrets; `user:password` of the users in development, as sent.
PERSONAL_OR_SECRET = re.compile(r"SAMPLE-[PF]\d+|whsec_[\w+/=]+|dGVzdHVzZXIx\w*|b3BlcmF0b3Ix\w*")
_FILES = """
    SELECT f.storage_key, f.row_count, f.content_length, f.sha256, b.snapshot::text
      FROM consumption_readconsumptionbatch b JOIN datafiles_datafile f ON f.data_file_set_id = b.data_file_set_id
     WHERE b.id = %s
"""


def newest(stack: Stack) -> int:
    """The id of the newest export, 0 when there is none."""
    return int(stack.value("SELECT coalesce(max(id), 0) FROM consumption_readconsumptionbatch"))


_TWICE_GIVEN = """
    SELECT count(data_file_set_id) - count(DISTINCT data_file_set_id) FROM consumption_readconsumptionbatch
"""
_UNOWNED = """
    SELECT count(*) FROM datafiles_datafileset s
     WHERE NOT EXISTS (SELECT FROM consumption_readconsumptionbatch b WHERE b.data_file_set_id = s.id)
       AND NOT EXISTS (
           SELECT FROM consumption_writeconsumptionbatch b WHERE s.id IN (b.data_file_set_id, b.input_set_id)
       )
"""


def idle(stack: Stack, seconds: float = PATIENCE) -> None:
    """Waits until nothing waits and nothing runs."""
    unfinished = "SELECT count(*) FROM jobs_task WHERE status IN ('PENDING', 'PROCESSING')"
    stack.wait("all tasks end", lambda: stack.value(unfinished) == 0, seconds)


def running(stack: Stack) -> int:
    """An export that stands still at the locked ledger; its id."""
    batch = stack.start_export()
    task = stack.task(batch)["task"]
    stack.wait("it reads", lambda: not query_is_gone(stack, task))
    return batch


def query_is_gone(stack: Stack, task: int) -> bool:
    """Whether no statement of this task's attempt runs in the database."""
    return not stack.sql(
        "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND state <> 'idle'", f"tallyport task {task}"
    )


def everything_ends(stack: Stack, *, since: int, accepted: Iterable[int], seconds: float = PATIENCE) -> dict[int, str]:
    """Waits for the ends of all exports after `since`; their statuses. Each one `accepted` is among them."""
    idle(stack, seconds)
    found = stack.sql("SELECT id, status FROM consumption_readconsumptionbatch WHERE id > %s ORDER BY id", since)
    ends = {int(batch): str(status) for batch, status in found}
    assert set(accepted) <= set(ends), "what was answered with 201 is there"
    for batch, status in ends.items():
        _check_end(stack, batch, status)
    assert not history.faults(stack.place.database_url)
    everybody_heard(stack)
    nobody_stays(stack)
    nothing_told(stack)
    return ends


def everything(stack: Stack, *, since: int) -> None:
    """All of this module, about whatever happened after the export `since`."""
    stack.wait("everybody is awake", stack.nobody_frozen)
    everything_ends(stack, since=since, accepted=stack.accepted)
    no_orphans(stack)


def everybody_heard(stack: Stack) -> None:
    """Each receiver got each event of an export or import at least once, always under its id, and the integration
    always with the same job."""
    waiting = "SELECT count(*) FROM notifications_delivery WHERE status IN ('PENDING', 'SENDING')"
    stack.wait("all events are delivered", lambda: stack.value(waiting) == 0)
    stored = stack.sql("SELECT webhook_id, body FROM notifications_notificationevent WHERE subject LIKE 'generic/%%'")
    events = {event: json.loads(body) for event, body in stored}
    for integration, receiver in stack.receivers.items():
        jobs: dict[str, set[str]] = {}
        for got in list(receiver.got):
            event, body = got.headers["webhook-id"], json.loads(got.body)
            jobs.setdefault(event, set()).add(body.pop("jobId", ""))
            assert body == events.get(event), "what was sent is the event of that id"
        assert jobs.keys() == events.keys(), f"events that {integration or 'the receiver'} did not get"
        assert all(len(one) == 1 and ("" in one) == (not integration) for one in jobs.values()), "one job for an event"


def nobody_stays(stack: Stack) -> None:
    """No attempt left a session in the database, and everybody is back at what it had open in the beginning."""
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^tallyport (task|lease) '"
    stack.wait("the sessions of all attempts end", lambda: stack.value(left) == 0)
    first = stack.baseline
    assert first is not None, "warm_up() takes it"
    hosts = max(1, sum(name.startswith("web") for name in stack.programs))
    stack.wait(
        f"no more sessions than {first.sessions} and some",
        lambda: stack.opened().sessions <= hosts * (first.sessions + MORE),
    )
    for name in stack.programs:
        allowed = first.files[name.rstrip("2")] + MORE
        stack.wait(
            f"{name} closes what it does not need of its {stack.opened().files.get(name)} files, {allowed} are allowed",
            partial(has_at_most, stack, name, allowed),
        )


def has_at_most(stack: Stack, name: str, files: int) -> bool:
    return stack.opened().files.get(name, 0) <= files


def nothing_told(stack: Stack) -> None:
    """No log tells of a person, or a secret."""
    for log in (stack.folder / "log").glob("*.log"):
        told = PERSONAL_OR_SECRET.findall(log.read_text(errors="replace"))
        assert not told, f"{log.name} tells {told[:3]}"


def _check_end(stack: Stack, batch: int, status: str) -> None:
    task = stack.task(batch)
    assert END_STATES[task["status"]] == status, task
    open_attempts = "SELECT count(*) FROM jobs_taskattempt WHERE task_id = %s AND ended_at IS NULL"
    assert stack.value(open_attempts, task["task"]) == 0
    fatal = [code for code, _ in stack.messages(batch) if "-FA-" in code]
    assert len(fatal) == history.failures(stack.place.database_url, batch), stack.messages(batch)
    files = stack.sql(_FILES, batch)
    assert len(files) == (1 if status == "Completed" else 0), f"{status} with {len(files)} files"
    for key, rows, length, digest, snapshot in files:
        content = Content(rows, length, digest)
        assert content == on_disk(stack, key), "what is recorded is what lies on the disk"
        with psycopg.connect(stack.place.database_url, application_name="tests") as connection:
            assert content == oracle.expected(connection, snapshot), "and what the snapshot holds"


def on_disk(stack: Stack, key: str) -> Content:
    digest, lines, length = hashlib.sha256(), 0, 0
    with (stack.files / key[:2] / key).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            lines += block.count(b"\n")
            length += len(block)
    return Content(lines, length, digest.hexdigest())


def no_orphans(stack: Stack) -> None:
    """One set for each completed export, none that belongs to no operation, and after the janitor not a file too many
    on the disk."""
    only_whole_files(stack)
    assert stack.value(_TWICE_GIVEN) == 0
    assert stack.value(_UNOWNED) == 0
    # The last that it comes to; when that is gone the janitor is through, and in nobody's way any more.
    leftover = stack.files / "zz" / f"zz{uuid.uuid4().hex[2:]}"
    leftover.parent.mkdir(exist_ok=True)
    leftover.touch()
    stack.tidy()
    stack.wait("the janitor is through", lambda: not leftover.exists())
    assert files_on_disk(stack) == known_files(stack), "the janitor leaves only what is known"


def only_whole_files(stack: Stack) -> None:
    """Whatever bears its final name is complete, also what nobody knows of."""
    for name in files_on_disk(stack) - known_files(stack):
        if not name.endswith(".part") and not name.startswith("zz"):
            assert on_disk(stack, name).lines > stack.consumptions, f"{name} is only a part"


def files_on_disk(stack: Stack) -> set[str]:
    return {path.name for path in stack.files.glob("??/*")}


def known_files(stack: Stack) -> set[str]:
    return {key for (key,) in stack.sql("SELECT storage_key FROM datafiles_datafile")}

"""Whether the process lives, and whether it can do its work.

A web host that cannot answer requests says 503 and is taken out of the balancer. Workers that are missing, or tasks
that wait too long, are no reason for that: they are shown as warnings, and metrics and the console raise the alarm.
"""

from __future__ import annotations

from typing import Any

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from rest_framework.request import Request
from rest_framework.response import Response

from consumption.clusters import identifiers
from datafiles import storage
from hypermedia.media import AnyAccept, PlainJSONRenderer
from hypermedia.views import ResourceView
from jobs import heartbeats, processing

QUEUES = ("operations", "housekeeping", "deliveries")
LONG_WAIT_SECONDS = 300


class OpenView(ResourceView):
    """For probes: open to everybody, and plain JSON whatever `Accept` says."""

    authentication_classes = ()
    permission_classes = ()
    renderer_classes = (PlainJSONRenderer,)
    content_negotiation_class = AnyAccept


class AliveView(OpenView):
    """200 as long as the process answers; asks nothing else."""

    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class ReadyView(OpenView):
    """200 when the database answers, is migrated, and files can be written; 503 that names what is wrong.

    `checks` shows what was looked at, `warnings` what people should see to; neither changes the status.
    """

    def get(self, request: Request) -> Response:
        problems = [*_database_problems(), *_storage_problems()]
        if problems:
            return Response({"status": "not ready", "problems": problems}, status=503, headers={"Retry-After": "2"})
        checks, warnings = _work()
        document = {"status": "ready", "checks": checks, **({"warnings": warnings} if warnings else {})}
        return Response(document)


def _database_problems() -> list[str]:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error:
        return ["the database does not answer"]
    if pending:
        return [f"{len(pending)} migrations are not applied"]
    known, current = identifiers("default")
    return [] if known in {None, current} else ["the ledger was restored from another cluster: adopt_ledger"]


def _storage_problems() -> list[str]:
    problem = storage.problem()
    return [problem] if problem else []


def _work() -> tuple[dict[str, Any], list[str]]:
    """What is known of the work, and what is wrong with it."""
    alive, waiting = heartbeats.alive(), processing.oldest_wait()
    stopped = processing.current().stopped
    checks: dict[str, Any] = {
        "database": "ok",
        "migrations": "ok",
        "storage": "ok",
        "queue": "stopped" if stopped else "started",
        "oldestPendingTaskSeconds": waiting,
        "workers": {queue: alive.get(queue, 0) for queue in QUEUES},
    }
    warnings = [f"no worker takes messages from the queue {queue}" for queue in QUEUES if not alive.get(queue)]
    if waiting > LONG_WAIT_SECONDS and not stopped:
        warnings.append(f"the oldest task has been waiting for {waiting} seconds")
    return checks, warnings

"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import os

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from rest_framework.request import Request
from rest_framework.response import Response

from consumption.clusters import identifiers
from hypermedia.media import AnyAccept, PlainJSONRenderer
from hypermedia.views import ResourceView


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
    """200 when the database answers, is migrated, and files can be written; 503 that names what is wrong."""

    def get(self, request: Request) -> Response:
        problems = [*_database_problems(), *_storage_problems()]
        if problems:
            return Response({"status": "not ready", "problems": problems}, status=503, headers={"Retry-After": "2"})
        return Response({"status": "ready"})


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
    folder = settings.DATA_FILES_DIR
    if not folder.exists():
        folder = folder.parent
    return [] if os.access(folder, os.W_OK | os.X_OK) else ["the file storage is not writable"]

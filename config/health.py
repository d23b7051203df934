"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import os

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from consumption.clusters import identifiers


def alive(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers; asks nothing else."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, is migrated, and files can be written; 503 that names what is wrong."""
    problems = [*_database_problems(), *_storage_problems()]
    if problems:
        return JsonResponse({"status": "not ready", "problems": problems}, status=503, headers={"Retry-After": "2"})
    return JsonResponse({"status": "ready"})


def _database_problems() -> list[str]:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
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

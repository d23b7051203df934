"""System checks of how the parts are put together."""

from __future__ import annotations

import socket
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import Error as DatabaseError

from jobs.models import WorkerHeartbeat


@register(Tags.database)
def one_folder_for_all_hosts(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """datafiles.E001: workers run on several hosts, and each would keep its files where the others cannot read them."""
    if not databases or settings.DATA_FILES_STORAGE != "local" or settings.DATA_FILES_SHARED:
        return []
    hosts = _hosts()
    if len(hosts) < 2:
        return []
    return [
        Error(
            f"Files lie in a folder of one host, and {', '.join(sorted(hosts))} take part.",
            hint="Set DATA_FILES_STORAGE=s3, or put DATA_FILES_DIR on a disk that all hosts share and set"
            " DATA_FILES_SHARED=1.",
            id="datafiles.E001",
        )
    ]


def _hosts() -> set[str]:
    """Those whose workers beat lately, and this one. Before the first migration there are no others."""
    try:
        names = list(WorkerHeartbeat.objects.fresh().values_list("name", flat=True))
    except DatabaseError:
        names = []
    return {name.rpartition("@")[2] for name in names} | {socket.gethostname()}

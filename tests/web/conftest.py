from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.stack import Stack
from tests.web.wire import Wire

SILENT_SECONDS = 3.0


@pytest.fixture(scope="session")
def served() -> Iterator[Stack]:
    """The web server as `up` starts it, and one export of some megabytes that is done."""
    with Stack(consumptions=60_000) as stack:
        stack.settings |= {"SILENT_SECONDS": str(SILENT_SECONDS)}
        stack.start("web", "worker", "keeper")
        stack.wait_for_end(stack.start_export())
        stack.stop("worker", "keeper")
        yield stack


@pytest.fixture
def wire(served: Stack) -> Iterator[Wire]:
    with Wire(served.port) as wire:
        yield wire


@pytest.fixture(scope="session")
def data(served: Stack) -> str:
    """The address of the export's content."""
    [(code, file)] = served.sql(
        "SELECT s.code, f.code FROM datafiles_datafile f JOIN datafiles_datafileset s ON s.id = f.data_file_set_id"
    )
    return f"/api/datafilesets/{code}/datafiles/{file}/data"

"""Every sequence of one to four reports ends as the contract says; 120 of them.

The table is written from the contract, not taken from the code: `Completed` is final, `Failed` may be followed by
`Started` or `Completed`, nothing that is valid is refused; the same status again changes nothing.
"""

from __future__ import annotations

from itertools import product

import pytest

from jobs.callbacks.models import IntegrationJob
from tests.callbacks.conftest import Integration

# (status of the job, reported) -> (verdict, status of the job afterwards)
EXPECTED = {
    (None, "Started"): ("applied", "Started"),
    (None, "Completed"): ("applied", "Completed"),
    (None, "Failed"): ("applied", "Failed"),
    ("Started", "Started"): ("duplicate", "Started"),
    ("Started", "Completed"): ("applied", "Completed"),
    ("Started", "Failed"): ("applied", "Failed"),
    ("Failed", "Started"): ("applied", "Started"),
    ("Failed", "Completed"): ("applied", "Completed"),
    ("Failed", "Failed"): ("duplicate", "Failed"),
    ("Completed", "Started"): ("stale", "Completed"),
    ("Completed", "Completed"): ("duplicate", "Completed"),
    ("Completed", "Failed"): ("stale", "Completed"),
}
SEQUENCES = [
    sequence for length in (1, 2, 3, 4) for sequence in product(["Started", "Completed", "Failed"], repeat=length)
]


def test_there_are_120_sequences() -> None:
    assert len(SEQUENCES) == 3 + 9 + 27 + 81


@pytest.mark.parametrize("sequence", SEQUENCES, ids="-".join)
def test_sequence(integration: Integration, job: IntegrationJob, sequence: tuple[str, ...]) -> None:
    status: str | None = None
    message: str | None = None
    verdicts: list[str] = []
    for number, reported in enumerate(sequence):
        verdict, status = EXPECTED[status, reported]
        verdicts.append(verdict)
        message = f"report {number}" if verdict == "applied" else message
        assert integration.report(reported, f"report {number}")["status"] == 200
        job.refresh_from_db()
        assert (job.status, job.message, job.version) == (status, message, number + 2)
        assert job.flagged == ("stale" in verdicts)
        assert job.last_report_at is not None
    kept = list(job.reports.order_by("id").values_list("received_status", "received_message", "verdict", "answered"))
    assert kept == [
        (reported, f"report {number}", verdict, 200)
        for number, (reported, verdict) in enumerate(zip(sequence, verdicts, strict=True))
    ]

"""What a report does to a job, decided by the job's status and the status that is reported.

                  +-----------Completed-----------+
                  |                               v
    (none) ----Started----> Started --Completed-> Completed
       |                    |    ^                ^
       |                  Failed Started          |
       |                    v    |                |
       +------Failed------> Failed ---Completed---+

* **applied**: the job takes the reported status. `Failed` is no end: a resubmitted run starts again or completes.
  `Started` may be missing, since an integration need not report it.
* **duplicate**: the job has that status already. Integrations repeat a call that they had no answer to, so this is no
  fault; a second run that fails again looks the same, and its message stands in the history.
* **stale**: `Completed` is final; a later `Started` or `Failed` overtook nothing that matters. It changes nothing, is
  kept, and the job is flagged so that an operator looks.

This table decides; `services.py` hands it to the one statement that locks the job and records the report.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The three words that an integration may report."""

    STARTED = "Started"
    COMPLETED = "Completed"
    FAILED = "Failed"


class Verdict(StrEnum):
    """What became of one call. `REJECTED` is every call that reached no job."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    STALE = "stale"
    REJECTED = "rejected"


STARTED, COMPLETED, FAILED = Status
APPLIED, DUPLICATE, STALE, _ = Verdict

# The job's status (None: nothing was reported yet) -> the reported status -> the verdict.
VERDICTS: dict[Status | None, dict[Status, Verdict]] = {
    None: {STARTED: APPLIED, COMPLETED: APPLIED, FAILED: APPLIED},
    STARTED: {STARTED: DUPLICATE, COMPLETED: APPLIED, FAILED: APPLIED},
    COMPLETED: {STARTED: STALE, COMPLETED: DUPLICATE, FAILED: STALE},
    FAILED: {STARTED: APPLIED, COMPLETED: APPLIED, FAILED: DUPLICATE},
}


def verdicts_on(reported: Status) -> dict[str, Verdict]:
    """The column of the table for one reported status: job status (`""` for none) -> verdict."""
    return {present or "": row[reported] for present, row in VERDICTS.items()}

"""An integration as it should be, and as it sometimes is: takes an event, does nothing, and reports on its job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from jobs.notifications.receiving import EventServer, Received

_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Step:
    """One report, after a wait: `late` for the long one."""

    status: str
    message: str = ""
    late: bool = False


STARTED, COMPLETED = Step("Started", "Process Started"), Step("Completed", "Process Completed")
FAULT = Step("Failed", "The target system refused the file.")

SCENARIOS: dict[str, tuple[Step, ...]] = {
    "happy": (STARTED, COMPLETED),
    "fault": (STARTED, FAULT),
    "late": (Step("Started", "Process Started, late", late=True), COMPLETED),
    "duplicate": (STARTED, STARTED, COMPLETED, COMPLETED),
    "out-of-order": (COMPLETED, STARTED),
    "resubmit": (STARTED, FAULT, STARTED, COMPLETED),
    "silent": (),
}


class Reporter:
    """Speaks the status callback: a token by Basic, then a PUT for each report."""

    def __init__(self, service: str, username: str, password: str) -> None:
        self._base = f"{service.rstrip('/')}/ws/rest/service/v2"
        self._account = (username, password)

    def report(self, job_id: str, step: Step) -> dict[str, Any]:
        """The answer's body. Raises requests.RequestException."""
        body = {"jobId": job_id, "status": step.status, "message": step.message}
        return self._send("PUT", "oic/job", json=body, headers={"Authorization": f"Bearer {self._token()}"})

    def _token(self) -> str:
        return str(self._send("GET", "auth/token", auth=self._account)["data"]["access_token"])

    def _send(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        with requests.Session() as session:
            session.trust_env = False  # no proxy, no netrc
            answer = session.request(method, f"{self._base}/{path}", timeout=_TIMEOUT_SECONDS, **options)
            answer.raise_for_status()
            return dict(answer.json())


class Emulator:
    """Plays one scenario for every job. `say` gets a line for each thing that happens."""

    def __init__(
        self, steps: tuple[Step, ...], reporter: Reporter, *, pause: float, late: float, say: Callable[[str], None]
    ) -> None:
        self._steps = steps
        self._reporter = reporter
        self._pause = pause
        self._late = late
        self._say = say

    def serve(self, host: str, port: int, secret: str | None) -> EventServer:
        """A server that takes the events; the caller runs it. Port 0 takes any."""
        return EventServer(host, port, secret, self.take)

    def take(self, received: Received) -> None:
        job_id = received.document.get("jobId")
        if received.is_genuine is False:
            self._say(f"{received.webhook_id}: SIGNATURE WRONG, ignored")
        elif received.is_repeated:
            self._say(f"{received.webhook_id}: sent before, ignored")
        elif not isinstance(job_id, str):
            self._say(f"{received.webhook_id}: no jobId, nothing to do")
        else:
            self._say(f"job {job_id}: {received.document.get('type')} arrived")
            threading.Thread(target=self._play, args=(job_id,), name=f"job-{job_id}", daemon=True).start()

    def _play(self, job_id: str) -> None:
        """The work happens after the answer, as it should."""
        for step in self._steps:
            time.sleep(self._late if step.late else self._pause)
            try:
                answer = self._reporter.report(job_id, step)
            except requests.RequestException as error:
                self._say(f"job {job_id}: {step.status} could not be reported ({type(error).__name__})")
                continue
            said = ", ".join(answer.get("message", []))
            self._say(f"job {job_id}: reported {step.status}, answer {answer.get('status')} {said}")

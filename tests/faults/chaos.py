"""`make chaos SEED=n`: two hosts' worth of programs, clients that do what clients do, and somebody who breaks things,
both by a seeded order; then every check over all that happened.

Prints what it did. Exit code 1 when a check fails or too little was broken.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

import psycopg
import requests

from tests.faults import checks
from tests.faults.stack import EVERYTHING, Stack
from tests.faults.test_database_outages import END_SESSIONS
from tests.faults.test_failpoints import ACTIONS, KEEPER, SENDER, WEB, WORKER

PROGRAMS = ("web", "web2", "worker", "worker2", "keeper", "keeper2", "beat", "beat2")
FEWEST_FAULTS = 15
HEALING_SECONDS = 120.0
PROBLEM_TYPE = "application/problem+json"
FAILPOINT = "FailpointError"
CLIENTS = 3
# The clients of one user do not slow down for its quotas here.
GENEROUS = {"REQUESTS_PER_MINUTE": "100000", "POLLS_PER_MINUTE": "100000", "ACTIVE_OPERATIONS_PER_CLIENT": "1000"}


class Client(threading.Thread):
    """Starts exports under keys that it sends again until they are answered; polls, cancels and restarts them."""

    def __init__(self, stack: Stack, seed: str, ended: threading.Event) -> None:
        super().__init__(name=f"client {seed}", daemon=True)
        self.random, self.stack, self.ended = random.Random(seed), stack, ended  # noqa: S311  not for secrets
        self.name_of_keys = seed
        self.accepted: dict[str, set[int]] = {}  # by key: the exports that were answered with 201
        self.versions: dict[int, int] = {}
        self.wrong: list[str] = []
        self.answers: Counter[int] = Counter()
        self.errors: dict[str, str] = {}  # by the id of a request that was answered with 500: which it was

    def run(self) -> None:
        while not self.ended.wait(self.random.uniform(0.05, 0.4)):
            with suppress(requests.RequestException):
                self.random.choices([self.start_one, self.poll, self.cancel, self.restart], [4, 8, 1, 2])[0]()

    def ask(self, method: str, path: str, **more: object) -> requests.Response:
        port = self.random.choice([self.stack.port, self.stack.second_port])
        address = f"http://127.0.0.1:{port}{path}"
        answer = requests.request(method, address, auth=("testuser1", "testuser1"), timeout=20, **more)  # type: ignore[arg-type]
        self.answers[answer.status_code] += 1
        self.judge(f"{method} {path}", answer)
        return answer

    def judge(self, what: str, answer: requests.Response) -> None:
        """Every error is a problem document, and whoever may come again is told when."""
        if answer.status_code >= 400 and answer.headers.get("Content-Type") != PROBLEM_TYPE:
            self.wrong.append(f"{what} was answered {answer.status_code}, {answer.headers.get('Content-Type')}")
        if answer.status_code == 503 and not answer.headers.get("Retry-After", "").isdigit():
            self.wrong.append(f"{what} was answered 503 without Retry-After")
        if answer.status_code == 500:
            self.errors[answer.headers["X-Request-ID"]] = what

    def start_one(self) -> None:
        waiting = [key for key, ids in self.accepted.items() if not ids]
        key = waiting[0] if waiting else f"{self.name_of_keys}-{len(self.accepted)}"
        ids = self.accepted.setdefault(key, set())
        for _ in range(self.random.choice([1, 1, 1, 2])):  # now and then the answer was lost, thinks this client
            headers = {"Idempotency-Key": key}
            answer = self.ask("POST", "/api/readconsumptionbatches", json=EVERYTHING, headers=headers)
            if answer.status_code == 201:
                ids.add(int(answer.headers["Location"].rpartition("/")[2]))

    def poll(self) -> None:
        if batch := self.any_batch():
            answer = self.ask("GET", f"/api/generic/readconsumptionbatches/{batch}")
            if answer.status_code == 404:
                self.wrong.append(f"export {batch} is gone")
            if answer.status_code == 200:
                version = int(answer.json()["objectVersionNumber"])
                if version < self.versions.get(batch, 0):
                    self.wrong.append(f"export {batch} fell to version {version}")
                self.versions[batch] = version

    def cancel(self) -> None:
        if batch := self.any_batch():
            self.ask("DELETE", f"/api/generic/readconsumptionbatches/{batch}")

    def restart(self) -> None:
        if batch := self.any_batch():
            found = self.ask("GET", f"/api/generic/readconsumptionbatches/{batch}")
            if found.status_code == 200 and found.json()["status"] == "Failed":
                with suppress(psycopg.Error):
                    self.ask("POST", f"/api/taskprocessing/{self.stack.task(batch)['task']}/restart")

    def any_batch(self) -> int:
        known = [batch for ids in self.accepted.values() for batch in ids]
        return self.random.choice(known) if known else 0


class Nemesis:
    """Breaks one thing after the other, and mends it. Started from the main thread: what it starts dies with us."""

    def __init__(self, stack: Stack, seed: str) -> None:
        self.stack, self.random = stack, random.Random(seed)  # noqa: S311
        self.armed: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()
        self.faults: list[Callable[[], None]] = [
            *[self.kill, self.stop, self.kill_a_child] * 3,
            *[self.arm] * 8,
            self.broker_down,
            self.broker_frozen,
            self.broker_emptied,
            self.database_restarted,
            self.database_crashed,
            self.database_frozen,
            self.sessions_ended,
        ]

    def strike(self) -> None:
        fault = self.random.choice(self.faults)
        say(f"  {fault.__name__}")
        with suppress(psycopg.OperationalError, ProcessLookupError):
            fault()
            if fault != self.arm:
                self.hits[fault.__name__] += 1

    def rest(self) -> None:
        until = time.monotonic() + self.random.uniform(1, 4)
        while time.monotonic() < until:
            self.stack.mend()
            self.count_failpoints()
            time.sleep(0.1)

    def count_failpoints(self) -> None:
        for point in [point for point in self.armed if not self.stack.is_armed(point)]:
            del self.armed[point]
            self.hits[point] += 1

    def kill(self) -> None:
        name = self.random.choice(PROGRAMS)
        self.stack.kill(name)
        self.stack.wanted.add(name)

    def stop(self) -> None:
        name = self.random.choice(PROGRAMS)
        self.stack.stop(name)
        self.stack.start(name)

    def kill_a_child(self) -> None:
        if children := self.stack.children(self.random.choice(["worker", "worker2"])):
            os.kill(self.random.choice(children), signal.SIGKILL)

    def arm(self) -> None:
        point = self.random.choice([*WEB, *WORKER, *KEEPER, *SENDER])
        self.stack.arm(point, self.random.choice(ACTIONS))
        self.armed[point] += 1

    def during(self, trouble: AbstractContextManager[None]) -> None:
        with trouble:
            time.sleep(self.random.uniform(0.5, 3))

    def broker_down(self) -> None:
        self.during(self.stack.broker_down())

    def broker_frozen(self) -> None:
        self.during(self.stack.broker_frozen())

    def broker_emptied(self) -> None:
        self.stack.empty_broker()

    def database_restarted(self) -> None:
        self.during(self.stack.database_down())

    def database_crashed(self) -> None:
        self.during(self.stack.database_down(signal.SIGQUIT))

    def database_frozen(self) -> None:
        self.during(self.stack.database_frozen())

    def sessions_ended(self) -> None:
        self.stack.sql(END_SESSIONS)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def run(seed: int, seconds: float) -> list[str]:
    """What was found to be wrong; nothing when all is well."""
    with Stack() as stack:
        stack.settings |= GENEROUS
        stack.start(*PROGRAMS)
        stack.warm_up()
        ended = threading.Event()
        clients = [Client(stack, f"{seed}-{number}", ended) for number in range(CLIENTS)]
        nemesis = Nemesis(stack, f"{seed}-nemesis")
        for client in clients:
            client.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            nemesis.rest()
            nemesis.strike()
        nemesis.rest()
        ended.set()
        for client in clients:
            client.join(60)
        stack.disarm()
        say("everybody rests, and everything is looked at")
        return judge(stack, clients, nemesis)


def judge(stack: Stack, clients: list[Client], nemesis: Nemesis) -> list[str]:
    wrong = [text for client in clients for text in client.wrong]
    keys = {key: ids for client in clients for key, ids in client.accepted.items() if ids}
    wrong += [f"key {key} started {sorted(ids)}" for key, ids in keys.items() if len(ids) > 1]
    accepted = {batch for ids in keys.values() for batch in ids}
    try:
        ends = checks.everything_ends(stack, since=0, accepted=accepted, seconds=HEALING_SECONDS)
        checks.no_orphans(stack)
        say(f"exports: {dict(Counter(ends.values()))}, accepted: {len(accepted)}")
    except AssertionError as error:
        wrong.append(str(error))
    wrong += unexplained(stack, {key: what for client in clients for key, what in client.errors.items()})
    answers = sum((client.answers for client in clients), Counter[int]())
    say(f"answers: {dict(sorted(answers.items()))}")
    say(f"faults: {sum(nemesis.hits.values())} {dict(nemesis.hits)}")
    if sum(nemesis.hits.values()) < FEWEST_FAULTS:
        wrong.append(f"only {sum(nemesis.hits.values())} faults hit, of at least {FEWEST_FAULTS}")
    return wrong


def unexplained(stack: Stack, errors: dict[str, str]) -> list[str]:
    """Of the requests that were answered with 500 those that did not run into a failpoint: a database that is away is
    503, and nothing else that happens here is a mistake of the service."""
    log = "".join(stack.log(name).read_text(errors="replace") for name in ("web", "web2"))
    entries = re.split(r"^(?=\d{4}-\d\d-\d\d )", log, flags=re.MULTILINE)
    told = {key: "".join(entry for entry in entries if f"[{key}]" in entry) for key in errors}
    return [
        f"{what} was answered 500: {told[key][-1500:] or 'not a word in the log'}"
        for key, what in errors.items()
        if FAILPOINT not in told[key]
    ]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--seconds", type=float, default=180)
    given = arguments.parse_args()
    say(f"chaos, seed {given.seed}, {given.seconds:g} s")
    wrong = run(given.seed, given.seconds)
    for text in wrong:
        say(f"WRONG: {text}")
    say(f"seed {given.seed}: {'FAILED' if wrong else 'clean'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

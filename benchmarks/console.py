"""`python -m benchmarks.console [--tasks N] [--consumptions N]`: how long each page of the console takes.

The pages are asked for as a browser does, through all of the service's middleware, in this process. What is printed
is the median of so many rounds and the longest of them; it ends with code 1 when the median over all pages is over
300 ms, or one page's over a second.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from statistics import median
from typing import Any

import django

from benchmarks.servers import servers

MEDIAN_MS, LONGEST_MS = 300, 1000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console", description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--consumptions", type=int, default=5_000_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    arguments = parser.parse_args()
    with servers():
        django.setup()
        browser = furnish(arguments.tasks, arguments.consumptions)
        results = [(page, *times(browser, page, arguments.rounds)) for page in pages(arguments.tasks)]
    for page, usual, longest in sorted(results, key=lambda result: -result[1]):
        say(f"| `{page}` | {usual:.0f} | {longest:.0f} |")
    of_all, worst = median(usual for _, usual, _ in results), max(usual for _, usual, _ in results)
    say(f"{len(results)} pages: median {of_all:.0f} ms, slowest {worst:.0f} ms")
    return 1 if of_all > MEDIAN_MS or worst > LONGEST_MS else 0


def furnish(tasks: int, consumptions: int) -> Any:
    """The rows, and a browser in which an administrator has logged in."""
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    from benchmarks import console_rows, ledgers
    from jobs.models import WorkerHeartbeat
    from jobs.notifications.models import NotificationEndpoint

    ledgers.use(consumptions)
    administrator = User.objects.get(username="admin")
    endpoint = NotificationEndpoint.objects.create(
        name="receiver", url="https://receiver.example/", authentication={"type": "none"}, event_types=["*"],
        created_by=administrator, last_updated_by=administrator,
    )  # fmt: skip
    client = User.objects.get(username="testuser1")
    console_rows.fill(rows=tasks, user=client.pk, endpoint=endpoint.pk)
    WorkerHeartbeat.objects.create(name="w", queues=["operations"])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    browser = Client()
    browser.force_login(administrator)
    return browser


def pages(tasks: int) -> Iterator[str]:
    """Every list and a page of each, the lists narrowed down by each of their filters, and searched."""
    from django.contrib import admin

    from benchmarks import console_rows
    from consumption.models import Limit
    from jobs.callbacks.models import IntegrationJob

    for model in admin.site._registry:
        path = f"{model._meta.app_label}/{model._meta.model_name}/"
        yield path
        if (row := model._default_manager.order_by("-pk").first()) is not None:
            yield f"{path}{row.pk}/change/"
    failed = tasks // 211 * 211  # see console_rows
    several = ",".join(str(failed - 211 * number) for number in range(200))
    yield from (each.format(failed=failed, several=several) for each in SINGLE)
    rare, job = Limit.objects.get(code="PLAN2").pk, IntegrationJob.objects.order_by("pk")[0].job_id
    for path, queries in NARROWED.items():
        yield from (
            f"{path}?{query.format(half=tasks // 2, rare=rare, last=min(tasks, 10_000) // 50, job=job)}"
            for query in queries
        )
    past = date.today() - timedelta(days=console_rows.DAYS // 2)  # noqa: DTZ011  any day in the middle
    for path in WITH_PERIOD:
        yield from (f"{path}?{period.format(past=past)}" for period in PERIODS)


SINGLE = (
    *("", "queue/", "start/", "consumption/readconsumptionbatch/start/"),
    *("consumption/readconsumptionbatch/{failed}/change/", "consumption/readconsumptionbatch/{failed}/live/"),
    *("jobs/task/{failed}/change/", "jobs/task/act/restart/?ids={several}"),
)
EXPORT = "q=generic/readconsumptionbatches/{half}"
RARE = "limit__id__exact={rare}"
NARROWED = {
    "consumption/readconsumptionbatch/": (
        *(f"status__exact={status}" for status in ("In+Progress", "Completed", "Failed", "Cancelled")),
        *("status__exact=Failed&period=7d", "limit=VERT&status__exact=Failed&period=7d", "p={last}"),
        *("limit=VERT", "limit=NONE", "user=testuser1", "user=operator1", "q={half}", "q=VERT", "q=NONE", "q={job}"),
    ),
    "jobs/task/": (
        *(f"status__exact={status}" for status in ("PENDING", "PROCESSING", "COMPLETED", "ERRORED", "CANCELLED")),
        *("status__exact=ERRORED&period=7d", "user=operator1", "q={half}", "task_type__id__exact=1"),
    ),
    "jobs/interfacedmessage/": ("q={half}",),
    "datafiles/datafileset/": ("q=NONE", "locked__exact=1", "user=operator1"),
    "notifications/delivery/": (
        *("status__exact=FAILED", "status__exact=FAILED&period=7d", "status__exact=PENDING", "endpoint__id__exact=1"),
        *("event_type=OperationFailed", "event_type=ReadConsumptionBatch", EXPORT, "q={job}"),
    ),
    "notifications/notificationevent/": ("type=OperationFailed", "outcome=Failed", "type=Test", EXPORT),
    "notifications/alarm/": ("kind__exact=IntegrationSilent",),
    "audit/entry/": ("action=console.restart", "action=data.read", "result=refused", "q=testuser1", "q=admin", EXPORT),
    "callbacks/integrationjob/": ("flagged__exact=1", "status__exact=Failed", "q={job}", "q=integration1"),
    "callbacks/statusreport/": ("verdict__exact=rejected", "q={job}", "q={half}", "q=nothing-known"),
    "consumption/consumption/": (RARE, "q={half}", "q=SAMPLE-77777"),
    "consumption/counter/": (RARE, "q=SAMPLE-P000001", "q={half}"),
    "django_celery_results/taskresult/": ("status=FAILURE", "q=nothing"),
}
PERIODS = (
    *(f"period={period}" for period in ("1h", "24h", "7d", "30d")),
    *("period_from={past}T00:00&period_to={past}T23:59", "period_from={past}T00:00", "period_to={past}T23:59"),
)
WITH_PERIOD = (
    *("consumption/readconsumptionbatch/", "jobs/task/", "jobs/interfacedmessage/", "datafiles/datafileset/"),
    *("notifications/delivery/", "notifications/notificationevent/", "notifications/alarm/", "audit/entry/"),
    *("callbacks/integrationjob/", "callbacks/statusreport/", "consumption/consumption/"),
)


def times(browser: Any, page: str, rounds: int) -> tuple[float, float]:
    """Median and longest of the rounds, in milliseconds; what the start page remembers is forgotten each time."""
    from django.core.cache import cache

    taken = []
    for _ in range(rounds):
        cache.clear()
        began = time.perf_counter()
        answer = browser.get(f"/admin/{page}")
        content = answer.content
        taken.append((time.perf_counter() - began) * 1e3)
        assert answer.status_code == 200 and content, (page, answer.status_code)
    return median(taken), max(taken)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

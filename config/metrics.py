"""`GET /metrics` for Prometheus: what is counted here, request by request, and what the database knows.

Requests are counted in the process; where a web server runs several, `PROMETHEUS_MULTIPROC_DIR` names the folder in
which they add up. Everything else is asked of the database at each scrape, in a few statements that each look at a
bounded number of rows, so it does not matter which process answers.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from rest_framework.request import Request

from config.health import OpenView
from hypermedia.errors import Unauthorized
from hypermedia.middleware import GetResponse
from hypermedia.origin import address_of
from jobs import heartbeats, processing

disable_created_metrics()  # type: ignore[no-untyped-call]
REQUESTS = Counter("tallyport_http_requests", "Requests by method, route and status", ["method", "route", "status"])
SECONDS = Counter("tallyport_http_request_seconds", "Time to answer them, until the first byte", ["method", "route"])
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMetricsMiddleware:
    """Counts each request under the route that answered it, never under its address: that may name anybody."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = f"/{match.route}" if match is not None else "none"
        method = str(request.method) if request.method in _METHODS else "other"
        requests, seconds = counters(method, route, response.status_code)
        requests.inc()
        seconds.inc(time.perf_counter() - started)
        return response


@cache
def counters(method: str, route: str, status: int) -> tuple[Counter, Counter]:
    """There are as many as the service has routes, methods and statuses."""
    return REQUESTS.labels(method, route, status), SECONDS.labels(method, route)


class Family:
    """A gauge whose samples are the rows of one statement: its value first, then its labels."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...], statement: str) -> None:
        self.name, self.text, self.labels, self.statement = f"tallyport_{name}", text, labels, statement

    def read(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(self.name, self.text, labels=self.labels)
        with connection.cursor() as cursor:
            cursor.execute(self.statement, {"most": _MOST})
            for value, *labels in cursor.fetchall():
                family.add_metric([str(label) for label in labels], float(value or 0))
        return family


_MOST = 10_000  # rows that one statement looks at: what is more is "10,000 or more"
_RECENT = """
    WITH recent AS (
        SELECT kind.code AS kind, task.status,
               extract(epoch FROM task.last_updated_date - task.creation_date) AS seconds
          FROM (SELECT * FROM jobs_task WHERE last_updated_date > statement_timestamp() - interval '1 hour'
                 ORDER BY last_updated_date DESC LIMIT %(most)s) AS task
          JOIN jobs_tasktype AS kind ON kind.id = task.task_type_id
         WHERE task.status IN ('COMPLETED', 'ERRORED', 'CANCELLED')
    )
"""
FAMILIES = (
    Family(
        "tasks",
        f"Tasks that have not ended, at most {_MOST} of each status",
        ("status",),
        """
        SELECT (SELECT count(*) FROM (SELECT FROM jobs_task WHERE status = wanted LIMIT %(most)s) AS found), wanted
          FROM unnest(ARRAY['PENDING', 'PROCESSING']) AS wanted
        """,
    ),
    Family(
        "leases_expired",
        "Tasks whose worker stopped renewing its lease",
        (),
        """
        SELECT count(*) FROM (
            SELECT FROM jobs_task WHERE status = 'PROCESSING' AND lease_expires_at < statement_timestamp()
             LIMIT %(most)s) AS found
        """,
    ),
    Family(
        "operations_ended_last_hour",
        "Operations that ended in the last hour",
        ("type", "status"),
        f"{_RECENT} SELECT count(*), kind, status FROM recent GROUP BY kind, status",  # noqa: S608
    ),
    Family(
        "operation_seconds",
        "From the request to the end, of operations that ended in the last hour",
        ("type", "quantile"),
        f"""{_RECENT}
        SELECT percentile_cont(quantile) WITHIN GROUP (ORDER BY seconds), kind, quantile
          FROM recent, unnest(ARRAY[0.5, 0.95, 1.0]) AS quantile GROUP BY kind, quantile
        """,  # noqa: S608
    ),
    Family(
        "outbox_due",
        f"Deliveries that should have been sent by now, at most {_MOST}",
        (),
        """
        SELECT count(*) FROM (
            SELECT FROM notifications_delivery WHERE status = 'PENDING' AND due_at <= statement_timestamp()
             LIMIT %(most)s) AS found
        """,
    ),
    Family(
        "outbox_lag_seconds",
        "How long the delivery has been due that has been due longest",
        (),
        """
        SELECT extract(epoch FROM statement_timestamp() - min(due_at)) FROM (
            SELECT due_at FROM notifications_delivery WHERE status = 'PENDING' AND due_at <= statement_timestamp()
             LIMIT %(most)s
        ) AS found
        """,
    ),
    Family(
        "callbacks_last_hour",
        f"Calls of the status callback in the last hour by verdict, of the newest {_MOST}",
        ("verdict",),
        """
        SELECT count(*), verdict FROM (
            SELECT verdict, received_at FROM callbacks_statusreport ORDER BY id DESC LIMIT %(most)s) AS newest
         WHERE received_at > statement_timestamp() - interval '1 hour' GROUP BY verdict
        """,
    ),
)


class DatabaseCollector:
    """What the database knows, read at each scrape."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = '2s'")
            yield from [family.read() for family in FAMILIES]
            oldest = processing.oldest_wait()
            stopped = processing.current().stopped
            alive = heartbeats.alive()
        yield GaugeMetricFamily("tallyport_queue_age_seconds", "How long the oldest task has been waiting", oldest)
        yield GaugeMetricFamily("tallyport_queue_stopped", "1 while operators have stopped the queue", int(stopped))
        workers = GaugeMetricFamily("tallyport_workers", "Workers that beat lately", labels=["queue"])
        for queue, number in sorted(alive.items()):
            workers.add_metric([queue], number)
        yield workers


class MetricsView(OpenView):
    """Open in development; in production for who shows the token, or asks from a listed network."""

    def get(self, request: Request) -> HttpResponse:
        if not may_scrape(request._request):
            raise Unauthorized("Give the token of the metrics as a bearer token, or ask from a listed network.")
        return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def exposition() -> bytes:
    database: Any = CollectorRegistry()
    database.register(DatabaseCollector())
    counted: Any = REGISTRY
    if settings.METRICS_DIR:
        counted = CollectorRegistry()
        MultiProcessCollector(counted, path=settings.METRICS_DIR)  # type: ignore[no-untyped-call]
    return generate_latest(counted) + generate_latest(database)


def may_scrape(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").encode()
    if settings.METRICS_TOKEN and hmac.compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode()):
        return True
    address = address_of(request)
    networks = [ip_network(network) for network in settings.METRICS_NETWORKS]
    listed = address is not None and any(ip_address(address) in network for network in networks)
    return listed or settings.DEVELOPMENT

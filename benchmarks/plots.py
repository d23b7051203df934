"""`python -m benchmarks.plots [--size N] [PLOT ...]`: how cost grows, as plots in docs/plots, the figures beside them.

`--size` is the most rows that an export has, and the most tasks; without it ten million rows and a million tasks.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from statistics import median

import django

from benchmarks.charts import Axis, Points, chart
from benchmarks.servers import ROOT, servers

FOLDER = ROOT / "docs" / "plots"
ROUNDS = 3
MILLION = 1_000_000
AT_ONCE, ROWS_EACH = 8, 25_000  # exports, and the rows of each
Series = dict[str, list[tuple[float, float]]]


@dataclass(frozen=True)
class Plot:
    """`measure` gives (series, x, y) for everything up to a size, `most` unless another is asked for."""

    name: str
    title: str
    across: Axis
    up: Axis
    measure: Callable[[int], Iterable[tuple[str, float, float]]]
    most: int = MILLION


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plots", description=__doc__)
    parser.add_argument("plots", nargs="*", metavar="PLOT", help=f"default: {', '.join(plot.name for plot in PLOTS)}")
    parser.add_argument("--size", type=int, metavar="N")
    arguments = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    with servers():
        django.setup()
        for plot in PLOTS:
            if not arguments.plots or plot.name in arguments.plots:
                store(plot, list(plot.measure(arguments.size or plot.most)))


def store(plot: Plot, figures: list[tuple[str, float, float]]) -> None:
    with (FOLDER / f"{plot.name}.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("series", plot.across.title, plot.up.title), *figures])
    series: dict[str, Points] = {
        name: [(x, y) for other, x, y in figures if other == name] for name in dict.fromkeys(row[0] for row in figures)
    }
    (FOLDER / f"{plot.name}.svg").write_text(chart(plot.title, plot.across, plot.up, series))
    sys.stdout.write(f"{plot.name}: {figures}\n")
    sys.stdout.flush()


def powers(first: int, last: int) -> list[int]:
    """10, 100, 1,000, ... as far as `last`."""
    return [first * 10**power for power in range(12) if first * 10**power <= last]


def export_time(size: int) -> Iterator[tuple[str, float, float]]:
    from benchmarks import export, ledgers

    for rows in powers(10_000, size):
        ledgers.use(rows)
        export.run_export()
        yield "claim to published file", rows, round(median(export.run_export().seconds for _ in range(ROUNDS)), 3)


def export_memory(size: int) -> Iterator[tuple[str, float, float]]:
    from benchmarks import export

    for rows in powers(10_000, size):
        yield "the worker's child, at most", rows, round(export.peak_memory(rows), 1)


def tasks(size: int) -> Iterator[tuple[str, float, float]]:
    from benchmarks import ledgers, lists, queue, web
    from jobs.callbacks.models import AccessToken

    for rows in powers(1_000, size):
        last = lists.many_tasks(rows)
        site, text = web.service(), web.token("operator1", AccessToken.Scope.API)
        for name, path in (("first page", "/api/generic/tasks?limit=50"), ("last page", lists.deep_page(last))):
            milliseconds = median(site.many(20, "GET", path, text) / 20 * 1e3 for _ in range(ROUNDS))
            yield name, rows, round(milliseconds, 3)
        waiting = queue.fill(1, rows)
        ledgers.use(1)
        yield "claim", rows, round(median(queue.claim(task_id) for task_id in waiting), 3)


def workers(size: int) -> Iterator[tuple[str, float, float]]:
    from django.db.models import Max, Min

    from benchmarks import export, ledgers, servers
    from config.embedded.process import wait_until
    from consumption.services import start_export
    from jobs.models import TaskAttempt

    ledgers.use(min(size, ROWS_EACH))
    for processes in (1, 2, 4):
        started = [
            start_export(user_id=export.owner(), transaction_start=export.START, transaction_end=export.END).task_id
            for _ in range(AT_ONCE)
        ]
        attempts = TaskAttempt.objects.filter(task__in=started)
        with servers.program("worker", port=export.WORKER_PORT, workers=processes):
            ended = attempts.exclude(ended_at=None)
            assert wait_until(lambda ended=ended: ended.count() == AT_ONCE, export.PATIENCE, 0.1)  # type: ignore[misc]
        span = attempts.aggregate(first=Min("started_at"), last=Max("ended_at"))
        yield f"{AT_ONCE} exports", processes, round((span["last"] - span["first"]).total_seconds(), 2)


ROWS_AXIS, PROCESSES = Axis("consumptions"), Axis("processes of a worker", logarithmic=False)
TASKS, MB, MS = Axis("tasks"), Axis("MB", logarithmic=False), Axis("ms", logarithmic=False)
PLOTS = [
    Plot("export-time", "Time of an export", ROWS_AXIS, Axis("seconds"), export_time, 10 * MILLION),
    Plot("export-memory", "Memory of an export", ROWS_AXIS, MB, export_memory, 10 * MILLION),
    Plot("tasks", "A page of 50 tasks, and a claim", TASKS, MS, tasks),
    Plot("workers", f"{AT_ONCE} exports of {ROWS_EACH:,} rows", PROCESSES, Axis("s", logarithmic=False), workers),
]

if __name__ == "__main__":
    main()

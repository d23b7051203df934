"""`python -m benchmarks [--all] [--size N] [ROW ...]`: measures, prints, and counts the rows short of their bar."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from fnmatch import fnmatch

import django

from benchmarks.rows import Measured, NotInstalled, Row, measure
from benchmarks.servers import servers

COLUMNS = "{:<22} {:>16} {:>16} {:>7} {:>8}  {:<8} {}"


def main() -> int:
    arguments = _arguments()
    with servers():
        django.setup()
        from benchmarks.registry import ROWS

        chosen = [row for row in ROWS if _is_chosen(row, arguments)]
        _say(COLUMNS.format("row", "ours", "other side", "ratio", "bar", "", ""))
        results = [_run(row, arguments.size) for row in chosen]
    short = results.count("SHORT")
    _say(f"{len(results)} rows, {short} SHORT")
    return 1 if short else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="names of rows, * allowed; default: the quick ones")
    parser.add_argument("--all", action="store_true", help="every row, not only the quick ones")
    parser.add_argument("--size", type=int, default=None, metavar="N", help="rows of data, where that can vary")
    return parser.parse_args()


def _is_chosen(row: Row, arguments: argparse.Namespace) -> bool:
    if arguments.rows:
        return any(fnmatch(row.name, pattern) for pattern in arguments.rows)
    return bool(row.starred or arguments.all)


def _run(row: Row, size: int | None) -> str:
    """Measures and prints one row; its verdict. A row that breaks is short of its bar, whatever the reason."""
    began = time.monotonic()
    try:
        measured = measure(row, size)
    except NotInstalled as error:
        return _print(row, ("-", "-", "-"), "not run", str(error))
    except Exception:
        traceback.print_exc()
        return _print(row, ("-", "-", "-"), "SHORT", "it ended with the error above")
    verdict = "SHORT" if measured.short else "ok"
    sized = f"N={size}, " if size else ""
    return _print(row, _figures(measured), verdict, f"{sized}{_spread(measured)}, {time.monotonic() - began:.0f} s")


def _figures(measured: Measured) -> tuple[str, str, str]:
    unit = measured.row.unit
    return _amount(measured.ours, unit), _amount(measured.other, unit), f"{measured.ratio:.2f}"


def _amount(value: float, unit: str) -> str:
    return f"{value:,.{0 if value >= 1000 else 1 if value >= 100 else 2 if value >= 1 else 4}f} {unit}"


def _spread(measured: Measured) -> str:
    ratios = measured.ratios
    return f"{len(ratios)} rounds {ratios[0]:.2f}..{ratios[-1]:.2f}"


def _print(row: Row, figures: tuple[str, str, str], verdict: str, remark: str) -> str:
    _say(COLUMNS.format(row.name, *figures, str(row.bar), verdict, f"{row.ours} / {row.other} ({remark})"))
    return verdict


def _say(line: str) -> None:
    sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Which events there are, and which of them an endpoint wants.

The kinds of operations come from the apps that have them, through the composition root. An entry of an
endpoint's `eventTypes` is `*` (every end of every operation), `ReadConsumptionBatch` (every end of those),
`ReadConsumptionBatch.Failed` (one end of those), `*.Failed`, or the name of an alarm. Alarms have to be named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

EVERYTHING = "*"
TEST = "Test"
OUTCOMES = ("Completed", "Failed", "Cancelled")
ALARMS = {
    "OperationFailed": "An operation failed",
    "DeliveryFailed": "An event was not delivered and will not be tried again",
    "EndpointDisabled": "An endpoint was switched off because it kept failing, or said that it is gone",
    "IntegrationSilent": "An integration did not report on its job in time",
    "ScheduleRefused": "A scheduled export was not started",
}
_sources: list[Callable[[], dict[str, str]]] = []


def register(source: Callable[[], dict[str, str]]) -> None:
    """Makes the ends of operations known as events; the source gives event type -> description."""
    _sources.append(source)


def operations() -> dict[str, str]:
    """Event type -> description, without the alarms."""
    return {event_type: text for source in _sources for event_type, text in source().items()}


def event_types() -> list[str]:
    """Every type that an event can have."""
    return [*operations(), *ALARMS, TEST]


def in_words(event_type: str, outcome: str) -> str:
    """`Export of consumptions and counters: Failed`"""
    title = {**operations(), **ALARMS}.get(event_type, event_type)
    return f"{title}: {outcome}" if outcome else title


def is_known(entry: str) -> bool:
    name, _, outcome = entry.partition(".")
    if "." in entry:
        return (name == EVERYTHING or name in operations()) and outcome in OUTCOMES
    return name == EVERYTHING or name in operations() or name in ALARMS


@dataclass(frozen=True)
class Subscriptions:
    entries: Iterable[str]

    def include(self, event_type: str, outcome: str) -> bool:
        """`outcome` is empty for alarms and tests; a test goes to whoever is tested and to nobody by subscription."""
        wanted = {event_type} if not outcome else {EVERYTHING, event_type, f"*.{outcome}", f"{event_type}.{outcome}"}
        return event_type != TEST and not wanted.isdisjoint(self.entries)

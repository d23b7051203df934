"""The console's pages; each module registers its own."""

from jobs.notifications.console import deliveries, endpoints, events

__all__ = ["deliveries", "endpoints", "events"]

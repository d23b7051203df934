"""Django's session of PostgreSQL, kept from one Celery task of a thread to the next.

A new session costs PostgreSQL as much as a small export: it begins without a notion of any table. Celery closes what
Django is connected with before and after each task; so it is set aside before that.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
from celery import Task
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.pq import TransactionStatus


class DjangosOwn(threading.local):
    """Django's session between two tasks of a thread."""

    IDLE_SECONDS = 30.0  # longer, and whatever stands in between may have cut it off without a word

    def __init__(self) -> None:
        self._session: psycopg.Connection[Any] | None = None
        self._since = 0.0

    def set_aside(self) -> None:
        """Django is without a connection afterwards, as if it had been closed."""
        django: Any = connections[DEFAULT_DB_ALIAS]
        session = django.connection
        if session is None or django.errors_occurred or session.info.transaction_status != TransactionStatus.IDLE:
            return
        self._session, django.connection = session, None
        self._since = time.monotonic()

    def give_back(self) -> None:
        """Django has it again, and looks whether it lives before the first statement."""
        session, self._session = self._session, None
        if session is None:
            return
        django: Any = connections[DEFAULT_DB_ALIAS]
        if django.connection is None and time.monotonic() - self._since < self.IDLE_SECONDS:
            django.connection, django.health_check_done = session, False
        else:
            session.close()


djangos_own = DjangosOwn()


class KeepsSession(Task):  # type: ignore[type-arg]  # of the stubs alone
    """A Celery task that finds Django's session as the last one of its thread left it."""

    def before_start(self, *_: Any) -> None:
        djangos_own.give_back()

    def after_return(self, *_: Any) -> None:
        """Celery calls this after it has stored the result."""
        djangos_own.set_aside()

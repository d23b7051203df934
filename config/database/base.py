"""See the package; Django looks for this module and this class."""

from __future__ import annotations

import time

from django.conf import settings
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from hypermedia.database import is_quiet


class DatabaseWrapper(base.DatabaseWrapper):
    """A session that ends says so: its socket has something to read. So a connection that was asked a moment ago is not
    asked again while its socket is quiet, which saves each request a round trip. One that lay idle for longer is: what
    lies in between may have forgotten it without a word."""

    _asked_at = 0.0

    def is_usable(self) -> bool:
        now = time.monotonic()
        if now - self._asked_at < settings.CONNECTION_TRUST_SECONDS and not self.errors_occurred and self._lies_idle():
            return True
        self._asked_at = now
        return super().is_usable()

    def _lies_idle(self) -> bool:
        return self.connection.pgconn.transaction_status == TransactionStatus.IDLE and is_quiet(self.connection)

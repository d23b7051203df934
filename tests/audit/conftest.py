"""The people of the matrix and what they own, made once for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings

from tests.api.world import World, make_world
from tests.conftest import PASSWORD_HASHER


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """What a test changes is undone with the test, since it runs in a savepoint of this transaction."""
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(PASSWORD_HASHERS=[PASSWORD_HASHER]):
            made = make_world()
        yield made
        transaction.set_rollback(True)

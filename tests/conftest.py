"""What all tests share: the database, the users of each role, and a client that speaks as one of them."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache as django_cache
from django.test import Client, TransactionTestCase
from django.test.client import ClientHandler
from django.test.utils import setup_databases, teardown_databases
from hypothesis import HealthCheck, settings

from config.handling import Chains
from hypermedia.media import RESOURCE
from hypermedia.readers import Role
from jobs.models import Task
from jobs.running import run_task
from jobs.states import TaskStatus
from tests import emptying
from tests.factories import UserFactory

# The same examples in each run, however slow the machine is. Without `calm` hypothesis looks for new ones:
# HYPOTHESIS_PROFILE=default pytest ...
settings.register_profile("calm", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "calm"))
PASSWORD_HASHER = "django.contrib.auth.hashers.MD5PasswordHasher"  # tests do not measure how slow hashing is


# The files that take longest, longest first: of what the processes share file by file the last must not be a long one.
LONGEST = (
    *("browser/test_looks", "api/test_collections_at_scale", "api/test_schemathesis", "api/test_matrix"),
    *("up/test_running", "faults/test_planted", "faults/", "browser/", "web/", "deploy/test_fleet"),
    *("api/test_hostile", "security/test_canaries", "operations/test_restore"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(
        key=lambda item: next((place for place, part in enumerate(LONGEST) if part in item.nodeid), len(LONGEST))
    )


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: Any
) -> Iterator[None]:
    """The database of the tests. Tests that commit are cleaned up after in a twentieth of the time that Django takes.

    In the place of pytest-django's own, which makes none for a run in which no test bears its mark: those that commit
    by themselves would work on the database that the settings name.
    """
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False)
        emptying.prepare()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: emptying.empty())
        yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = [PASSWORD_HASHER]


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    yield
    django_cache.clear()


class Handler(Chains, ClientHandler):
    pass


@cache
def handler() -> Handler:
    """The middleware of all clients: built once, since looking for the static files takes a third of a second."""
    return Handler(enforce_csrf_checks=False)


class ApiClient:
    """Speaks HTTP as one user: JSON in, the contract's media type out."""

    def __init__(self, user: User | None) -> None:
        self.user = user
        self._client = Client()
        self._client.handler = handler()

    def request(self, method: str, path: str, body: Any = None, environ: Any = None, **headers: str) -> Any:
        """`environ` is what a WSGI server adds."""
        sent = {"Accept": RESOURCE, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.user is not None and "Authorization" not in sent:
            credentials = b64encode(f"{self.user.username}:{self.user.username}".encode()).decode()
            sent["Authorization"] = f"Basic {credentials}"
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        content_type = sent.pop("Content-Type", RESOURCE if body is not None else "")
        path = path.removeprefix("http://localhost:9998")
        return self._client.generic(method, path, data, content_type=content_type, headers=sent, **(environ or {}))

    def get(self, path: str, **headers: str) -> Any:
        return self.request("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.request("POST", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.request("DELETE", path, **headers)


@pytest.fixture
def client_of(db: None) -> Callable[..., ApiClient]:
    """`client_of(Role.CLIENT)`: a new user of these roles, ready to ask."""

    def make(*roles: Role, **attributes: Any) -> ApiClient:
        return ApiClient(UserFactory.create(roles=roles, **attributes))

    return make


@pytest.fixture
def testuser(client_of: Callable[..., ApiClient]) -> ApiClient:
    return client_of(Role.CLIENT)


@pytest.fixture
def operator(client_of: Callable[..., ApiClient]) -> ApiClient:
    return client_of(Role.OPERATOR)


@pytest.fixture
def auditor(client_of: Callable[..., ApiClient]) -> ApiClient:
    return client_of(Role.AUDITOR)


@pytest.fixture
def work(transactional_db: None) -> Callable[[], None]:
    """Runs every waiting task to its end, here and now, as a worker would."""

    def run_all() -> None:
        for task_id in Task.objects.filter(status=TaskStatus.PENDING).values_list("pk", flat=True):
            run_task(task_id=task_id)

    return run_all


def rel(document: dict[str, Any], name: str) -> str | None:
    """Where the link `name` of a document leads, if it is there."""
    return next((link["href"] for link in document["links"] if link["rel"] == name), None)


def rels(document: dict[str, Any]) -> list[str]:
    return [link["rel"] for link in document["links"]]

"""One statement for an accepted call, and one for whoever makes it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.callbacks.models import IntegrationJob
from tests.callbacks.conftest import JOB, JOB_ID, TOKEN, Integration


def statements(integration: Integration, **call: Any) -> list[str]:
    integration.get(TOKEN)  # so that the password was checked a moment ago
    with CaptureQueriesContext(connection) as captured:
        assert integration.report(**call)["status"] in {200, 1803, 1804}
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
@pytest.mark.parametrize("status", ["Started", "Completed", "Failed"])
def test_an_accepted_call_is_one_statement_beside_authentication(
    integration: Integration, job: IntegrationJob, scheme: str, status: str
) -> None:
    if scheme == "Bearer":
        integration.authorization = "Bearer " + integration.get(TOKEN).json()["data"]["access_token"]
    for _ in range(2):
        authentication, record = statements(integration, status=status)
        assert authentication.startswith('SELECT "auth_user"."id"')
        assert record.strip().startswith("WITH job AS")


@pytest.mark.parametrize("call", [{"status": "Started", "job_id": "unknown"}, {"status": "unknown"}])
def test_a_refused_call_costs_no_more(integration: Integration, job: IntegrationJob, call: dict[str, str]) -> None:
    assert len(statements(integration, **call)) == 2


def test_a_stranger_costs_one(integration: Integration, django_assert_num_queries: Any) -> None:
    integration.authorization = None
    with django_assert_num_queries(1):
        integration.put({})


def test_reading_a_job_costs_two_beside_authentication(
    integration: Integration, job: IntegrationJob, django_assert_num_queries: Any
) -> None:
    for status in ("Started", "Failed", "Completed"):
        integration.report(status)
    with django_assert_num_queries(3):
        integration.get(f"{JOB}/{JOB_ID}")

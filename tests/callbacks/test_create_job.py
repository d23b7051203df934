"""Making jobs: the service, and `manage.py create_job`."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from hypermedia.readers import Role
from jobs.callbacks.models import IntegrationJob
from jobs.callbacks.services import NotAnIntegration, create_job
from tests.callbacks.conftest import Integration
from tests.factories import UserFactory


def test_a_new_job_has_an_id_like_the_seeds_and_no_status(integration: Integration) -> None:
    job = create_job(integration_id=integration.user.pk)
    assert re.fullmatch("[0-9A-F]{15}", job.job_id)
    assert (job.status, job.message, job.flagged, job.version) == (None, None, False, 1)
    assert job.integration == integration.user


def test_ids_differ(integration: Integration) -> None:
    assert len({create_job(integration_id=integration.user.pk).job_id for _ in range(100)}) == 100


def test_the_command_prints_an_id_that_can_be_reported_on(integration: Integration) -> None:
    printed = StringIO()
    call_command("create_job", integration="oic", stdout=printed)
    assert integration.report("Started", job_id=printed.getvalue().strip())["status"] == 200


def test_the_command_names_an_unknown_user(db: None) -> None:
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        call_command("create_job", integration="nobody")


@pytest.mark.parametrize(("roles", "active"), [([], True), ([Role.CLIENT], True), ([Role.INTEGRATION], False)])
def test_a_user_who_cannot_report_gets_no_job(db: None, roles: list[Role], active: bool) -> None:
    user = UserFactory.create(username="sap", roles=roles, is_active=active)
    with pytest.raises(CommandError, match="'sap' cannot report on jobs; it has to be active and in the group integr"):
        call_command("create_job", integration="sap")
    with pytest.raises(NotAnIntegration):
        create_job(integration_id=user.pk)
    assert not IntegrationJob.objects.exists()

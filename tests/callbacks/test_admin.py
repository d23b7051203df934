"""The console's pages: read-only but for making a job, taking a flag, and revoking a token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from jobs.callbacks.models import AccessToken, IntegrationJob, StatusReport, digest
from tests.callbacks.conftest import Integration
from tests.factories import UserFactory

ADMIN = "/admin/callbacks"


def signed_in(*permissions: str, **attributes: Any) -> Client:
    user: User = UserFactory.create(is_staff=True, **attributes)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="callbacks", codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def root(db: None) -> Client:
    return signed_in(is_superuser=True)


@pytest.fixture
def token(integration: Integration) -> AccessToken:
    expires_at = timezone.now() + timedelta(hours=1)
    return AccessToken.objects.issue(user=integration.user, name="night run", scope="ws", expires_at=expires_at)[0]


def pages(job: IntegrationJob, token: AccessToken) -> list[str]:
    report = StatusReport.objects.latest("id")
    return [
        f"{ADMIN}/integrationjob/",
        f"{ADMIN}/integrationjob/?q=3A&status__exact=Started",
        f"{ADMIN}/integrationjob/{job.pk}/change/",
        f"{ADMIN}/statusreport/",
        f"{ADMIN}/statusreport/?job__id__exact={job.pk}",
        f"{ADMIN}/statusreport/?q=3A",
        f"{ADMIN}/statusreport/{report.pk}/change/",
        f"{ADMIN}/accesstoken/",
        f"{ADMIN}/accesstoken/{token.pk}/change/",
    ]


def test_every_page_opens_and_none_shows_a_digest(
    root: Client, integration: Integration, job: IntegrationJob, token: AccessToken
) -> None:
    integration.report("Started")
    for page in pages(job, token):
        answer = root.get(page)
        assert answer.status_code == 200, page
        assert token.digest not in answer.content.decode()


def test_nothing_is_edited_or_deleted(
    root: Client, integration: Integration, job: IntegrationJob, token: AccessToken
) -> None:
    integration.report("Started")
    for page in pages(job, token):
        if page.endswith("/change/"):
            assert root.post(page, {"status": "Completed", "name": "x"}).status_code == 403
            assert root.post(page.replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    assert root.get(f"{ADMIN}/statusreport/add/").status_code == 403


def test_adding_a_job_asks_only_for_the_integration(root: Client, integration: Integration) -> None:
    client = UserFactory.create(username="a-client")
    form = root.get(f"{ADMIN}/integrationjob/add/").content.decode()
    assert ">oic<" in form
    assert ">a-client<" not in form
    assert root.post(f"{ADMIN}/integrationjob/add/", {"integration": client.pk}).status_code == 200
    assert not IntegrationJob.objects.exists()
    assert root.post(f"{ADMIN}/integrationjob/add/", {"integration": integration.user.pk}).status_code == 302
    job = IntegrationJob.objects.get()
    assert integration.report("Started", job_id=job.job_id)["status"] == 200


def act(client: Client, model: str, action: str, *rows: Any) -> int:
    """Chooses the action in the list and confirms it on the page that follows."""
    asked = client.post(f"{ADMIN}/{model}/", {"action": action, "_selected_action": [row.pk for row in rows]})
    return client.post(asked["Location"]).status_code if "/act/" in asked.get("Location", "") else asked.status_code


def test_the_flag_is_taken_by_who_may(integration: Integration, job: IntegrationJob) -> None:
    integration.report("Completed")
    integration.report("Failed")
    act(signed_in("view_integrationjob"), "integrationjob", "acknowledge", job)
    job.refresh_from_db()
    assert job.flagged
    act(signed_in("view_integrationjob", "acknowledge_integrationjob"), "integrationjob", "acknowledge", job)
    job.refresh_from_db()
    assert (job.flagged, job.status) == (False, "Completed")


def test_a_token_is_revoked_by_who_may(integration: Integration, token: AccessToken) -> None:
    act(signed_in("view_accesstoken"), "accesstoken", "revoke", token)
    assert AccessToken.objects.valid().exists()
    act(signed_in("view_accesstoken", "revoke_accesstoken"), "accesstoken", "revoke", token)
    assert not AccessToken.objects.valid().exists()
    assert Entry.objects.get(action="console.revoke").detail == {"for": integration.user.username, "scope": "/ws"}


def test_a_token_is_made_and_shown_once(root: Client) -> None:
    user = UserFactory.create()
    answers = {"user": user.pk, "name": "night run", "scope": "api", "days": "7"}
    page = root.post(f"{ADMIN}/accesstoken/add/", answers)
    token = AccessToken.objects.get()
    text = page.content.decode().partition('id="secret">')[2].partition("<")[0]
    assert "no-store" in page["Cache-Control"]
    assert (token.digest, token.user, token.scope) == (digest(text), user, "api")
    entry = Entry.objects.get(action="token.issue")
    said = {"for": user.username, "scope": "/api", "ends": token.expires_at.isoformat(timespec="seconds")}
    assert (entry.subject, entry.detail) == (f"admin/callbacks/accesstoken/{token.pk}", said)
    assert timedelta(days=6) < token.expires_at - timezone.now() < timedelta(days=8)
    assert text not in root.get(f"{ADMIN}/accesstoken/{token.pk}/change/").content.decode()
    assert root.post(f"{ADMIN}/accesstoken/add/", {**answers, "days": "9999"}).status_code == 200
    assert AccessToken.objects.count() == 1
    reader = signed_in("view_accesstoken")
    assert reader.get(f"{ADMIN}/accesstoken/add/").status_code == 403


def test_a_reader_may_look_and_not_add(integration: Integration, job: IntegrationJob) -> None:
    reader = signed_in("view_integrationjob")
    assert reader.get(f"{ADMIN}/integrationjob/").status_code == 200
    assert reader.get(f"{ADMIN}/integrationjob/add/").status_code == 403
    assert reader.get(f"{ADMIN}/accesstoken/").status_code == 403

"""The jobs of all integrations over HTTP, for those who watch: what each was given and what became of it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from hypermedia.collections import Collection, CollectionView, SearchView
from hypermedia.errors import NotFound
from hypermedia.fields import date_time
from hypermedia.filters import BOOLEAN, DATE_TIME, INTEGER, TEXT, Field, one_of
from hypermedia.links import SELF, link
from hypermedia.readers import Reader, Role
from hypermedia.views import ResourceView
from jobs.callbacks.models import IntegrationJob
from jobs.callbacks.states import Status

WATCHERS = (Role.OPERATOR, Role.AUDITOR)


def job_resource(job: IntegrationJob, reader: Reader) -> dict[str, Any]:
    """Without a `status` nothing was reported yet. Needs `integration`."""
    document = {
        "type": "integrationJob",
        "id": job.pk,
        "objectVersionNumber": job.version,
        "status": job.status,
        "links": [link(SELF, f"integrationjobs/{job.pk}")],
        "creationDate": date_time(job.created_at),
        "jobId": job.job_id,
        "integration": job.integration.username,
        "message": job.message,
        "flagged": job.flagged,
        "lastReportDateTime": job.last_report_at and date_time(job.last_report_at),
    }
    return {name: value for name, value in document.items() if value is not None}


JOBS: Collection[IntegrationJob] = Collection(
    path="integrationjobs",
    fields={
        "id": Field("id", INTEGER, sortable=True, rare=True),
        "jobId": Field("job_id", TEXT, rare=True),
        "status": Field("status", one_of(*Status)),
        "integration": Field("integration__username", TEXT),
        "flagged": Field("flagged", BOOLEAN, indexed=True),
        "creationDate": Field("created_at", DATE_TIME, indexed=True),
        "lastReportDateTime": Field("last_report_at", DATE_TIME),
    },
    visible=lambda reader: IntegrationJob.objects.select_related("integration"),
    document=job_resource,
)


class JobsView(CollectionView):
    roles = {"GET": WATCHERS}
    collection = JOBS


class JobSearchView(SearchView):
    roles = {"POST": WATCHERS}
    collection = JOBS


class WatchedJobView(ResourceView):
    roles = {"GET": WATCHERS}

    def get(self, request: Request, pk: int) -> HttpResponse:
        job = JOBS.visible(self.reader).filter(pk=pk).first()
        if job is None:
            raise NotFound(f"There is no job {pk}.")
        return self.answer(job_resource(job, self.reader), version=job.version)

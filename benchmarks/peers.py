"""The other sides of the web rows: views that somebody would write who needs no more than the answer itself.

The bare ones run the very statements that the service runs (`STATEMENTS`, noted when a row is prepared) and write the
same JSON and headers, with no middleware. The REST framework one is a `ModelSerializer` under the middleware that
`startproject` gives.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.timezone import localtime
from django.views.decorators.csrf import csrf_exempt
from rest_framework import authentication, exceptions, generics, permissions, renderers, serializers

from benchmarks.calls import Statement
from consumption.models import ReadConsumptionBatch
from hypermedia.conditional import entity_tag
from hypermedia.database import prepared
from jobs.callbacks.models import AccessToken, IntegrationJob, StatusReport, digest

STARTPROJECT = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
STATEMENTS: dict[str, list[Statement]] = {}
HEADERS = {
    "Vary": "Accept,Accept-Encoding,Accept-Language,Origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
    "X-XSS-Protection": "1; mode=block",
    "X-OHI-APP-ID": "ALI",
    "X-OHI-APP-VERSION": "6.0.0",
    "X-Request-ID": "a-request",
}


def rows(statement: Statement) -> list[Any]:
    with prepared() as cursor:
        cursor.execute(*statement)
        return list(cursor.fetchall())


def check_token(request: HttpRequest, statement: Statement) -> None:
    """The service's own look-up, with the digest of the token that came."""
    token = digest(request.headers["Authorization"].removeprefix("Bearer "))
    assert token in statement[1]
    assert rows(statement)


def moment(value: Any) -> dict[str, str]:
    return {"value": localtime(value).isoformat(timespec="milliseconds")}


def link(rel: str, where: str, method: str | None = None) -> dict[str, str]:
    found = {"href": f"http://localhost:9998/api/{where}", "rel": rel}
    return found if method is None else {**found, "httpMethod": method}


def bare_poll(request: HttpRequest, pk: int) -> HttpResponse:
    authentication_statement, read = STATEMENTS["poll"]
    check_token(request, authentication_statement)
    (row,) = rows(read)
    content, headers = poll_answer(row)
    return HttpResponse(content, content_type="application/json", headers=headers)


def poll_answer(row: tuple[Any, ...]) -> tuple[bytes, dict[str, str]]:
    """Body and headers of an export that runs."""
    here = f"generic/readconsumptionbatches/{row[0]}"
    links = [
        link("self", here),
        link("operator", f"generic/tasks/{row[5]}", "GET"),
        link("monitor", here, "GET"),
        link("cancel", here, "DELETE"),
    ]
    document = {
        "type": "readConsumptionBatch",
        "id": row[0],
        "createdBy": row[1],
        "lastUpdatedBy": row[2],
        "objectVersionNumber": row[3],
        "status": row[4],
        "links": links,
        "creationDate": moment(row[6]),
        "lastUpdatedDate": moment(row[7]),
        "transactionEndDateTime": moment(row[9]),
        "transactionStartDateTime": moment(row[8]),
        "progress": {"rowsWritten": 0},
    }
    content = json.dumps(document).encode()
    headers = {
        **HEADERS,
        "ETag": entity_tag(row[3], content, "application/json"),
        "Link": ", ".join(f'<{one["href"]}>; rel="{one["rel"]}"' for one in links),
        "Retry-After": "1",
    }
    return content, headers


@csrf_exempt
def bare_report(request: HttpRequest) -> HttpResponse:
    authentication_statement, record = STATEMENTS["report"]
    check_token(request, authentication_statement)
    body = json.loads(request.body)
    assert body["jobId"] == record[1]["job_id"]
    ((answered, audit_id),) = rows(record)
    document = {"data": [], "message": ["Job updated Successfully"], "status": answered, "rest_audit_id": audit_id}
    return JsonResponse(document, headers=HEADERS)


@csrf_exempt
def orm_report(request: HttpRequest) -> HttpResponse:
    """The same steps, each a call of the ORM."""
    check_token(request, STATEMENTS["report"][0])
    body = json.loads(request.body)
    with transaction.atomic():
        job = IntegrationJob.objects.select_for_update().get(job_id=body["jobId"])
        job.status, job.message = body["status"], body["message"]
        job.version += 1
        job.save()
        report = StatusReport.objects.create(
            job=job,
            user_id=job.integration_id,
            received_job_id=body["jobId"],
            received_status=body["status"],
            received_message=body["message"],
            answered=200,
            verdict="applied",
            request_id="a-request",
        )
    document = {"data": [], "message": ["Job updated Successfully"], "status": 200, "rest_audit_id": report.pk}
    return JsonResponse(document, headers=HEADERS)


def bare_tasks(request: HttpRequest) -> HttpResponse:
    authentication_statement, page = STATEMENTS["tasks"]
    check_token(request, authentication_statement)
    items = [
        {
            "type": "task",
            "id": row[0],
            "createdBy": row[1],
            "lastUpdatedBy": row[2],
            "objectVersionNumber": row[3],
            "status": row[4],
            "subjectId": row[5],
            "links": [
                link("self", f"generic/tasks/{row[0]}"),
                link("operator:messages", f"generic/interfacedmessages/{row[-1]}", "GET"),
                link("operator:subject", f"generic/readconsumptionbatches/{row[5]}", "GET"),
            ],
            "creationDate": moment(row[9]),
            "lastUpdatedDate": moment(row[10]),
            "table": {"id": row[13], "links": [link("canonical", f"generic/tables/{row[13]}")]},
            "taskType": {"id": row[11], "links": [link("canonical", f"generic/tasktypes/{row[11]}")]},
        }
        for row in rows(page)
    ]
    return HttpResponse(json.dumps({"items": items}), content_type="application/json", headers=HEADERS)


class BearerToken(authentication.BaseAuthentication):
    def authenticate(self, request: Any) -> Any:
        text = request.headers["Authorization"].removeprefix("Bearer ")
        token = AccessToken.objects.select_related("user").filter(digest=digest(text)).first()
        if token is None:
            raise exceptions.AuthenticationFailed
        return token.user, token


class BatchSerializer(serializers.ModelSerializer[ReadConsumptionBatch]):
    class Meta:
        model = ReadConsumptionBatch
        fields = (
            *("id", "created_by", "last_updated_by", "version", "status", "task", "creation_date", "last_updated_date"),
            *("transaction_start", "transaction_end", "limit_codes", "format", "compression", "data_file_set"),
        )


class BatchView(generics.RetrieveAPIView[ReadConsumptionBatch]):
    authentication_classes = (BearerToken,)
    permission_classes = (permissions.IsAuthenticated,)
    renderer_classes = (renderers.JSONRenderer,)
    throttle_classes = ()
    serializer_class = BatchSerializer
    queryset = ReadConsumptionBatch.objects.select_related("task", "data_file_set")


urlpatterns = [
    path("bare/poll/<int:pk>", bare_poll),
    path("bare/report", bare_report),
    path("bare/tasks", bare_tasks),
    path("orm/report", orm_report),
    path("drf/poll/<int:pk>", BatchView.as_view()),
]

"""What `data` holds in the answers that carry any. Times are in the server's time zone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.timezone import localtime

from jobs.callbacks.models import IntegrationJob, StatusReport


def token_document(text: str, seconds: int, expires_at: datetime) -> dict[str, Any]:
    """Date and time are for people; programs read `expires_in`, in seconds."""
    end = localtime(expires_at)
    offset = end.strftime("%z")
    return {
        "access_token": text,
        "auth_type": "Basic",
        "expires_in": seconds,
        "expiryDate": end.strftime("%Y-%m-%d"),
        "expiryTime": end.strftime("%Y-%m-%d %H:%M:%S"),
        "Timezone": f"(UTC{offset[:3]}:{offset[3:]}) {settings.TIME_ZONE}",
    }


def job_document(job: IntegrationJob, reports: list[StatusReport]) -> dict[str, Any]:
    """The job as its integration sees it. `status` is null until something is reported."""
    return {
        "jobId": job.job_id,
        "status": job.status,
        "message": job.message,
        "created": moment(job.created_at),
        "lastReport": moment(job.last_report_at),
        "history": [
            {
                "rest_audit_id": report.pk,
                "status": report.received_status,
                "message": report.received_message,
                "verdict": report.verdict,
                "received": moment(report.received_at),
            }
            for report in reports
        ],
    }


def moment(value: datetime | None) -> str | None:
    """ISO 8601 with an offset, to the millisecond."""
    return None if value is None else localtime(value).isoformat(timespec="milliseconds")

"""From what something is about to the page that shows it."""

from __future__ import annotations

import pytest

from hypermedia.subjects import subject_link


@pytest.mark.parametrize(
    ("subject", "page"),
    [
        ("generic/readconsumptionbatches/7", "/admin/consumption/readconsumptionbatch/7/change/"),
        ("generic/writeconsumptionbatches/7", "/admin/consumption/writeconsumptionbatch/7/change/"),
        ("taskprocessing/7/restart", "/admin/jobs/task/7/change/"),
        ("notificationendpoints/7", "/admin/notifications/notificationendpoint/7/change/"),
        ("notificationdeliveries/7", "/admin/notifications/delivery/7/change/"),
        ("admin/jobs/task/7", "/admin/jobs/task/7/change/"),
        ("/admin/schedules/exportschedule/7/change/", "/admin/schedules/exportschedule/7/change/"),
    ],
)
def test_a_subject_leads_to_its_page(subject: str, page: str) -> None:
    assert subject_link(subject) == f'<a class="tp-link" href="{page}">{subject}</a>'


@pytest.mark.parametrize("subject", ["", "admin", "admin/jobs/task", "admin/no/model/7", "generic/tasks/<b>", "ws/x"])
def test_what_has_no_page_stays_words(subject: str) -> None:
    assert subject_link(subject) == subject

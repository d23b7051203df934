"""The console's pages of exports and tasks: finding, reading, restarting, cancelling, starting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import Entry
from consumption.allowances import allow
from consumption.models import ReadConsumptionBatch
from hypermedia.readers import Role
from jobs import services
from jobs.callbacks.models import IntegrationJob, StatusReport
from jobs.models import Task
from jobs.notifications.models import Delivery
from jobs.states import TaskStatus
from tests.api.world import claimed, completed, failed, make_delivery, start
from tests.console.conftest import Person
from tests.factories import LimitFactory, UserFactory, grant

EXPORTS = "/admin/consumption/readconsumptionbatch/"
TASKS = "/admin/jobs/task/"


def page_of(batch: ReadConsumptionBatch) -> str:
    return f"{EXPORTS}{batch.pk}/change/"


def listed(person: Person, query: str) -> set[int]:
    """The ids of the exports in the list."""
    answer = person.client.get(f"{EXPORTS}?{query}")
    assert answer.status_code == 200
    return {row.pk for row in answer.context["cl"].result_list}


def test_the_page_of_a_failed_export_says_why_and_offers_a_restart(operator: Person) -> None:
    batch = failed(operator.user)
    page = operator.see(page_of(batch))
    assert "Why it failed" in page
    assert "Broken on purpose. A restart can help." in page
    assert f"/admin/consumption/readconsumptionbatch/act/restart/?ids={batch.pk}" in page
    assert "act/cancel" not in page


def test_a_restart_needs_a_reason_and_leaves_it_in_the_trail(operator: Person) -> None:
    batch = failed(operator.user)
    answer = operator.act("consumption/readconsumptionbatch", "restart", batch.pk)
    assert "This field is required" in answer.content.decode()
    assert Task.objects.get(pk=batch.task_id).status == TaskStatus.ERRORED
    answer = operator.act("consumption/readconsumptionbatch", "restart", batch.pk, reason="disk was full")
    assert answer.redirect_chain == [(page_of(batch), 302)]
    assert "was restarted" in answer.content.decode()
    assert Task.objects.get(pk=batch.task_id).status == TaskStatus.PENDING
    entry = Entry.objects.get(action="console.restart")
    assert entry.user_id == operator.user.pk
    assert entry.detail == {"reason": "disk was full"}
    assert "disk was full" in operator.see(page_of(batch))  # the timeline tells it


def test_a_restart_that_cannot_help_is_warned_of(operator: Person) -> None:
    broken, gone = failed(operator.user), start(operator.user)
    text = "The limit RARE was removed. A restart will not help."
    services.fail(task=claimed(gone), code="CON-FA-002", text=text)
    assert "A restart does not help." in operator.see(page_of(gone))
    assert "A restart does not help." not in operator.see(page_of(broken))
    question = operator.see(f"{EXPORTS}act/restart/?ids={broken.pk},{gone.pk}")
    assert question.count("better not</span>") == 1
    assert text in question
    assert "Broken on purpose. A restart can help." in question, "why each of them failed stands beside it"
    assert "a restart would only fail again" in question
    assert "a restart would only fail again" not in operator.see(f"{EXPORTS}act/restart/?ids={broken.pk}")
    operator.act("consumption/readconsumptionbatch", "restart", gone.pk, reason="the limit is back")
    assert Task.objects.get(pk=gone.task_id).status == TaskStatus.PENDING, "an operator may know better"


def test_many_are_asked_about_in_as_few_statements_as_one(operator: Person) -> None:
    tasks = [failed(operator.user).task_id for _ in range(4)]

    def statements(*ids: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            operator.see(f"{TASKS}act/restart/?ids={','.join(map(str, ids))}")
        return len(seen)

    statements(tasks[0])
    assert statements(*tasks) == statements(tasks[0])


def test_cancelling_warns_that_it_is_final(operator: Person) -> None:
    batch = start(operator.user)
    question = operator.see(f"{EXPORTS}act/cancel/?ids={batch.pk}")
    assert "This cannot be undone." in question
    operator.act("consumption/readconsumptionbatch", "cancel", batch.pk, reason="wrong period")
    assert Task.objects.get(pk=batch.task_id).status == TaskStatus.CANCELLED


def test_bulk_actions_preview_and_tell_each_result(operator: Person) -> None:
    broken, running = failed(operator.user), start(operator.user)
    ids = [broken.task_id, running.task_id]
    begun = operator.client.post(TASKS, {"action": "restart", "_selected_action": ids})
    assert begun.status_code == 302
    preview = operator.see(begun["Location"])
    assert "What would happen: 1 of 2" in preview
    assert "The task is PENDING; to restart it, it has to be ERRORED." in preview
    answer = operator.act("jobs/task", "restart", *ids, reason="mended").content.decode()
    assert "1 of 2 done." in answer
    assert f"Task {broken.task_id} was restarted" in answer
    assert Entry.objects.get(action="console.restart", result="refused").subject == f"admin/jobs/task/{running.task_id}"


def test_no_more_than_200_at_once(operator: Person) -> None:
    tasks = [start(operator.user).task_id]
    ids = ",".join(map(str, [*tasks, *range(10**6, 10**6 + 200)]))
    page = operator.see(f"{TASKS}act/cancel/?ids={ids}")
    assert "the first 200" in page


def test_an_auditor_sees_everything_and_can_do_nothing(auditor: Person) -> None:
    batch = failed(UserFactory.create(roles=[Role.CLIENT]))
    page = auditor.see(page_of(batch))
    assert "Broken on purpose" in page
    assert "/act/" not in page
    auditor.see(f"{EXPORTS}act/restart/?ids={batch.pk}", 403)
    assert auditor.act("consumption/readconsumptionbatch", "restart", batch.pk, reason="x").status_code == 403
    auditor.see(f"{EXPORTS}start/", 403)
    assert "Start an export" not in auditor.see(EXPORTS)
    assert Task.objects.get(pk=batch.task_id).status == TaskStatus.ERRORED


def test_exports_are_found_by_id_limit_task_job_and_audit_id(operator: Person) -> None:
    LimitFactory.create(code="RARE")
    batch, other = start(operator.user, limit_codes=["RARE"]), start(operator.user)
    delivery = make_delivery(operator.user)
    type(delivery.event).objects.update(subject=f"generic/readconsumptionbatches/{batch.pk}")
    job = IntegrationJob.objects.create(integration=operator.user)
    Delivery.objects.update(job=job)
    report = StatusReport.objects.create(
        pk=10**9, job=job, user=operator.user, answered=200, verdict="applied", request_id="r"
    )
    for word in (str(batch.pk), "RARE", str(batch.task_id), job.job_id, str(report.pk)):
        assert batch.pk in listed(operator, f"q={word}"), word
    assert other.pk in listed(operator, "q=RARE"), "it takes all limits"
    allow(user_id=operator.user.pk, limits=[LimitFactory.create(code="OTHER")])
    assert listed(operator, "q=RARE") == {batch.pk}, "all that this user may export: RARE is not among them"
    assert batch.pk not in listed(operator, "q=OTHER")
    for word in ("no such thing", "99999999999999999999999"):
        assert listed(operator, f"q={word}") == set()


def test_exports_are_narrowed_by_status_period_limit_and_user(operator: Person) -> None:
    LimitFactory.create(code="RARE")
    rare, old = start(operator.user, limit_codes=["RARE"]), failed(UserFactory.create(username="somebody"))
    ReadConsumptionBatch.objects.filter(pk=old.pk).update(last_updated_date=timezone.now() - timedelta(days=2))
    assert listed(operator, "limit=RARE") == {rare.pk, old.pk}, "the other takes all limits"
    assert listed(operator, "user=somebody") == {old.pk}
    assert listed(operator, "user=nobody") == set()
    assert listed(operator, "period=24h") == {rare.pk}
    assert listed(operator, "period=7d") == {rare.pk, old.pk}
    assert listed(operator, "status__exact=Failed") == {old.pk}


def test_the_list_moves_while_something_is_under_way(operator: Person) -> None:
    batch, done = start(operator.user), completed(operator.user)
    task = claimed(batch)
    Task.objects.filter(pk=task.pk).update(rows_written=50, rows_expected=200)
    assert f"live/?ids={batch.pk}&quot;" in operator.see(EXPORTS).replace('"', "&quot;")
    cells = operator.see(f"{EXPORTS}live/?ids={batch.pk},{done.pk}")
    assert f'<span id="progress-{batch.pk}">' in cells
    assert 'value="25"' in cells
    services.fail(task=task, code="X", text="Broken.")
    assert "data-live" not in operator.see(f"{EXPORTS}live/?ids={batch.pk}")


def test_whoever_was_logged_out_gets_nothing_live(operator: Person) -> None:
    batch = start(operator.user)
    operator.client.logout()
    for path in (f"{EXPORTS}live/?ids={batch.pk}", f"{EXPORTS}{batch.pk}/live/", "/admin/start/"):
        answer: Any = operator.client.get(path)
        assert (answer.status_code, answer.content) == (204, b""), path


def test_the_timeline_tells_everything_in_order(operator: Person) -> None:
    batch = completed(operator.user)
    page = operator.see(page_of(batch))
    told = ["Asked for by", "Attempt 1 began", "Attempt 1: Completed", "File Export of counters"]
    places = [page.index(text) for text in (told[0], told[1])]
    assert places == sorted(places)
    assert all(text in page for text in told)
    assert "curl -i -u" in page


def test_files_are_downloaded_with_their_own_permission_and_leave_a_trace(operator: Person) -> None:
    batch = completed(UserFactory.create(roles=[Role.CLIENT]))
    batch.refresh_from_db()
    assert batch.data_file_set is not None
    file = batch.data_file_set.data_files.get()
    path = f"/admin/datafiles/datafileset/{batch.data_file_set_id}/files/{file.pk}/content/"
    assert path not in operator.see(page_of(batch))
    operator.see(path, 403)
    grant(operator.user, "datafiles", "read_any_data")
    assert path in operator.see(page_of(batch))
    answer: Any = operator.client.get(path)
    assert len(b"".join(answer.streaming_content)) == file.content_length
    trail = f"datafilesets/{batch.data_file_set.code}/"
    assert Entry.objects.filter(action="data.read", user_id=operator.user.pk, subject__startswith=trail).count() == 1
    assert f"?q={trail}" in operator.see(f"/admin/datafiles/datafileset/{batch.data_file_set_id}/change/")


@pytest.mark.parametrize(("path", "status"), [(f"{EXPORTS}act/explode/?ids=1", 404), (f"{TASKS}act/restart/", 404)])
def test_actions_that_do_not_exist(operator: Person, path: str, status: int) -> None:
    operator.see(path, status)


def test_a_started_export_says_first_how_much_it_would_be(operator: Person) -> None:
    LimitFactory.create(code="VERT")
    answers = {"period": "month", "limits": ["VERT"], "format": "ndjson", "compression": "none"}
    estimate = operator.client.post(f"{EXPORTS}start/", {**answers, "estimate": "1"}).content.decode()
    assert "rows" in estimate
    assert "Start the export" in estimate
    assert not ReadConsumptionBatch.objects.exists()
    with time_machine.travel(datetime(2024, 3, 31, 23, 59, 59, tzinfo=UTC), tick=False):
        answer = operator.client.post(f"{EXPORTS}start/", {**answers, "go": "1"})
    batch = ReadConsumptionBatch.objects.get()
    assert answer["Location"] == page_of(batch)
    assert (batch.limit_codes, batch.created_by_id) == (["VERT"], operator.user.pk)
    assert batch.transaction_start == datetime(2024, 2, 1, tzinfo=UTC)
    assert batch.transaction_end == datetime(2024, 2, 29, 23, 59, 59, 999_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ({"period": "own"}, "Give both ends of the period."),
        ({"period": "own", "start": "2024-02-01T00:00", "end": "2024-01-01T00:00"}, "The end lies before the start"),
        ({"period": "month", "limits": ["NOPE"]}, "Select a valid choice."),
        ({"period": "own", "start": "yesterday", "end": "2024-01-01T00:00"}, "Enter a valid date/time."),
    ],
)
def test_wrong_answers_start_nothing(operator: Person, answers: dict[str, str], text: str) -> None:
    LimitFactory.create(code="VERT")
    sent = {"format": "ndjson", "compression": "none", "go": "1", **answers}
    page = operator.client.post(f"{EXPORTS}start/", sent)
    assert text in page.content.decode()
    assert not ReadConsumptionBatch.objects.exists()


def test_a_set_is_held_and_let_go_with_a_reason(operator: Person, auditor: Person) -> None:
    batch = completed(operator.user)
    batch.refresh_from_db()
    kept = batch.data_file_set
    assert kept is not None
    page = f"/admin/datafiles/datafileset/{kept.pk}/change/"
    operator.act("datafiles/datafileset", "hold", kept.pk, reason="a lawsuit")
    assert "a lawsuit" in operator.see(page)
    assert "It is held already" in operator.see(f"/admin/datafiles/datafileset/act/hold/?ids={kept.pk}")
    assert auditor.act("datafiles/datafileset", "release", kept.pk, reason="x").status_code == 403
    operator.act("datafiles/datafileset", "release", kept.pk, reason="it is over")
    kept.refresh_from_db()
    assert not kept.held


def test_the_trail_is_read_with_who_and_why(operator: Person, auditor: Person) -> None:
    batch = failed(operator.user)
    operator.act("jobs/task", "restart", batch.task_id, reason="the disk has room again")
    page = auditor.see(f"/admin/audit/entry/?q={operator.user.username}")
    assert "console.restart" in page
    assert "the disk has room again" in page
    assert "console.restart" in auditor.see(f"/admin/audit/entry/?q=admin/jobs/task/{batch.task_id}")
    entry = Entry.objects.get(action="console.restart")
    assert "the disk has room again" in auditor.see(f"/admin/audit/entry/{entry.pk}/change/")


def test_the_limit_filter_finds_whatever_holds_the_limit(operator: Person) -> None:
    LimitFactory.create(code="VERT")
    money = LimitFactory.create(code="OOPM", description="other")
    restricted = UserFactory.create(roles=[Role.CLIENT])
    allow(user_id=restricted.pk, limits=[money])
    everything, named, other = start(operator.user), start(operator.user), start(operator.user)
    narrowed = start(restricted)  # all that this client may export, and VERT is none of it
    ReadConsumptionBatch.objects.filter(pk__in=[everything.pk, narrowed.pk]).update(limit_codes=None)
    ReadConsumptionBatch.objects.filter(pk=named.pk).update(limit_codes=["OOPM", "VERT"])
    ReadConsumptionBatch.objects.filter(pk=other.pk).update(limit_codes=["OOPM"])
    assert listed(operator, "limit=VERT") == {everything.pk, named.pk}
    assert listed(operator, "limit=OOPM") == {everything.pk, named.pk, other.pk, narrowed.pk}
    assert listed(operator, "limit=NOSUCH") == set()


def test_a_free_period_from_and_to(operator: Person) -> None:
    early, middle, late = (start(operator.user) for _ in range(3))
    for batch, moment in ((early, "2025-03-01T10:00"), (middle, "2025-03-02T10:00:59"), (late, "2025-03-03T10:00")):
        when = timezone.make_aware(datetime.fromisoformat(moment))
        ReadConsumptionBatch.objects.filter(pk=batch.pk).update(last_updated_date=when)
    assert listed(operator, "period_from=2025-03-02T10:00&period_to=2025-03-02T10:00") == {middle.pk}
    assert listed(operator, "period_from=2025-03-02T00:00") == {middle.pk, late.pk}
    assert listed(operator, "period_to=2025-03-01T23:59&period=1h") == {early.pk}, "they count instead of the preset"
    page = operator.see(f"{EXPORTS}?period_from=soon&status__exact=In+Progress")
    assert "This is no date and time." in page
    assert 'name="status__exact" value="In Progress"' in page, "applying one filter keeps the others"


def test_lists_of_operations_lead_to_each_other(operator: Person) -> None:
    for path in (EXPORTS, "/admin/consumption/writeconsumptionbatch/", TASKS):
        page = operator.see(path)
        assert "All operations, as tasks" in page

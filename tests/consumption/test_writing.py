"""Write batches: files in, refused rows out, nothing twice, the set locked until the end, whatever the end is."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import zstandard
from django.contrib.auth.models import User

from consumption.models import Consumption, Counter, CounterPeriod, Limit, WriteConsumptionBatch
from consumption.writing import applying, operation, sources
from datafiles.models import DataFile, DataFileSet
from datafiles.services import store_set
from hypermedia.readers import Role
from jobs import services as jobs
from jobs.models import Task
from jobs.notifications.models import NotificationEvent
from jobs.running import run_task
from jobs.states import TaskStatus
from tests.conftest import ApiClient, rel, rels
from tests.consumption.imports import PATH, counts, input_set, lines, written
from tests.consumption.inputs import totals, units
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

CSV = "text/csv"


def test_good_rows_go_in_and_bad_ones_come_back(writer: ApiClient, user: User) -> None:
    content = lines(
        units(externalId="A"),
        "",
        units(externalId="A"),
        units(externalId="A", numberOfUnits=2),
        units("P2"),
        {**units(), "limitCode": "NONE", "nonsense": 1},
        "{",
        {**units("P3"), "counterId": 999},
        units("P2", description=None),
    )
    data_file_set = input_set(user, content)
    batch, refused = written(writer, data_file_set)
    assert rels(batch) == ["self", "operator", "datafileset"]
    assert (batch["status"], batch["dataFileSetCode"]) == ("Completed", data_file_set.code)
    assert counts(batch) == (8, 3, 1, 4)
    assert [(row["line"], row["code"], row.get("pointer")) for row in refused] == [
        (4, "CON-IP-019", "/externalId"),
        (6, "GEN-IP-012", "/nonsense"),
        (6, "CON-IP-002", "/limitCode"),
        (7, "GEN-IP-001", None),
        (8, "CON-IP-017", "/counterId"),
    ]
    assert {row["dataFile"] for row in refused} == {data_file_set.data_files.get().code}
    assert all(row["text"] for row in refused)
    assert totals() == {("VERT", "P1", 2024): 1, ("VERT", "P2", 2024): 2}
    assert Counter.objects.count() == 2


def test_a_second_time_changes_nothing_with_or_without_external_ids(writer: ApiClient, user: User) -> None:
    content = lines(units(), units(), units(externalId="A"), "{")
    batch, _ = written(writer, input_set(user, content))
    assert counts(batch) == (4, 3, 0, 1)
    before = list(Consumption.objects.order_by("id").values())
    # The same file, in another set as well.
    again = [written(writer, input_set(user, content))[0] for _ in range(2)]
    assert [counts(batch) for batch in again] == [(4, 0, 3, 1)] * 2
    assert list(Consumption.objects.order_by("id").values()) == before
    assert totals() == {("VERT", "P1", 2024): 3}


def test_several_files_in_their_order(writer: ApiClient, user: User) -> None:
    annual = {**units(), "limitCode": "ANNUAL"}
    contents = [lines({**annual, "serviceDate": day}) for day in ("2024-03-10", "2024-01-01")]
    batch, _ = written(writer, input_set(user, *contents))
    assert counts(batch) == (2, 2, 0, 0)
    starts = CounterPeriod.objects.order_by("start_date").values_list("start_date", flat=True)
    assert [str(start) for start in starts] == ["2023-03-10", "2024-03-10"]


HEADER = (
    "limitCode,aggregationLevel,person.code,serviceDate,amount.value,amount.currency,externalId,description,withdrawn"
)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
def test_csv_and_compression(writer: ApiClient, user: User, pack: Callable[[bytes], bytes]) -> None:
    content = "\r\n".join(
        [
            HEADER,
            'OOPM,PERSON,P1,2024-05-01,1.10,USD,=X,"two\nlines, and ""quotes""",false',
            "OOPM,PERSON,P1,2024-05-01,01,USD,Y,,",
            "OOPM,PERSON,P1,2024-05-01,-0.05,USD,'=Z,'=1+1,TRUE",
            "OOPM,PERSON",
        ]
    )
    batch, refused = written(writer, input_set(user, pack(b"\xef\xbb\xbf" + content.encode()), media_type=CSV))
    assert counts(batch) == (4, 2, 0, 2)
    assert [(row["line"], row["code"]) for row in refused] == [(4, "GEN-IP-015"), (6, "GEN-IP-001")]
    rows = Consumption.objects.order_by("id").values_list("amount", "external_id", "description", "withdrawn")
    assert list(rows) == [
        (Decimal("1.1"), "=X", 'two\nlines, and "quotes"', False),
        (Decimal("-0.05"), "=Z", "=1+1", True),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (gzip.compress(lines(units()))[:-9], "compression is broken"),
        (b"limitCode;person.code;serviceDate\n", "separator of a CSV file has to be a comma"),
        (b"limitCode,Mr. Smith\n", "does not know its column 2;"),
        (gzip.compress(b"\n" * 3_000_000), "taken for a bomb"),
        (zstandard.compress(b"{" * 3_000_000), "taken for a bomb"),
        (b"limitCode,externalId\n" + b"x" * 1_100_000, "a record is longer than"),
        (b"limitCode,externalId\n" + b'"' + b"x\n" * 600_000, "a record is longer than"),
        (b"limitCode,externalId\n" + b'x,"\n",' * 300_000, "a record is longer than"),
        (b'limitCode,externalId\n"VERT', "Line 2 is no CSV"),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end(writer: ApiClient, user: User, content: bytes, told: str) -> None:
    batch, _ = written(writer, input_set(user, content))
    assert batch["status"] == "Failed"
    messages = writer.get(str(rel(writer.get(str(rel(batch, "operator"))).json(), "operator:messages"))).json()
    [fatal] = [message for message in messages["messages"] if message["severity"] == "Fatal"]
    assert fatal["code"] == "CON-FA-011"
    assert told in fatal["text"]
    assert "Smith" not in fatal["text"], "what stands in a file is data of people"
    assert not DataFileSet.objects.filter(locked=True).exists()


def test_bytes_that_are_no_text(writer: ApiClient, user: User, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 300
    content = b"\xff\xfe\n" + lines(units()) + b'"' + b"x" * 1000 + b'"\n' + lines(units()) + b"a\0b\n"
    batch, refused = written(writer, input_set(user, b"{}\n" + content))
    assert counts(batch) == (6, 2, 0, 4)
    assert [row["line"] for row in refused if row["code"] == "GEN-IP-001"] == [2, 4, 6]


def test_a_total_that_would_not_fit_refuses_its_row_alone(writer: ApiClient, user: User) -> None:
    large = '{"limitCode":"VERT","aggregationLevel":"PERSON","person":{"code":"P1"},"serviceDate":"2024-05-01",'
    large += '"numberOfUnits":9999999999999999.9999}'
    batch, refused = written(writer, input_set(user, lines(units("P0"), large, units(), units("P2"))))
    assert counts(batch) == (4, 3, 0, 1)
    assert [(row["line"], row["code"]) for row in refused] == [(3, "CON-IP-018")]


def test_nothing_in_a_file(writer: ApiClient, user: User) -> None:
    batch, refused = written(writer, input_set(user, b""))
    assert (counts(batch), refused) == ((0, 0, 0, 0), [])


class TestTheLock:
    def test_from_the_request_to_the_end(self, writer: ApiClient, user: User) -> None:
        data_file_set = input_set(user, lines(units()))
        location = writer.post(PATH, {"dataFileSetCode": data_file_set.code}).headers["Location"]
        assert writer.get(f"/api/datafilesets/{data_file_set.code}").json()["locked"] is True
        second = writer.post(PATH, {"dataFileSetCode": data_file_set.code})
        assert second.status_code == 409
        assert second.json()["resultMessages"]["resultMessage"][0]["code"] == "DAT-IP-DAFI-004"
        run_task(task_id=Task.objects.get().pk)
        assert writer.get(location).json()["status"] == "Completed"
        assert writer.get(f"/api/datafilesets/{data_file_set.code}").json()["locked"] is False

    def test_cancel_and_failure_free_it_and_a_restart_takes_it_again(self, writer: ApiClient, user: User) -> None:
        data_file_set = input_set(user, lines(units()))
        location = writer.post(PATH, {"dataFileSetCode": data_file_set.code}).headers["Location"]
        assert writer.delete(str(rel(writer.get(location).json(), "cancel"))).status_code == 202
        assert not self.locked(data_file_set)
        batch = operation.start(user_id=user.pk, set_id=data_file_set.pk)
        claimed = jobs.claim(task_id=batch.task_id, owner="w", thread_code="t", celery_task_id="")
        assert claimed is not None
        jobs.fail(task=claimed, code="X", text="Broken on purpose.")
        assert not self.locked(data_file_set)
        jobs.restart(task_id=batch.task_id, user_id=user.pk)
        other = operation.start(user_id=user.pk, set_id=data_file_set.pk)
        run_task(task_id=batch.task_id)
        assert Task.objects.get(pk=batch.task_id).status == TaskStatus.ERRORED
        assert self.locked(data_file_set), "it is the other one's"
        run_task(task_id=other.task_id)
        assert not self.locked(data_file_set)
        jobs.restart(task_id=batch.task_id, user_id=user.pk)
        run_task(task_id=batch.task_id)
        assert Task.objects.get(pk=batch.task_id).status == TaskStatus.COMPLETED
        assert not self.locked(data_file_set)
        assert Consumption.objects.count() == 1

    def locked(self, data_file_set: DataFileSet) -> bool:
        return bool(DataFileSet.objects.get(pk=data_file_set.pk).locked)


def test_a_restart_goes_on_where_the_stopped_attempt_was(
    writer: ApiClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "ROWS", 2)
    content = lines(*(units(f"P{number}") for number in range(5)))
    batch = operation.start(user_id=user.pk, set_id=input_set(user, content).pk)
    seen = []

    def stop_at_the_second(name: str) -> None:
        seen.append(name)
        if seen.count("import.commit") == 2:
            raise MemoryError

    monkeypatch.setattr(operation, "hit", stop_at_the_second)
    with pytest.raises(Exception, match="MemoryError"):
        run_task(task_id=batch.task_id)
    assert Consumption.objects.count() == 2
    monkeypatch.undo()
    jobs.restart(task_id=batch.task_id, user_id=user.pk)
    run_task(task_id=batch.task_id)
    document = writer.get(f"/api/generic/writeconsumptionbatches/{batch.pk}").json()
    assert counts(document) == (5, 5, 0, 0)
    assert len(totals()) == Consumption.objects.count() == 5


def test_a_worker_that_lost_its_task_writes_nothing_more(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = operation.start(user_id=user.pk, set_id=input_set(user, lines(units())).pk)

    def cancel_before_the_commit(name: str) -> None:
        if name == "import.chunk":
            raise AssertionError("the piece was committed")

    real = applying.apply

    def cancelled(*arguments: Any, **options: Any) -> Any:
        jobs.cancel(task_id=batch.task_id, user_id=user.pk)
        return real(*arguments, **options)

    monkeypatch.setattr(applying, "apply", cancelled)
    monkeypatch.setattr(operation, "hit", cancel_before_the_commit)
    run_task(task_id=batch.task_id)
    assert Task.objects.get().status == TaskStatus.CANCELLED
    assert not Consumption.objects.exists()
    assert not DataFileSet.objects.filter(locked=True).exists()


def test_a_limit_that_changes_meanwhile_is_looked_up_again(
    writer: ApiClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = applying.apply

    def after_a_change(*arguments: Any) -> Any:
        Limit.objects.filter(code="VERT").update(reference=Limit.Reference.LIFETIME)
        return real(*arguments)

    monkeypatch.setattr(applying, "apply", after_a_change)
    batch, _ = written(writer, input_set(user, lines(units())))
    assert counts(batch) == (1, 1, 0, 0)
    assert CounterPeriod.objects.get().end_date is None


class TestRequests:
    @pytest.mark.parametrize(
        ("body", "code", "pointer"),
        [
            ({"dataFileSetCode": "NONE"}, "DAT-IP-DAFI-003", "/dataFileSetCode"),
            ({}, "GEN-IP-010", "/dataFileSetCode"),
            ({"dataFileSetCode": "A", "x": 1}, "GEN-IP-012", "/x"),
        ],
    )
    def test_refused(self, writer: ApiClient, body: Any, code: str, pointer: str) -> None:
        response = writer.post(PATH, body)
        assert response.status_code == 422
        [message] = response.json()["resultMessages"]["resultMessage"]
        assert (message["code"], message["pointer"]) == (code, pointer)

    def test_another_users_set_is_unknown(self, writer: ApiClient) -> None:
        stranger: User = UserFactory.create(roles=[Role.CLIENT])
        response = writer.post(PATH, {"dataFileSetCode": input_set(stranger, b"").code})
        assert response.json()["resultMessages"]["resultMessage"][0]["code"] == "DAT-IP-DAFI-003"

    def test_what_holds_no_rows(self, writer: ApiClient, user: User) -> None:
        removed = input_set(user, b"")
        DataFile.objects.filter(data_file_set=removed).update(removed_at="2024-01-01T00:00:00Z")
        sets = [store_set(owner_id=user.pk, description="", contents=[]), removed]
        sets.append(input_set(user, b"PK", media_type="application/zip"))
        codes = [
            writer.post(PATH, {"dataFileSetCode": one.code}).json()["resultMessages"]["resultMessage"][0]["code"]
            for one in sets
        ]
        assert codes == ["CON-IP-031", "CON-IP-031", "CON-IP-032"]
        assert not WriteConsumptionBatch.objects.exists()

    def test_an_idempotency_key_starts_one(self, writer: ApiClient, user: User) -> None:
        body = {"dataFileSetCode": input_set(user, b"").code}
        answers = [writer.post(PATH, body, Idempotency_Key="k") for _ in range(2)]
        assert {(answer.status_code, answer.headers["Location"]) for answer in answers} == {
            (201, answers[0].headers["Location"])
        }


def test_its_end_is_an_event(writer: ApiClient, user: User) -> None:
    batch, _ = written(writer, input_set(user, lines(units())))
    event = NotificationEvent.objects.get()
    assert event.type == "WriteConsumptionBatch"
    links = {link["rel"]: link["href"] for link in json.loads(event.body)["links"]}
    assert links["operator:subject"] == batch["links"][0]["href"]
    assert links["datafileset"] == rel(batch, "datafileset")
    assert links.keys() == {"operator:subject", "datafileset", "file"}


def test_progress_and_search(writer: ApiClient, user: User) -> None:
    batch = operation.start(user_id=user.pk, set_id=input_set(user, lines(units())).pk)
    running = writer.get(f"/api/generic/writeconsumptionbatches/{batch.pk}")
    assert running.headers["Retry-After"]
    assert rels(running.json()) == ["self", "operator", "monitor", "cancel"]
    assert running.json()["progress"] == {"rowsWritten": 0}
    found = writer.post("/api/generic/writeconsumptionbatches/search", {"resource": {"q": "status.eq('In Progress')"}})
    assert [item["id"] for item in found.json()["items"]] == [batch.pk]

"""What is past its time goes, unless a hold keeps it; what is known of it stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.http import parse_http_date

from audit.models import Entry
from consumption.models import ReadConsumptionBatch
from datafiles import holds, retention
from datafiles.models import DataFile, DataFileSet
from datafiles.tasks import purge
from hypermedia.errors import Conflict, RuleBroken
from hypermedia.readers import Role
from jobs import services as jobs
from tests.api.wire import check, messages
from tests.conftest import ApiClient, rel, rels
from tests.datafiles.files import filled, stored, upload
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("storage_folder")]


def expire() -> None:
    DataFile.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def test_content_tells_when_it_goes(client: ApiClient, settings: Any) -> None:
    settings.DATA_FILES_RETENTION = timedelta(days=7)
    response = client.request("HEAD", str(rel(filled(client), "file")))
    left = parse_http_date(response.headers["Expires"]) - timezone.now().timestamp()
    assert abs(left - 7 * 86_400) < 60


def test_expired_content_is_gone_at_once_and_purged_later(client: ApiClient) -> None:
    document = filled(client)
    address, data = str(rel(document, "self")), str(rel(document, "file"))
    tag = client.get(address).headers["ETag"]
    expire()
    for path in (data, f"{address}/zip"):
        check(client.get(path), 410)
    assert len(stored()) == 1
    assert purge() == 1
    assert len(stored()) == 0 and purge() == 0
    check(client.get(data), 410)
    after = check(client.get(address, If_None_Match=tag), 200).json()
    assert rels(after) == ["self", "datafileset"]
    assert after["dataFiles"] == [{**document["dataFiles"][0], "links": []}]
    assert check(client.get(f"{address}/SHA256SUMS"), 200).content == b""
    assert check(client.get(f"{address}/manifest"), 200).json()["files"] == []


def test_what_is_not_due_or_locked_stays(client: ApiClient) -> None:
    filled(client, code="young")
    assert purge() == 0
    filled(client, code="locked")
    expire()
    DataFileSet.objects.update(locked=True)
    assert purge() == 0 and len(stored()) == 2
    DataFileSet.objects.filter(code="young").update(locked=False)
    assert purge() == 1 and len(stored()) == 1


def test_in_steps(client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for _ in range(5):
        filled(client)
    expire()
    assert purge() == 5 and len(stored()) == 0


def age(days: int) -> None:
    DataFileSet.objects.update(last_updated_date=timezone.now() - timedelta(days=days))


def test_a_set_that_nothing_is_left_of_is_forgotten_in_the_end(client: ApiClient, settings: Any) -> None:
    settings.DATA_FILE_SETS_RETENTION = timedelta(days=100)
    deleted, purged = filled(client, code="deleted"), filled(client, code="purged")
    filled(client, code="present"), check(client.post("/api/datafilesets", {"code": "awaits"}), 201)
    check(client.delete(str(rel(deleted, "self"))), 204)
    DataFile.objects.filter(data_file_set__code="purged").update(expires_at=timezone.now())
    assert purge() == 1
    age(99)
    assert retention.forget_sets() == 0
    check(client.get(str(rel(deleted, "self"))), 410)
    check(client.get(str(rel(purged, "self"))), 200)
    check(client.get(str(rel(purged, "file"))), 410)
    age(101)
    purge()
    assert list(DataFileSet.objects.order_by("code").values_list("code", flat=True)) == ["awaits", "present"]
    assert DataFile.objects.get().data_file_set.code == "present"
    for document in (deleted, purged):
        check(client.get(str(rel(document, "self"))), 404)


def test_what_is_held_locked_or_named_by_an_operation_is_remembered(client: ApiClient, settings: Any) -> None:
    settings.DATA_FILE_SETS_RETENTION = timedelta(days=100)
    for code in ("held", "locked", "named"):
        filled(client, code=code)
    expire()
    assert purge() == 3
    DataFileSet.objects.filter(code="held").update(hold_reason="Claim 12")
    DataFileSet.objects.filter(code="locked").update(locked=True)
    owner = User.objects.get(username="client").pk
    with transaction.atomic():
        export = ReadConsumptionBatch(
            transaction_start=timezone.now(),
            transaction_end=timezone.now(),
            data_file_set=DataFileSet.objects.get(code="named"),
        )
        jobs.start(operation=export, user_id=owner)
    age(101)
    assert retention.forget_sets() == 0
    export.delete()
    assert retention.forget_sets() == 1
    assert not DataFileSet.objects.filter(code="named").exists()


def test_a_hold_keeps_everything(client: ApiClient) -> None:
    document = filled(client, code="S")
    address, data = str(rel(document, "self")), str(rel(document, "file"))
    operator = UserFactory.create(username="operator", roles=[Role.OPERATOR])
    set_id = DataFileSet.objects.get().pk
    held = holds.hold(set_id=set_id, user_id=operator.pk, reason=" Claim 12 goes to court ")
    assert (held.hold_reason, held.version) == ("Claim 12 goes to court", 3)
    expire()
    assert purge() == 0
    response = check(client.get(data), 200)
    assert response.getvalue() == b"a,b\n1,2\n" and "Expires" not in response.headers
    for method, path in (
        ("DELETE", address),
        ("DELETE", data.removesuffix("/data")),
        ("PUT", f"{address}/zip"),
        ("PUT", f"{address}/unzip"),
    ):
        assert messages(check(client.request(method, path), 409))[0]["code"] == "DAT-IP-DAFI-101"
    assert upload(client, data, b"x").status_code == 409
    check(client.post(address, {"code": "more"}), 201)
    with pytest.raises(Conflict):
        holds.hold(set_id=set_id, user_id=operator.pk, reason="again")
    for reason in ("", " "):
        with pytest.raises(RuleBroken):
            holds.release(set_id=set_id, user_id=operator.pk, reason=reason)
    holds.release(set_id=set_id, user_id=operator.pk, reason="Settled")
    check(client.get(data), 410)
    assert purge() == 1
    trail = Entry.objects.filter(user_id=operator.pk).order_by("id").values_list("action", "subject", "detail")
    assert list(trail) == [
        ("data.hold", "datafilesets/S", {"reason": "Claim 12 goes to court"}),
        ("data.release", "datafilesets/S", {"reason": "Settled"}),
    ]
    with pytest.raises(Conflict):
        holds.release(set_id=set_id, user_id=operator.pk, reason="again")


def test_handed_over_to_nginx(client: ApiClient, settings: Any) -> None:
    """The key and nothing else stands in the path; what nginx cannot judge is answered here."""
    document = filled(client)
    data, settings.X_ACCEL_PREFIX = str(rel(document, "file")), "/content"
    response = client.get(data)
    key = str(DataFile.objects.get().storage_key)
    assert response.status_code == 200 and response.content == b""
    assert response.headers["X-Accel-Redirect"] == f"/content/{key[:2]}/{key}"
    for name in ("ETag", "Repr-Digest", "Content-Disposition", "Expires", "Accept-Ranges"):
        assert name in response.headers
    tag = response.headers["ETag"]
    assert check(client.get(data, Range="bytes=0-1", If_Range=tag), 206).getvalue() == b"a,"
    assert "X-Accel-Redirect" not in check(client.get(data, If_None_Match=tag), 304).headers
    head = check(client.request("HEAD", data), 200)
    assert "X-Accel-Redirect" not in head.headers and head.headers["Content-Length"] == "8"
    assert Entry.objects.filter(action="data.read", result="done").count() == 4

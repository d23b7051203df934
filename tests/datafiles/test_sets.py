"""Making, filling, changing and deleting sets: every row of the contract's table, following links."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from audit.models import Entry
from datafiles.models import DataFile, DataFileSet
from hypermedia.readers import Role
from tests.api.wire import check, messages, pointers
from tests.api.world import completed
from tests.conftest import ApiClient, rel, rels
from tests.datafiles.files import FORM, SETS, filled, form, made, stored, upload
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("storage_folder")]

CSV = b"a,b\n1,2\n3,4\n"


def test_from_the_empty_set_to_the_download(client: ApiClient) -> None:
    """A client that follows links only."""
    document = made(client, {"code": "CLAIMS", "description": "May", "dataFiles": [{"code": "a", "description": "A"}]})
    assert (document["code"], document["description"], document["locked"]) == ("CLAIMS", "May", False)
    [file] = document["dataFiles"]
    assert {key: file[key] for key in file if key != "links"} == {"code": "a", "description": "A"}
    [link] = file["links"]
    assert (link["rel"], link["httpMethod"]) == ("file", "POST")
    response = check(upload(client, link["href"], CSV), 201)
    assert response.json() == {
        "code": "a",
        "description": "A",
        "contentLength": len(CSV),
        "mediaType": "text/csv",
        "sha256": hashlib.sha256(CSV).hexdigest(),
        "rowCount": 2,
        "links": [{"href": link["href"], "rel": "file", "httpMethod": "GET"}],
    }
    document = check(client.get(str(rel(document, "self"))), 200).json()
    assert document["dataFiles"] == [response.json()]
    assert rels(document) == ["self", "datafileset", "file"]
    for address in (rel(document, "file"), response.headers["Location"]):
        got = check(client.get(str(address)), 200)
        assert got.getvalue() == CSV
        assert got.headers["Content-Disposition"] == 'attachment; filename="a.csv"'
        assert "Expires" in got.headers


def test_sets_are_searched_where_they_are_listed(client: ApiClient) -> None:
    for code in ("A", "B", "C"):
        made(client, {"code": code})
    asked = {"q": "code.gt('A')", "orderBy": "code:desc", "limit": 1, "totalResults": True}
    found = check(client.post(f"{SETS}/search", {"resource": asked}), 200).json()
    assert ([one["code"] for one in found["items"]], found["totalResults"]) == (["C"], "2")
    assert check(client.get(str(rel(found, "self"))), 200).json() == found
    rest = check(client.get(str(rel(found, "next"))), 200).json()
    assert [one["code"] for one in rest["items"]] == ["B"]


def test_no_set_is_called_as_the_search_is(client: ApiClient) -> None:
    by_form = client.request("POST", SETS, form(("code", "", "", b"search")), Content_Type=FORM)
    for refused in (client.post(SETS, {"code": "search"}), by_form):
        assert pointers(check(refused, 422)) == ["/code"]
    made(client, {"code": "searches", "dataFiles": [{"code": "search"}]})


def test_codes_of_the_server(client: ApiClient) -> None:
    document = made(client, {"dataFiles": [{}]})
    for code in (document["code"], document["dataFiles"][0]["code"]):
        assert len(code) == 32 and set(code) <= set("0123456789ABCDEF")
    empty = check(client.post(SETS), 201).json()
    assert empty["dataFiles"] == []
    [upload_link] = [link for link in empty["links"] if link["rel"] == "file"]
    assert (upload_link["httpMethod"], upload_link["href"]) == ("POST", f"{rel(empty, 'self')}/zip")


def test_adding_a_file(client: ApiClient) -> None:
    document = made(client)
    address = str(rel(document, "datafileset"))
    added = check(client.post(address, {"code": "a", "description": "A"}), 201)
    assert added.headers["Location"] == address
    assert added.json()["code"] == "a" and added.json()["links"][0]["httpMethod"] == "POST"
    named = form(("code", "", "", b"b"), ("file", "x.csv", "text/csv", CSV))
    assert check(client.request("POST", address, named, Content_Type=FORM), 201).json()["rowCount"] == 2
    bare = form(("file", "c.csv", "text/csv", CSV))
    assert check(client.request("POST", address, bare, Content_Type=FORM), 201).json()["code"] == "c.csv"
    assert [file["code"] for file in client.get(address).json()["dataFiles"]] == ["a", "b", "c.csv"]


def test_the_messages_of_the_contract(client: ApiClient) -> None:
    document = filled(client, code="S")
    address = str(rel(document, "self"))
    DataFileSet.objects.filter(code="S").update(version=7)
    for method, path, body, status, code, text in (
        ("POST", SETS, {"code": "S"}, 422, "001", "Data file set code S already exists"),
        (
            "POST",
            address,
            {"code": "one"},
            422,
            "002",
            "Data file code one already exist within the data file set",
        ),
        (
            "POST",
            SETS,
            {"dataFiles": [{"code": "x"}, {"code": "x"}]},
            422,
            "002",
            "Data file code x already exist within the data file set",
        ),
        ("GET", f"{SETS}/NO", None, 404, "003", "Data file set code NO is unknown"),
        ("DELETE", f"{SETS}/NO", None, 404, "003", "Data file set code NO is unknown"),
        ("GET", f"{SETS}/NO/manifest", None, 404, "003", "Data file set code NO is unknown"),
        (
            "PUT",
            f"{address}/datafiles/NO",
            {"description": "x"},
            404,
            "005",
            "Data file code NO is unknown to data file set S",
        ),
        ("DELETE", f"{address}/datafiles/NO", None, 404, "005", "Data file code NO is unknown to data file set S"),
    ):
        [message] = messages(check(client.request(method, path, body), status))
        assert (message["code"], message["text"]) == (f"DAT-IP-DAFI-{code}", text)
    DataFileSet.objects.update(locked=True)
    for method, path, body in (
        ("POST", address, {"code": "new"}),
        ("DELETE", address, None),
        ("PUT", f"{address}/datafiles/one", {"description": "x"}),
        ("DELETE", f"{address}/datafiles/one", None),
        ("POST", f"{address}/datafiles/one/data", {"some": "content"}),
    ):
        [message] = messages(check(client.request(method, path, body), 409))
        text = "Data file set code S is locked for modification"
        assert (message["code"], message["text"]) == ("DAT-IP-DAFI-004", text)
    locked = check(client.get(address), 200).json()
    assert locked["locked"] is True and [link["httpMethod"] for link in locked["links"][1:]] == ["GET", "GET"]


def test_a_description_changes(client: ApiClient) -> None:
    document = filled(client)
    address = f"{rel(document, 'self')}/datafiles/one"
    tag = client.get(str(rel(document, "self"))).headers["ETag"]
    changed = check(client.request("PUT", address, {"code": "one", "description": "New"}, If_Match=tag), 200)
    assert changed.json()["description"] == "New"
    assert changed.headers["ETag"] > tag
    check(client.request("PUT", address, {"description": "Newer"}, If_Match=tag), 412)
    check(client.request("PUT", address, {"code": "two", "description": "x"}), 422)
    check(client.request("PUT", address, {}), 422)
    assert "description" not in check(client.request("PUT", address, {"description": ""}), 200).json()


def test_every_change_raises_the_version_and_minds_if_match(client: ApiClient) -> None:
    document = made(client, {"code": "S", "dataFiles": [{"code": "a"}]})
    address = str(rel(document, "self"))
    tags = [client.get(address).headers["ETag"]]
    for method, path, body, kind in (
        ("POST", f"{address}/datafiles/a/data", CSV, "text/csv"),
        ("PUT", f"{address}/datafiles/a", {"description": "x"}, "application/json"),
        ("POST", address, {"code": "b"}, "application/json"),
        ("DELETE", f"{address}/datafiles/a", None, ""),
    ):
        for tag in (tags[-2] if len(tags) > 1 else '"99-x"', '"0"'):
            check(client.request(method, path, body, Content_Type=kind, If_Match=tag), 412)
        response = check(client.request(method, path, body, Content_Type=kind, If_Match=tags[-1]))
        assert response.status_code < 300
        tags.append(client.get(address).headers["ETag"])
    assert [int(tag.strip('"').partition("-")[0]) for tag in tags] == [1, 2, 3, 4, 5]
    check(client.request("DELETE", address, If_Match=tags[0]), 412)
    check(client.request("DELETE", address, If_Match=tags[-1]), 204)


def test_a_deleted_file(client: ApiClient) -> None:
    """410 for its content; its metadata stay without a link; its code can be used again."""
    document = filled(client)
    address, data = str(rel(document, "self")), str(rel(document, "file"))
    deleted = check(client.delete(data.removesuffix("/data")), 204)
    assert not {"Content-Type", "Content-Length"} & set(deleted.headers)
    for method in ("GET", "HEAD", "POST"):
        check(client.request(method, data), 410)
    check(client.delete(data.removesuffix("/data")), 410)
    after = check(client.get(address), 200).json()
    assert rels(after) == ["self", "datafileset"]
    assert after["dataFiles"][0] == {**document["dataFiles"][0], "links": []}
    assert not stored()
    check(client.post(address, {"code": "one"}), 201)
    check(upload(client, data, b"{}", "application/json"), 201)
    [file] = check(client.get(address), 200).json()["dataFiles"]
    assert file["contentLength"] == 2


def test_a_deleted_set(client: ApiClient) -> None:
    """410 for itself and everything in it, 404 for strangers; gone from the lists; its code is free."""
    document = filled(client, code="S")
    address, data = str(rel(document, "self")), str(rel(document, "file"))
    generic = f"/api/generic/datafilesets/{DataFileSet.objects.get().pk}"
    check(client.delete(address), 204)
    stranger = ApiClient(UserFactory.create(roles=[Role.CLIENT]))
    for path in (address, data, generic, f"{address}/manifest", f"{address}/SHA256SUMS"):
        check(client.get(path), 410)
        check(stranger.get(path), 404)
    check(client.delete(address), 410)
    assert check(client.get(SETS), 200).json()["items"] == []
    assert not stored()
    check(client.post(SETS, {"code": "S"}), 201)
    assert check(client.get(address), 200).json()["dataFiles"] == []


def test_a_batch_does_not_lead_to_a_deleted_set(client: ApiClient, owner: User) -> None:
    batch = completed(owner)
    address = f"/api/generic/readconsumptionbatches/{batch.pk}"
    result = str(rel(check(client.get(address), 200).json(), "datafileset"))
    check(client.delete(result), 204)
    after = check(client.get(address), 200).json()
    assert (after["status"], rels(after)) == ("Completed", ["self", "operator"])


def test_the_same_request_again(client: ApiClient) -> None:
    first = check(client.post(SETS, {"description": "x"}, Idempotency_Key="k"), 201)
    again = check(client.post(SETS, {"description": "x"}, Idempotency_Key="k"), 201)
    assert again.json() == first.json() and again.headers["Location"] == first.headers["Location"]
    check(client.post(SETS, {"description": "y"}, Idempotency_Key="k"), 422)
    body, other = (form(("f", "a.csv", "text/csv", content)) for content in (CSV, b"x"))
    one = [check(client.request("POST", SETS, body, Content_Type=FORM, Idempotency_Key="f"), 201) for _ in range(2)]
    assert one[0].json() == one[1].json()
    check(client.request("POST", SETS, other, Content_Type=FORM, Idempotency_Key="f"), 422)
    data = str(rel(one[0].json(), "file"))
    twice = [upload(client, data, b"1\n", Idempotency_Key="d") for _ in range(2)]
    assert twice[0].json() == twice[1].json() and twice[0].status_code == 201
    assert upload(client, data, b"2\n", Idempotency_Key="d").status_code == 422
    assert DataFileSet.objects.count() == 2
    assert DataFileSet.objects.get(code=one[0].json()["code"]).version == 2
    assert len(stored()) == 1


def test_codes_never_become_paths(client: ApiClient) -> None:
    for code in ("..", ".", "../x", "a/b", "a\\b", "/etc", "", "-x", ".x", "a b", "ä", "x" * 61, "C:", "a%2fb", "a\n"):
        for body, pointer in (({"code": code}, "/code"), ({"dataFiles": [{"code": code}]}, "/dataFiles/0/code")):
            assert pointers(check(client.post(SETS, body), 422)) == [pointer], code
    for code in ("a", "A.b-c_d~e", "_", "0", "x" * 60):
        document = filled(client, code=code, dataFiles=[{"code": "one"}])
        assert document["code"] == code
    assert all(path.name.isalnum() and len(path.name) == 32 for path in stored())


def test_files_that_would_be_called_the_same(client: ApiClient) -> None:
    document = made(client, {"dataFiles": [{"code": "a"}, {"code": "a.csv"}, {"code": "A.CSV"}]})
    addresses = [file["links"][0]["href"] for file in document["dataFiles"]]
    check(upload(client, addresses[0], CSV), 201)
    for address in addresses[1:]:
        response = check(upload(client, address, CSV), 422)
        assert "would both be called" in messages(response)[0]["text"]
    check(upload(client, addresses[1], b"{}", "application/json"), 201)


def test_others(client: ApiClient) -> None:
    """Operators and auditors see what is there; only the owner changes it."""
    document = filled(client)
    address = str(rel(document, "self"))
    for role, status in ((Role.OPERATOR, 403), (Role.AUDITOR, 403), (Role.CLIENT, 404)):
        other = ApiClient(UserFactory.create(roles=[role]))
        for method, path in (("POST", address), ("DELETE", address), ("DELETE", f"{address}/datafiles/one")):
            check(other.request(method, path), status)
        if role != Role.CLIENT:
            seen = check(other.get(address), 200).json()
            assert rels(seen) == ["self", "datafileset"]
            assert rels(seen["dataFiles"][0]) == []
            manifest = check(other.get(f"{address}/manifest"), 200).json()
            assert "url" not in manifest["files"][0] and "file" not in rels(manifest)


def test_what_was_done_is_on_record(client: ApiClient, owner: User) -> None:
    document = filled(client, code="S")
    check(client.get(str(rel(document, "file"))), 200).getvalue()
    check(client.get(str(rel(document, "file")), Range="bytes=0-1"), 206).getvalue()
    check(client.delete(str(rel(document, "self"))), 204)
    check(client.get(str(rel(document, "file"))), 410)
    check(ApiClient(UserFactory.create(username="spy", roles=[Role.CLIENT])).get(str(rel(document, "file"))), 404)
    file = "datafilesets/S/datafiles/one"
    assert list(Entry.objects.order_by("id").values_list("action", "subject", "result", "status")) == [
        ("data.create", "datafilesets/S", "done", None),
        ("data.upload", file, "done", None),
        ("data.read", f"{file}/data", "done", 200),
        ("data.read", f"{file}/data", "done", 206),
        ("data.delete", "datafilesets/S", "done", None),
        ("data.read", f"{file}/data", "refused", 410),
        ("data.read", f"{file}/data", "refused", 404),
    ]
    assert list(Entry.objects.values_list("user_id", flat=True)).count(owner.pk) == 6
    assert set(Entry.objects.values_list("address", flat=True)) == {"127.0.0.1"}


def test_a_storage_that_refuses(client: ApiClient, storage_folder: Path) -> None:
    address = made(client, {"dataFiles": [{}]})["dataFiles"][0]["links"][0]["href"]
    storage_folder.write_text("not a folder")
    response = upload(client, address, CSV)
    assert response.status_code == 503
    assert "file storage failed" in messages(response)[0]["text"]
    assert DataFile.objects.get().storage_key is None

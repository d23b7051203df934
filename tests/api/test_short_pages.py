"""Pages of searches that would look at too many rows: they are short, and the links lead through all of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from hypermedia import seeking
from hypermedia.readers import Role
from tests.api.world import completed, failed, start
from tests.conftest import ApiClient, rel
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
TASKS = "/api/generic/tasks"
# Neither condition leads, nor does any fit few rows, once the bounds are as low as here.
Q = "status.ne('PENDING').and.creationDate.gt('2000-01-01T00:00:00Z')"
ORDERS = [
    "id",
    "id:desc",
    "lastUpdatedDate:desc",
    "status",
    "status:desc,id",
    "status,creationDate:desc",
    "creationDate",
]


@pytest.fixture(autouse=True)
def low_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeking, "SOON", 1)
    monkeypatch.setattr(seeking, "FIRST_LOOK", 2)
    monkeypatch.setattr(seeking, "LOOKED_AT", 3)
    monkeypatch.setattr(seeking, "FEW", 0)


@pytest.fixture
def owner() -> User:
    owner, other = (UserFactory.create(roles=[Role.CLIENT]) for _ in range(2))
    for make in (start, start, start, failed, start, completed, start, start, start, start, failed, start, start):
        make(owner), make(other)
    return owner


def every(client: ApiClient, monkeypatch: pytest.MonkeyPatch, order: str) -> list[int]:
    """What an unbounded search finds."""
    with monkeypatch.context() as patch:
        patch.setattr(seeking, "FIRST_LOOK", 1000)
        answer = client.get(f"{TASKS}?q={Q}&orderBy={order}")
        assert not answer.json()["hasMore"]
        return [item["id"] for item in answer.json()["items"]]


def pages(client: ApiClient, address: str, towards: str) -> list[dict[str, Any]]:
    """The page at an address and all that its links lead to, in one direction."""
    found = [client.get(address).json()]
    while following := rel(found[-1], towards):
        found.append(client.get(following).json())
        assert len(found) < 60, "the links go round"
    return found


def ids(page: dict[str, Any]) -> list[int]:
    return [item["id"] for item in page["items"]]


@pytest.mark.parametrize("order", ORDERS)
def test_the_links_show_every_row_once(owner: User, monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    client = ApiClient(owner)
    expected = every(client, monkeypatch, order)
    assert len(expected) == 3
    there = pages(client, f"{TASKS}?q={Q}&orderBy={order}&limit=2", "next")
    assert [one for page in there for one in ids(page)] == expected
    if "status" not in order:  # there the first condition is an index's
        assert any(len(ids(page)) < 2 and page["hasMore"] for page in there), "no page was short"
    assert [page["offset"] for page in there] == [str(sum(map(len, map(ids, there[:at])))) for at in range(len(there))]
    back = pages(client, rel(there[-1], "prev") or "", "prev")
    seen = [one for page in reversed(back) for one in ids(page)]
    assert seen == expected[: len(expected) - len(ids(there[-1]))]
    assert back[-1]["offset"] == "0"
    again = pages(client, rel(back[-1], "self") or "", "next")
    assert [one for page in again for one in ids(page)] == expected


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("offset", [1, 2, 5])
def test_an_offset_is_counted_over_short_pages(
    owner: User, monkeypatch: pytest.MonkeyPatch, order: str, offset: int
) -> None:
    client = ApiClient(owner)
    expected = every(client, monkeypatch, order)
    monkeypatch.setattr(seeking, "FIRST_LOOK", 1)
    monkeypatch.setattr(seeking, "LOOKED_AT", 1)
    there = pages(client, f"{TASKS}?q={Q}&orderBy={order}&limit=2&offset={offset}", "next")
    assert [one for page in there for one in ids(page)] == expected[offset:]
    assert there[0]["offset"] == str(offset)


@pytest.mark.parametrize("order", ORDERS)
def test_few_rows_are_sorted_and_no_page_is_short(owner: User, monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    client = ApiClient(owner)
    expected = every(client, monkeypatch, order)
    monkeypatch.setattr(seeking, "FEW", 50)
    there = pages(client, f"{TASKS}?q={Q}&orderBy={order}&limit=2", "next")
    assert [ids(page) for page in there] == [expected[:2], expected[2:]]

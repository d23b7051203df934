"""Collections: a page of a resource's rows, found by searching and in an order, at the same price at any depth.

A page that is reached by `offset` costs as much as all rows before it, so offsets end at 10,000. The links `next` and
`prev` carry a cursor instead and cost one index look-up. They are always GETs: a search by POST is the same as a GET
with the same words as parameters, so its further pages need no body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import quote, urlencode

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from hypermedia import asking, cursors
from hypermedia.asking import DEEPEST_OFFSET, Asked, SearchInput
from hypermedia.cursors import Cursor
from hypermedia.filters import INTEGER, Field, Fields, Narrowing, narrowing
from hypermedia.links import SELF, link
from hypermedia.ordering import BY_ID, Order, parse_order, position, reverse
from hypermedia.query import compiled
from hypermedia.readers import Reader
from hypermedia.seeking import Found, Search
from hypermedia.views import ResourceView

Row = TypeVar("Row")
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Collection(Generic[Row]):
    """One collection: `path` lies below `/api/`, `document` is that of the single resource, `rows` reads a page.

    Where readers who do not see everything see what they made, `everything` is what the others see: it is what searches
    look through, a reader's own rows being one condition among others, while `visible` is what is read of a page.
    """

    path: str
    fields: Fields
    visible: Callable[[Reader], QuerySet[Any]]
    document: Callable[[Row, Reader], dict[str, Any]]
    rows: Callable[[Any], Iterable[Row]] = list
    everything: Callable[[], QuerySet[Any]] | None = None


@dataclass(frozen=True)
class Page(Generic[Row]):
    """The rows of one page, and where its neighbours begin."""

    rows: list[Row]
    offset: int
    following: Cursor | None = None
    previous: Cursor | None = None


class CollectionView(ResourceView):
    """`GET`: a page of the collection, chosen by `q`, `orderBy`, `limit`, and `offset` or `cursor`."""

    collection: ClassVar[Collection[Any]]

    def get(self, request: Request) -> HttpResponse:
        return self.answer(envelope(self.collection, asking.in_parameters(request.GET), self.reader))


class SearchView(ResourceView):
    """`POST .../search`: the same with its words in the body."""

    collection: ClassVar[Collection[Any]]
    audited = {"POST": ""}
    serializer_class: type[Serializer[Any]] = SearchInput

    def post(self, request: Request) -> HttpResponse:
        return self.answer(envelope(self.collection, asking.in_search(self.read(SearchInput)), self.reader))


def envelope(collection: Collection[Row], asked: Asked, reader: Reader) -> dict[str, Any]:
    """`{"offset", "count", "hasMore", "limit", "totalResults"?, "items", "links"}`. Raises RuleBroken."""
    asked_for: list[Narrowing] = []
    if asked.q is not None:
        asked_for = compiled(asked.q, collection.fields, pointer=f"{asked.pointer}/q")
    order = BY_ID
    if asked.order_by is not None:
        order = parse_order(asked.order_by, collection.fields, pointer=f"{asked.pointer}/orderBy")
    search = Search(*_searched(collection, reader, asked_for), order)
    page = _read(collection, reader, search, asked)
    document: dict[str, Any] = {
        "offset": str(page.offset),
        "count": str(len(page.rows)),
        "hasMore": page.following is not None,
        "limit": str(asked.limit),
    }
    if asked.total_results:
        document["totalResults"] = total(search.everything.filter(*(one.q for one in search.conditions)))
    return document | {
        "items": [collection.document(row, reader) for row in page.rows],
        "links": _links(collection, page, asked),
    }


def _searched(
    collection: Collection[Any], reader: Reader, asked_for: list[Narrowing]
) -> tuple[QuerySet[Any], list[Narrowing]]:
    """What is looked through, and for what."""
    if collection.everything is None:
        return collection.visible(reader), asked_for
    return collection.everything(), asked_for if reader.sees_all else [made_by(reader), *asked_for]


def _read(collection: Collection[Row], reader: Reader, search: Search, asked: Asked) -> Page[Row]:
    """The page; one row more is read, which tells whether there is another one."""
    start = Cursor([], asked.offset, skip=asked.offset)
    if asked.cursor is not None:
        start = cursors.read(asked.cursor, _identity(collection, asked))
    if start.backwards:
        search = replace(search, order=reverse(search.order))
    order, found = search.order, search.page(asked.limit + 1, skip=start.skip, after=start.position or None)
    # First which rows they are, then what is joined to them: so no join can lead the search astray.
    chosen = collection.visible(reader).filter(pk__in=found.ids).order_by(*(key.term for key in order))
    read = [] if found.ids == [] else list(collection.rows(chosen))
    return (_behind if start.backwards else _ahead)(read, found, order, asked, start)


def _ahead(read: list[Row], found: Found, order: Order, asked: Asked, start: Cursor) -> Page[Row]:
    rows, offset = read[: asked.limit], start.offset
    following = previous = None
    if len(read) > asked.limit:
        following = Cursor(position(rows[-1], order), offset + len(rows))
    elif found.stopped_at is not None:
        following = Cursor(found.stopped_at, offset + len(rows), skip=found.skip)
    if asked.cursor is not None or (asked.offset > 0 and rows):
        edge = position(rows[0], order) if rows else found.stopped_at
        previous = Cursor(edge or [], max(0, offset - asked.limit), backwards=True)  # without an edge, from the end
    return Page(rows, offset, following, previous)


def _behind(read: list[Row], found: Found, order: Order, asked: Asked, start: Cursor) -> Page[Row]:
    """`order` is the reversed one, `read` is in that order."""
    rows, offset = read[: asked.limit][::-1], 0
    previous = edge = None
    if len(read) > asked.limit:
        offset, edge = start.offset, position(rows[0], order)
    elif found.stopped_at is not None:
        offset, edge = start.offset + asked.limit - len(rows), found.stopped_at
    if edge is not None:
        previous = Cursor(edge, max(0, offset - asked.limit), backwards=True)
    edge = position(rows[-1], order) if rows else edge
    following = Cursor(edge or [], offset + len(rows))  # without an edge, from the beginning
    return Page(rows, offset, following, previous)


CREATED_BY = Field("created_by_id", INTEGER, leads=True)


def made_by(reader: Reader) -> Narrowing:
    return narrowing(CREATED_BY, "eq", [reader.user_id])


def total(found: QuerySet[Any]) -> str:
    """How many there are; beyond 10,000 only that: counting a million rows would cost more than the page."""
    counted = found.order_by().values("pk")[: MOST_COUNTED + 1].count()
    return str(counted) if counted <= MOST_COUNTED else f"{MOST_COUNTED}+"


def _links(collection: Collection[Row], page: Page[Row], asked: Asked) -> list[dict[str, str]]:
    def to(rel: str, method: str | None, **place: str) -> dict[str, str]:
        address = urlencode({**asked.parameters, **place}, quote_via=quote)
        return link(rel, f"{collection.path}?{address}", method)

    links = []
    for rel, cursor in (("next", page.following), ("prev", page.previous)):
        if cursor is not None:
            links.append(to(rel, "GET", cursor=cursors.write(cursor, _identity(collection, asked))))
    if page.previous is None and asked.cursor is None and asked.offset > 0:  # there is no row to look back from
        links.append(to("prev", "GET", offset=str(min(max(0, page.offset - asked.limit), DEEPEST_OFFSET))))
    here = {"offset": str(asked.offset)} if asked.cursor is None else {"cursor": asked.cursor}
    return [*links, to(SELF, None, **here)]


def _identity(collection: Collection[Any], asked: Asked) -> str:
    """What a cursor belongs to: the same rows in the same order, whatever the size of the page."""
    return f"{collection.path}?q={asked.q}&orderBy={asked.order_by}"

"""Collections: a page of a resource's rows, found by searching and in an order, at the same price at any depth.

A page that is reached by `offset` costs as much as all rows before it, so offsets end at 10,000. The links `next` and
`prev` carry a cursor instead and cost one index look-up. They are always GETs: a search by POST is the same as a GET
with the same words as parameters, so its further pages need no body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import quote, urlencode

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from hypermedia import asking, cursors
from hypermedia.asking import DEEPEST_OFFSET, Asked, SearchInput
from hypermedia.cursors import Cursor
from hypermedia.filters import Fields
from hypermedia.links import SELF, link
from hypermedia.ordering import BY_ID, Order, beyond, parse_order, position, reverse
from hypermedia.query import compiled
from hypermedia.readers import Reader
from hypermedia.views import ResourceView

Row = TypeVar("Row")
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Collection(Generic[Row]):
    """One collection: `path` lies below `/api/`, `document` is that of the single resource, `rows` reads a page."""

    path: str
    fields: Fields
    visible: Callable[[Reader], QuerySet[Any]]
    document: Callable[[Row, Reader], dict[str, Any]]
    rows: Callable[[Any], Iterable[Row]] = list


@dataclass(frozen=True)
class Page(Generic[Row]):
    """The rows of one page, and what lies on either side of it."""

    rows: list[Row]
    offset: int
    has_next: bool
    has_previous: bool


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
    found = visible = collection.visible(reader)
    if asked.q is not None:
        found = visible.filter(compiled(asked.q, collection.fields, pointer=f"{asked.pointer}/q"))
    order = BY_ID
    if asked.order_by is not None:
        order = parse_order(asked.order_by, collection.fields, pointer=f"{asked.pointer}/orderBy")
    page = _read(collection, visible, found, order, asked)
    document: dict[str, Any] = {
        "offset": str(page.offset),
        "count": str(len(page.rows)),
        "hasMore": page.has_next,
        "limit": str(asked.limit),
    }
    if asked.total_results:
        document["totalResults"] = total(found)
    return document | {
        "items": [collection.document(row, reader) for row in page.rows],
        "links": _links(collection, page, order, asked),
    }


def _read(
    collection: Collection[Row], visible: QuerySet[Any], found: QuerySet[Any], order: Order, asked: Asked
) -> Page[Row]:
    """The page and one row more, which tells whether there is another one."""

    def rows(found: QuerySet[Any], order: Order, offset: int = 0) -> list[Row]:
        # First which rows they are, then what is joined to them: so no join can lead the search astray.
        terms = [key.term for key in order]
        chosen = found.order_by(*terms).values("pk")[offset : offset + asked.limit + 1]
        return list(collection.rows(visible.filter(pk__in=chosen).order_by(*terms)))

    if asked.cursor is None:
        ahead = rows(found, order, asked.offset)
        return Page(ahead[: asked.limit], asked.offset, len(ahead) > asked.limit, asked.offset > 0)
    cursor = cursors.read(asked.cursor, _identity(collection, asked))
    if not cursor.backwards:
        ahead = rows(found.filter(beyond(order, cursor.position)), order)
        return Page(ahead[: asked.limit], cursor.offset, len(ahead) > asked.limit, True)
    back = reverse(order)
    behind = rows(found.filter(beyond(back, cursor.position)), back)
    more = len(behind) > asked.limit
    return Page(behind[: asked.limit][::-1], cursor.offset if more else 0, bool(behind), more)


def total(found: QuerySet[Any]) -> str:
    """How many there are; beyond 10,000 only that: counting a million rows would cost more than the page."""
    counted = found.order_by().values("pk")[: MOST_COUNTED + 1].count()
    return str(counted) if counted <= MOST_COUNTED else f"{MOST_COUNTED}+"


def _links(collection: Collection[Row], page: Page[Row], order: Order, asked: Asked) -> list[dict[str, str]]:
    def to(rel: str, method: str | None, **place: str) -> dict[str, str]:
        address = urlencode({**asked.parameters, **place}, quote_via=quote)
        return link(rel, f"{collection.path}?{address}", method)

    def beside(row: Row, offset: int, *, backwards: bool) -> str:
        return cursors.write(Cursor(position(row, order), offset, backwards), _identity(collection, asked))

    links = []
    if page.has_next:
        following = beside(page.rows[-1], page.offset + len(page.rows), backwards=False)
        links.append(to("next", "GET", cursor=following))
    before = max(0, page.offset - asked.limit)
    if page.has_previous and page.rows:
        links.append(to("prev", "GET", cursor=beside(page.rows[0], before, backwards=True)))
    elif page.has_previous:  # past the end: there is no row to look back from
        links.append(to("prev", "GET", offset=str(min(before, DEEPEST_OFFSET))))
    here = {"offset": str(asked.offset)} if asked.cursor is None else {"cursor": asked.cursor}
    return [*links, to(SELF, None, **here)]


def _identity(collection: Collection[Any], asked: Asked) -> str:
    """What a cursor belongs to: the same rows in the same order, whatever the size of the page."""
    return f"{collection.path}?q={asked.q}&orderBy={asked.order_by}"

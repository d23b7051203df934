"""The way in: one resource whose links let a client start, and find what there is, without building an address."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from config.tokens import AccessTokensView
from consumption import listing
from consumption.collections import ReadBatchesView
from consumption.entering import LimitConsumptionsView
from consumption.views import StartExportView
from consumption.writing.web import StartWriteView, WriteBatchesView
from datafiles.collections import DataFileSetsView, GenericDataFileSetsView
from hypermedia.collections import CollectionView
from hypermedia.links import SELF, Rule, links_for
from hypermedia.readers import Reader, Role
from hypermedia.views import ResourceView
from jobs import control
from jobs.callbacks.listing import JobsView
from jobs.collections import InterfacedMessagesView, TasksView
from jobs.notifications.views import DeliveriesView, EndpointsView, EventsView


def _named_like_its_address(method: str, path: str, view: type[ResourceView]) -> Rule[Any]:
    """A link for the roles that the view itself lets in."""

    def may_use(_: Any, reader: Reader) -> bool:
        return reader.has(*view.roles[method])

    return Rule(path, method, lambda _: path, may_use)


def _post(path: str, view: type[ResourceView]) -> Rule[Any]:
    return _named_like_its_address("POST", path, view)


def _list(view: type[CollectionView]) -> Rule[Any]:
    return _named_like_its_address("GET", view.collection.path, view)


_COLLECTIONS: tuple[type[CollectionView], ...] = (
    *(ReadBatchesView, WriteBatchesView, TasksView, InterfacedMessagesView, GenericDataFileSetsView),
    *(listing.LimitsView, listing.CountersView, listing.CounterPeriodsView, listing.ConsumptionsView),
    *(EndpointsView, EventsView, DeliveriesView, JobsView),
)
ENTRY_LINKS: tuple[Rule[Any], ...] = (
    Rule(SELF, None, lambda _: ""),
    _post("readconsumptionbatches", StartExportView),
    _post("limitconsumptions", LimitConsumptionsView),
    _post("writeconsumptionbatches", StartWriteView),
    _post("datafilesets", DataFileSetsView),
    _post("accesstokens", AccessTokensView),
    *(_list(view) for view in _COLLECTIONS),
    _named_like_its_address("GET", control.PATH, control.TaskProcessingView),
    Rule("service-doc", "GET", lambda _: "docs"),  # RFC 8631
    Rule("service-desc", "GET", lambda _: "openapi.json"),
)


class EntryView(ResourceView):
    """`GET /api`: what the reader may start and look at, and where that is described."""

    roles = {"GET": (Role.CLIENT, Role.OPERATOR, Role.AUDITOR)}

    def get(self, request: Request) -> HttpResponse:
        return self.answer({"type": "entry", "links": links_for(ENTRY_LINKS, None, self.reader)}, version=1)

"""The way in: one resource whose links let a client start without building an address."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from config.tokens import AccessTokensView
from consumption.entering import LimitConsumptionsView
from consumption.views import StartExportView
from consumption.writing.web import StartWriteView
from datafiles.collections import DataFileSetsView
from hypermedia.links import SELF, Rule, links_for
from hypermedia.readers import Reader, Role
from hypermedia.views import ResourceView


def _post(path: str, view: type[ResourceView]) -> Rule[Any]:
    """A link to start or make something, named like its address, for the roles that the view itself lets in."""

    def may_use(_: Any, reader: Reader) -> bool:
        return reader.has(*view.roles["POST"])

    return Rule(path, "POST", lambda _: path, may_use)


ENTRY_LINKS: tuple[Rule[Any], ...] = (
    Rule(SELF, None, lambda _: ""),
    _post("readconsumptionbatches", StartExportView),
    _post("limitconsumptions", LimitConsumptionsView),
    _post("writeconsumptionbatches", StartWriteView),
    _post("datafilesets", DataFileSetsView),
    _post("accesstokens", AccessTokensView),
    Rule("service-doc", "GET", lambda _: "docs"),  # RFC 8631
    Rule("service-desc", "GET", lambda _: "openapi.json"),
)


class EntryView(ResourceView):
    """`GET /api`: what the reader may start, and where that is described."""

    roles = {"GET": (Role.CLIENT, Role.OPERATOR, Role.AUDITOR)}

    def get(self, request: Request) -> HttpResponse:
        return self.answer({"type": "entry", "links": links_for(ENTRY_LINKS, None, self.reader)}, version=1)

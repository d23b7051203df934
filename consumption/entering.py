"""`POST /limitconsumptions`: one consumption for the ledger."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from consumption import ledger
from consumption.documents import entry_document, entry_path, entry_rows
from consumption.models import Consumption
from hypermedia.links import href
from hypermedia.readers import Role
from hypermedia.views import ResourceView
from jobs.idempotency import idempotent

WRITERS = (Role.OPERATOR,)


class LimitConsumptionsView(ResourceView):
    """201 for a new one; 200 with the entry that is there already when it was sent before."""

    roles = {"POST": WRITERS}

    @idempotent
    def post(self, request: Request) -> HttpResponse:
        entered = ledger.enter(user_id=self.reader.user_id, content=self.read_document())
        location = href(entry_path(entered.id))
        if entered.is_new:
            return self.created(location)
        [row] = entry_rows(Consumption.objects.filter(pk=entered.id))
        return self.answer(entry_document(row, self.reader), version=1, headers={"Location": location})

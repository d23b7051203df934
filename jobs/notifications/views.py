"""The routes of notifications under `/api`: operators change, auditors read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from hypermedia.asking import in_parameters
from hypermedia.collections import CollectionView, SearchView, envelope
from hypermedia.errors import NotFound
from hypermedia.links import href
from hypermedia.messages import NoProperties
from hypermedia.readers import Role
from hypermedia.views import ResourceView
from jobs.notifications import listing, points, services
from jobs.notifications.links import delivery_path, endpoint_path
from jobs.notifications.models import Delivery, NotificationEndpoint, NotificationEvent
from jobs.notifications.serializers import (
    EndpointInput,
    RecoverInput,
    RotateInput,
    delivery_document,
    endpoint_document,
    endpoint_values,
    event_document,
)

WATCHERS = (Role.OPERATOR, Role.AUDITOR)
OPERATORS = (Role.OPERATOR,)
Input = type[serializers.Serializer[Any]]


class EndpointResource(ResourceView):
    def find(self, pk: int) -> NotificationEndpoint:
        """Raises NotFound."""
        endpoint = NotificationEndpoint.objects.select_related("integration_user").filter(pk=pk).first()
        if endpoint is None:
            raise NotFound(f"There is no endpoint {pk}.")
        return endpoint

    def check_found(self, pk: int) -> None:
        """Raises NotFound; Stale when the request was made for another version of the endpoint."""
        self.check_if_match(self.find(pk).version)

    def answer_endpoint(self, endpoint: NotificationEndpoint, **options: Any) -> HttpResponse:
        document = endpoint_document(endpoint, self.reader)
        return self.answer(document, version=endpoint.version, **options)

    def answer_secret(self, endpoint: NotificationEndpoint, secret: str) -> HttpResponse:
        """201 with the secret, here and nowhere else."""
        headers = {"Location": href(endpoint_path(endpoint.pk)), "Cache-Control": "no-store"}
        return self.answer(endpoint_document(endpoint, self.reader, secret), status=201, headers=headers)


class EndpointsView(CollectionView, EndpointResource):
    roles = {"GET": WATCHERS, "POST": OPERATORS}
    collection = listing.ENDPOINTS
    serializer_class: Input = EndpointInput

    def post(self, request: Request) -> HttpResponse:
        values = endpoint_values(self.read(EndpointInput))
        endpoint, secret = services.create_endpoint(user_id=self.reader.user_id, **values)
        endpoint.refresh_from_db()
        return self.answer_secret(endpoint, secret)


class EndpointSearchView(SearchView):
    roles = {"POST": WATCHERS}
    collection = listing.ENDPOINTS


class EndpointView(EndpointResource):
    """An endpoint is switched off rather than deleted: its deliveries are the log of what was sent."""

    roles = {"GET": WATCHERS, "PUT": OPERATORS}
    serializer_class: Input = EndpointInput

    def get(self, request: Request, pk: int) -> HttpResponse:
        return self.answer_endpoint(self.find(pk))

    def put(self, request: Request, pk: int) -> HttpResponse:
        self.check_found(pk)
        values = endpoint_values(self.read(EndpointInput))
        return self.answer_endpoint(services.change_endpoint(endpoint_id=pk, user_id=self.reader.user_id, **values))


class TestView(EndpointResource):
    roles = {"POST": OPERATORS}
    serializer_class: Input = NoProperties

    def post(self, request: Request, pk: int) -> HttpResponse:
        self.read_nothing()
        self.check_found(pk)
        return self.created(href(delivery_path(services.test_endpoint(endpoint_id=pk).pk)))


class RotateView(EndpointResource):
    roles = {"POST": OPERATORS}
    serializer_class: Input = RotateInput

    def post(self, request: Request, pk: int) -> HttpResponse:
        seconds = self.read_optional(RotateInput)["overlapSeconds"]
        self.check_found(pk)
        overlap = timedelta(seconds=min(seconds, 10**9))  # any number is read; the service says which are too large
        endpoint, secret = services.rotate_secret(endpoint_id=pk, user_id=self.reader.user_id, overlap=overlap)
        return self.answer_secret(endpoint, secret)


class EnableView(EndpointResource):
    roles = {"POST": OPERATORS}
    serializer_class: Input = NoProperties

    def post(self, request: Request, pk: int) -> HttpResponse:
        self.read_nothing()
        self.check_found(pk)
        return self.answer_endpoint(services.enable_endpoint(endpoint_id=pk, user_id=self.reader.user_id))


class RecoverView(EndpointResource):
    roles = {"POST": OPERATORS}
    serializer_class: Input = RecoverInput

    def post(self, request: Request, pk: int) -> HttpResponse:
        since = self.read(RecoverInput)["since"]
        self.check_found(pk)
        done = services.recover(endpoint_id=pk, since=since)
        return self.answer(
            {
                "type": "notificationRecovery",
                "sentAgain": done.sent_again,
                "newlySent": done.newly_sent,
                "hasMore": done.has_more,
            }
        )


class EventsView(CollectionView):
    roles = {"GET": WATCHERS}
    collection = listing.EVENTS


class EventSearchView(SearchView):
    roles = {"POST": WATCHERS}
    collection = listing.EVENTS


class EventView(ResourceView):
    roles = {"GET": WATCHERS}

    def get(self, request: Request, pk: int) -> HttpResponse:
        event = NotificationEvent.objects.filter(pk=pk).first()
        if event is None:
            raise NotFound(f"There is no event {pk}.")
        return self.answer(event_document(event, self.reader), version=1)


class DeliveryResource(ResourceView):
    def find(self, pk: int) -> Delivery:
        delivery = Delivery.objects.select_related("event", "job").filter(pk=pk).first()
        if delivery is None:
            raise NotFound(f"There is no delivery {pk}.")
        return delivery

    def answer_delivery(self, delivery: Delivery) -> HttpResponse:
        return self.answer(delivery_document(delivery, self.reader), version=delivery.version)


class DeliveriesView(CollectionView):
    roles = {"GET": WATCHERS}
    collection = listing.DELIVERIES


class DeliverySearchView(SearchView):
    roles = {"POST": WATCHERS}
    collection = listing.DELIVERIES


class DeliveryView(DeliveryResource):
    roles = {"GET": WATCHERS}

    def get(self, request: Request, pk: int) -> HttpResponse:
        return self.answer_delivery(self.find(pk))


class AttemptsView(DeliveryResource):
    roles = {"GET": WATCHERS}

    def get(self, request: Request, pk: int) -> HttpResponse:
        collection = listing.attempts_of(self.find(pk))
        return self.answer(envelope(collection, in_parameters(request.GET), self.reader))


class RedeliverView(DeliveryResource):
    roles = {"POST": OPERATORS}
    serializer_class: Input = NoProperties

    def post(self, request: Request, pk: int) -> HttpResponse:
        self.read_nothing()
        self.check_if_match(self.find(pk).version)
        return self.answer_delivery(services.redeliver(delivery_id=pk))


class OutboundIntegrationPointsView(ResourceView):
    """Every place that this service sends to, in Oracle Health Insurance's own shape."""

    roles = {"GET": WATCHERS}

    def get(self, request: Request) -> HttpResponse:
        return self.answer(points.document())

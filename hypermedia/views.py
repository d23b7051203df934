"""The base of every API view: who may use it, what an answer carries, how a body is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from django.http import HttpResponse
from rest_framework import exceptions
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from hypermedia import conditional
from hypermedia.links import link_header
from hypermedia.messages import broken_rules
from hypermedia.readers import Reader, Role

Roles = Mapping[str, Sequence[Role]]
Input = TypeVar("Input", bound=Serializer[Any])


class MayUseRoute(BasePermission):
    """The view's own table says which roles may use which method. A method without a row is left to 405."""

    message = "Your role does not open this."

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, Reader):
            raise exceptions.NotAuthenticated
        method = "GET" if request.method in {"HEAD", "OPTIONS"} else str(request.method)
        allowed = view.roles.get(method)
        return allowed is None or request.auth.has(*allowed)


class ResourceView(APIView):
    """One route. `roles` maps each method to the roles that may use it."""

    roles: ClassVar[Roles] = {}
    permission_classes = (MayUseRoute,)

    @property
    def reader(self) -> Reader:
        reader = self.request.auth
        assert isinstance(reader, Reader)  # MayUseRoute has refused everybody else
        return reader

    @property
    def default_response_headers(self) -> dict[str, str]:
        """REST framework's `Allow` and `Vary` are not the seed's; 405 and OPTIONS set `Allow` themselves."""
        return {}

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(status=204, headers={"Allow": ", ".join(self.allowed_methods)})

    def read(self, serializer: type[Input]) -> dict[str, Any]:
        """The validated body. Raises RuleBroken with every broken rule, Malformed when it is no JSON."""
        bound = serializer(data=self.request.data)
        if not bound.is_valid():
            raise broken_rules(bound.errors)
        return dict(bound.validated_data)

    def answer(
        self,
        document: dict[str, Any],
        *,
        version: int | None = None,
        moving: Sequence[object] = (),
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The resource with its `Link` and `ETag`, or 304.

        `moving` is whatever changes the representation without raising `version` (progress).
        """
        links = document.get("links", [])
        sent = {"Link": link_header(links), **(headers or {})}
        if version is None:
            return Response(document, status=status, headers=sent)
        tag = conditional.entity_tag(version, links, self.request.accepted_media_type, *moving)
        sent["ETag"] = tag
        if self.request.method in {"GET", "HEAD"}:
            known = self.request.headers.get("If-None-Match")
            if known is not None and conditional.matches(known, tag):
                return Response(status=304, headers=sent)
        return Response(document, status=status, headers=sent)

    def created(self, location: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
        """201 with a `Location` and no body, as the seed prints it.

        Django's response, since REST framework's drops `Content-Type` when there is no body.
        """
        media_type = str(self.request.accepted_media_type)
        sent = {"Location": location, "Content-Length": "0", **(headers or {})}
        return HttpResponse(status=201, headers=sent, content_type=media_type)

    def check_if_match(self, version: int) -> None:
        """Raises Stale (412) when the request was made for another version."""
        conditional.check_if_match(self.request.headers.get("If-Match"), version)

"""The base of every API view: who may use it, what an answer carries, how a body is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import chain
from typing import Any, ClassVar, TypeVar
from weakref import WeakValueDictionary

from django.http import HttpResponse
from rest_framework import exceptions
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer, ValidationError
from rest_framework.views import APIView

from hypermedia import conditional
from hypermedia.bodies import body_of
from hypermedia.errors import Forbidden, Malformed
from hypermedia.links import link_header
from hypermedia.messages import NoProperties, broken_rules
from hypermedia.readers import Reader, Role

_READING = {"GET", "HEAD", "OPTIONS"}
Roles = Mapping[str, Sequence[Role]]
Input = TypeVar("Input", bound=Serializer[Any])


class MayUseRoute(BasePermission):
    """The view's own table says which roles may use which method.

    A method without a row ends as 405, OPTIONS as 204, for every role that may use the route at all.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Raises Forbidden, which names the roles that may."""
        if not isinstance(request.auth, Reader):
            raise exceptions.NotAuthenticated
        method = "GET" if request.method == "HEAD" else request.method
        opening = sorted(set(view.roles.get(method, chain(*view.roles.values()))))
        if request.auth.has(*opening):
            return True
        yours = ", ".join(sorted(request.auth.roles)) or "none"
        raise Forbidden(f"This needs the role {' or '.join(opening)}; yours: {yours}.")


class BareOptionsView(APIView):
    """OPTIONS says which methods there are, and no more."""

    def options(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        response = HttpResponse(status=204, headers={"Allow": ", ".join(self.allowed_methods)})
        del response["Content-Type"]
        return response


class ResourceView(BareOptionsView):
    """One route. `roles` maps each method to the roles that may use it; a view that shows data says `audited`."""

    roles: ClassVar[Roles] = {}
    polled: ClassVar[bool] = False  # its GET follows an operation, and has a rate of its own
    audited: ClassVar[Mapping[str, str]] = {}  # what the audit calls each method; empty: needs no entry
    permission_classes: Sequence[type[BasePermission]] = (MayUseRoute,)
    format_kwarg = None
    not_acceptable: exceptions.NotAcceptable | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        """Django gives each view that answers a request a HEAD that leads back to the view itself, REST framework each
        request and each response a way back to itself (below): rings that only the garbage collector takes apart, at a
        twentieth of what a poll or a page of a list costs."""
        super().__init_subclass__(**options)
        if hasattr(cls, "get"):
            cls.head = cls.get  # type: ignore[attr-defined]

    def initialize_request(self, *args: Any, **kwargs: Any) -> Request:
        made = super().initialize_request(*args, **kwargs)
        made.parser_context = {}  # bodies are read by `read`
        return made

    def get_renderer_context(self) -> Any:
        return WeakValueDictionary()  # what is rendered is all in the document

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        """As REST framework does it, without formats in the address and versions, which there are not here.

        Errors are shown whatever `Accept` says, so that 406 is the last of them: what only reads finds out first
        whether there is something to show. Raises NotAcceptable before anything is changed.
        """
        try:
            request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        except exceptions.NotAcceptable as error:
            self.not_acceptable = error
        self.perform_authentication(request)
        self.check_permissions(request)
        self.check_throttles(request)
        if request.method not in _READING and request.method in self.allowed_methods:
            self.check_acceptable()

    def check_acceptable(self) -> None:
        """Raises NotAcceptable when `Accept` fits nothing that is offered."""
        if self.not_acceptable is not None:
            raise self.not_acceptable

    def perform_authentication(self, request: Any) -> None:
        """Asked for by name: REST framework's property looks for what is not there yet, in vain and at some length."""
        request._authenticate()

    @property
    def reader(self) -> Reader:
        reader = self.request.auth
        assert isinstance(reader, Reader)  # MayUseRoute has refused everybody else
        return reader

    @property
    def default_response_headers(self) -> dict[str, str]:
        """REST framework's `Allow` and `Vary` are not the seed's; 405 and OPTIONS set `Allow` themselves."""
        return {}

    def read(self, serializer: type[Input]) -> Any:
        """The validated body.

        Raises Malformed when there is none or it is no JSON, UnsupportedMediaType when it says that it is something
        else, RuleBroken with every broken rule.
        """
        return self._validated(serializer, self.read_document())

    def read_document(self) -> Any:
        """The body as it is, for services that read it by rules of their own; raises what `read` raises before them."""
        body = body_of(self.request)
        if not body:
            raise Malformed("The body is empty; give a JSON object.")
        return self._parsed(body)

    def read_optional(self, serializer: type[Input]) -> Any:
        """The same where no body is needed: none at all is an empty object."""
        body = body_of(self.request)
        return self._validated(serializer, self._parsed(body) if body else {})

    def read_nothing(self) -> None:
        """For requests that take no properties: raises what `read` raises for any that was sent."""
        self.read_optional(NoProperties)

    def _parsed(self, body: bytes) -> Any:
        parser = self.get_content_negotiator().select_parser(self.request, self.get_parsers())
        if parser is None or self.request.headers.get("Content-Encoding", "identity") != "identity":
            taken = " or ".join(parser.media_type for parser in self.get_parsers())
            raise exceptions.UnsupportedMediaType("", f"The body has to be {taken}, without a Content-Encoding.")
        return parser.parse(BytesIO(body))

    def _validated(self, serializer: type[Input], document: Any) -> Any:
        try:
            return serializer().run_validation(document)
        except ValidationError as error:
            raise broken_rules(error.detail) from error

    def answer(
        self,
        document: dict[str, Any],
        *,
        version: int | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """The resource with its `Link` and, where it has a `version`, its `ETag`; or 304. Raises Stale (412)."""
        self.check_acceptable()
        sent = {**(headers or {})}
        if links := document.get("links"):
            sent["Link"] = link_header(links)
        if version is None:
            return Response(document, status=status, headers=sent)
        request: Any = self.request
        media_type = request.accepted_media_type
        content = request.accepted_renderer.render(document, media_type)
        sent["ETag"] = conditional.entity_tag(version, content, media_type)
        if request.method not in {"GET", "HEAD"}:
            return Response(document, status=status, headers=sent)
        self.check_if_match(version)
        if not conditional.none_match(request.META.get("HTTP_IF_NONE_MATCH"), sent["ETag"]):
            return Response(status=304, headers=sent)
        return HttpResponse(content, status=status, headers=sent, content_type=media_type)

    def created(self, location: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
        """201 with a `Location` and no body, as the seed prints it.

        Django's response, since REST framework's drops `Content-Type` when there is no body.
        """
        media_type = str(self.request.accepted_media_type)
        sent = {"Location": location, "Content-Length": "0", **(headers or {})}
        return HttpResponse(status=201, headers=sent, content_type=media_type)

    def check_if_match(self, version: int) -> None:
        """Raises Stale (412) when the request was made for another version."""
        conditional.check_version(self.request.META.get("HTTP_IF_MATCH"), version)

    def check_may_change(self, owner_id: int) -> None:
        """Raises Forbidden for who may see the object and use the route, but not on this object."""
        if not self.reader.may_change(owner_id):
            raise Forbidden("Only who started it, or a user with the role operator, may change this.")

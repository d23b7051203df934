"""The addresses of the document and of the page to read it."""

from __future__ import annotations

from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from hypermedia.media import AnyAccept
from hypermedia.views import BareOptionsView


class DocumentView(BareOptionsView, SpectacularJSONAPIView):
    """The OpenAPI document, whatever `Accept` says: the links to it have to work for every client."""

    content_negotiation_class = AnyAccept


class DocumentationView(BareOptionsView, SpectacularSwaggerView):
    """The page for people."""

    content_negotiation_class = AnyAccept

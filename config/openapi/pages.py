"""The addresses of the document and of the page to read it."""

from __future__ import annotations

from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from hypermedia.views import BareOptionsView


class DocumentView(BareOptionsView, SpectacularJSONAPIView):
    """The OpenAPI document."""


class DocumentationView(BareOptionsView, SpectacularSwaggerView):
    """The page for people."""

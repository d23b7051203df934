"""Every address of the service."""

from collections.abc import Iterable, Iterator

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config import entry, health, metrics, tokens
from config.console import queue, start
from config.openapi import pages

# The same resources under /api and, because the seed's requests use both, at the root. Links always name /api.
api: list[URLPattern | URLResolver] = [
    path("", include("consumption.urls")),
    path("", entry.EntryView.as_view()),
    path("accesstokens", tokens.AccessTokensView.as_view()),
    path("", include("datafiles.urls")),
    path("", include("jobs.urls")),
    path("", include("jobs.notifications.urls")),
    path("", include("jobs.callbacks.api_urls")),
]

console: list[URLPattern | URLResolver] = [
    path("start/", start.live_view, name="admin-start"),
    path("queue/", admin.site.admin_view(queue.queue_view), name="admin-queue"),
]


def flat(prefix: str, patterns: Iterable[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    """The same addresses without the levels between, each of which costs every request."""
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from flat(prefix + str(one.pattern), one.url_patterns)
        else:
            yield path(prefix + str(one.pattern), one.callback, one.default_args, one.name)


urlpatterns = [
    path("ws/rest/service/v2/", include("jobs.callbacks.urls")),  # first: what is asked most is found soonest
    *flat("api/", api),
    path("healthz", health.AliveView.as_view()),
    path("readyz", health.ReadyView.as_view()),
    path("admin/", include(console)),
    path("metrics", metrics.MetricsView.as_view()),
    path("admin/", admin.site.urls),
    path("api/openapi.json", pages.DocumentView.as_view(), name="openapi"),
    path("api/docs", pages.DocumentationView.as_view(url_name="openapi"), name="docs"),
    path("api", entry.EntryView.as_view()),
    path("", include(api)),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.page_not_found"
handler500 = "config.errors.server_error"

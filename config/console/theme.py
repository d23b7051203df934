"""What the console's theme is told. Its colours stand in console.css."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Tallyport",
    "SITE_HEADER": "Tallyport",
    "SITE_SUBHEADER": "Exports and integrations",
    "SITE_SYMBOL": "assignment_turned_in",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("console/favicon.svg")}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda request: static("console/console.css")],
    "SCRIPTS": [lambda request: static("console/live.js")],
    "GLOBAL_CALLBACK": "config.console.navigation.context",
    "DASHBOARD_CALLBACK": "config.console.start.add_to",
    "TABS": "config.console.navigation.tabs",
    "SIDEBAR": {"show_search": False, "navigation": "config.console.navigation.navigation"},
}

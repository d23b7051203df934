"""What drf-spectacular is told; the document itself comes from the tables of this package."""

from __future__ import annotations

from typing import Any

from config.openapi import introduction


def settings(*, public_url: str) -> dict[str, Any]:
    return {
        "TITLE": "Tallyport",
        "DESCRIPTION": introduction.TEXT,
        "TAGS": [{"name": tag} for tag in introduction.TAGS],
        "VERSION": "1.0.0",
        "OAS_VERSION": "3.1.1",
        "SERVE_INCLUDE_SCHEMA": False,
        "SERVE_AUTHENTICATION": [],
        "SERVE_PERMISSIONS": [],
        "SWAGGER_UI_DIST": "SIDECAR",
        "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
        "SCHEMA_PATH_PREFIX": "/api",
        "SERVERS": [{"url": public_url}],
        "PREPROCESSING_HOOKS": ["config.openapi.document.no_endpoints"],
        "POSTPROCESSING_HOOKS": ["config.openapi.document.from_tables"],
    }

"""Who the client is: from the environment or asked for, never from the command line, which everybody can read."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable

import requests
from django.conf import settings
from requests.auth import AuthBase, HTTPBasicAuth

from config.client.outcomes import ClientError, Exit


class BearerAuth(AuthBase):
    """`Authorization: Bearer <token>`."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def credentials(user: str | None) -> AuthBase:
    """A token (`TALLYPORT_TOKEN`), else a name and its password (`TALLYPORT_USER`, `TALLYPORT_PASSWORD`).

    What is missing is asked for. Raises ClientError when there is nobody to ask.
    """
    if settings.CLIENT_TOKEN and user is None:
        return BearerAuth(settings.CLIENT_TOKEN)
    name = user or settings.CLIENT_USER or _ask("User: ", input)
    same = user is None or user == settings.CLIENT_USER or not settings.CLIENT_USER
    password = (settings.CLIENT_PASSWORD if same else "") or _ask(f"Password of {name}: ", getpass.getpass)
    return HTTPBasicAuth(name.encode(), password.encode())


def _ask(what: str, asking: Callable[[str], str]) -> str:
    if not sys.stdin.isatty():
        text = "Set TALLYPORT_TOKEN, or TALLYPORT_USER and TALLYPORT_PASSWORD: there is no terminal to ask for them."
        raise ClientError(Exit.LOCAL, text)
    return asking(what)

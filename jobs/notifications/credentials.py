"""How a call proves who we are: nothing, HTTP Basic, or a token by OAuth 2.0 client credentials (RFC 6749, 4.4)."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.core.cache import cache

from jobs.notifications import signing, vault
from jobs.notifications.client import call
from jobs.notifications.models import NotificationEndpoint
from jobs.notifications.states import Outcome
from jobs.notifications.wire import Answer, CallFailed, Request

EARLY_SECONDS = 30  # a token is renewed this long before its end
LONGEST_SECONDS = 24 * 3600


def authorization(endpoint: NotificationEndpoint) -> dict[str, str]:
    """The `Authorization` header, if there is one. Raises CallFailed, Unreadable."""
    kind = endpoint.authentication.get("type", "none")
    if kind == "basic":
        return {"Authorization": _basic(endpoint.authentication["username"], vault.unseal(endpoint.sealed_credential))}
    if kind == "oauth2":
        return {"Authorization": f"Bearer {_token(endpoint)}"}
    return {}


def forget_token(endpoint: NotificationEndpoint) -> None:
    """For a token that the receiver refused: the next call gets a new one."""
    cache.delete(_cache_key(endpoint))


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _cache_key(endpoint: NotificationEndpoint) -> str:
    """Changes with everything that the token was asked with."""
    asked_with = json.dumps([endpoint.authentication, endpoint.sealed_credential])
    return f"oauth2-{endpoint.pk}-{signing.fingerprint(asked_with)}"


def _token(endpoint: NotificationEndpoint) -> str:
    key = _cache_key(endpoint)
    kept = cache.get(key)
    if kept is not None:
        return vault.unseal(kept)
    token, seconds = _read(_ask(endpoint.authentication, vault.unseal(endpoint.sealed_credential)))
    if seconds > 0:
        cache.set(key, vault.seal(token), seconds)
    return token


def _ask(authentication: dict[str, Any], secret: str) -> Answer:
    form = {"grant_type": "client_credentials"}
    if authentication.get("scope"):
        form["scope"] = authentication["scope"]
    headers = {
        "Authorization": _basic(quote_plus(authentication["clientId"]), quote_plus(secret)),
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    try:
        return call(Request("POST", authentication["tokenUrl"], headers, urlencode(form).encode()))
    except CallFailed as error:
        raise CallFailed(Outcome.TOKEN, f"The authorization server gave no token: {error.reason}") from error


def _read(answer: Answer) -> tuple[str, int]:
    """The token and for how many seconds it may be kept."""
    if answer.status != 200:
        raise CallFailed(Outcome.TOKEN, f"The authorization server answered {answer.status}.")
    try:
        document = json.loads(answer.body)
        token, lifetime = document["access_token"], int(document.get("expires_in", 0))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CallFailed(Outcome.TOKEN, "The authorization server's answer holds no access token.") from error
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
        raise CallFailed(Outcome.TOKEN, "The authorization server's access token cannot stand in a header.")
    return token, min(lifetime - EARLY_SECONDS, LONGEST_SECONDS)

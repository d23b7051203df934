"""Signatures by Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, one per valid secret."""

from __future__ import annotations

import base64
import hmac
import secrets as randomness
from collections.abc import Iterable
from hashlib import sha256

PREFIX = "whsec_"
TOLERANCE_SECONDS = 300


def new_secret() -> str:
    """`whsec_` and 256 random bits in base64."""
    return PREFIX + base64.b64encode(randomness.token_bytes(32)).decode()


def signature(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """`v1,<base64>`."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def headers(secrets: Iterable[str], webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers. During a rotation there is a signature for the old and one for the new secret."""
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, webhook_id, timestamp, body) for secret in secrets),
    }


def is_genuine(secret: str, sent: dict[str, str], body: bytes, now: float) -> bool:
    """Whether a received event bears a signature by this secret and is not older than five minutes.

    `sent` holds the headers with their names in lower case.
    """
    try:
        timestamp = int(sent["webhook-timestamp"])
        expected = signature(secret, sent["webhook-id"], timestamp, body)
    except (KeyError, ValueError):
        return False
    if abs(now - timestamp) > TOLERANCE_SECONDS:
        return False
    return any(hmac.compare_digest(expected, given) for given in sent.get("webhook-signature", "").split(" "))


def fingerprint(text: str) -> str:
    """Tells one secret from another in places where the secret itself must not stand."""
    return sha256(text.encode()).hexdigest()[:16]

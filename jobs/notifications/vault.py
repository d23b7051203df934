"""Secrets at rest: sealed with Fernet (AES-128-CBC and HMAC-SHA256) under keys derived from `ENCRYPTION_KEYS`.

The first key seals, all of them open; so a new key is put first, and `manage.py reseal_secrets` ends the old one.
"""

from __future__ import annotations

import base64
from functools import cache
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """The secret was sealed under a key that is no longer configured."""


def seal(text: str) -> str:
    return _fernet(tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises Unreadable."""
    try:
        return _fernet(tuple(settings.ENCRYPTION_KEYS)).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable from error


@cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    """A key of its own, so that a setting shared with other uses signs nothing that opens here."""
    return base64.urlsafe_b64encode(sha256(b"tallyport notifications\x00" + key.encode()).digest())

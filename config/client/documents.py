"""What a client reads out of answers: links, names, digests."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.client.outcomes import ClientError, Exit

Document = dict[str, Any]


def has_link(document: Document, rel: str) -> bool:
    return any(found["rel"] == rel for found in document.get("links", []))


def link(document: Document, rel: str) -> str:
    """The address that the document gives for `rel`. Raises ClientError when it gives none."""
    for found in document.get("links", []):
        if found["rel"] == rel:
            return str(found["href"])
    raise ClientError(Exit.REFUSED, f"The answer has no link `{rel}`.")


def file_name(headers: Mapping[str, str], address: str) -> str:
    """The name in Content-Disposition, without any folder; else the last but one part of the address."""
    _, _, named = headers.get("Content-Disposition", "").partition("filename=")
    name = Path(named.partition(";")[0].strip('" ').replace("\\", "/")).name
    return name.lstrip(".") or address.rstrip("/").split("/")[-2]


def promised_digest(headers: Mapping[str, str]) -> str | None:
    """The SHA-256 in hex that `Repr-Digest: sha-256=:<base64>:` gives (RFC 9530), if it is there."""
    for entry in headers.get("Repr-Digest", "").split(","):
        algorithm, _, value = entry.strip().partition("=")
        if algorithm == "sha-256":
            return base64.b64decode(value.strip(":")).hex()
    return None


def measure(path: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 in hex."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def explained(document: Any) -> str:
    """What a problem document says, each broken rule on a line of its own; empty when it says nothing."""
    if not isinstance(document, dict):
        return ""
    messages = document.get("resultMessages", {}).get("resultMessage", [])
    lines = [f"{one.get('text')} [{one.get('code')}{_place(one)}]" for one in messages]
    return "\n".join(lines) or str(document.get("detail") or document.get("title") or "")


def _place(message: Document) -> str:
    return f", at {message['pointer']}" if "pointer" in message else ""

"""What is said of a property that breaks a rule: which one, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

_LONGEST_NAME = 60  # of an unknown property, when looking what was meant


def unknown_property(name: str, known: Collection[str]) -> str:
    if not known:
        return "unknown property; none is known here, so leave it out."
    close = get_close_matches(name[:_LONGEST_NAME], known, n=1)
    return f"unknown property{', perhaps ' + close[0] if close else ''}; known are {', '.join(known)}."


def no_object(document: Any, known: Collection[str]) -> str:
    expected = "{" + ", ".join(f'"{name}": ...' for name in known) + "}"
    return f"Give a JSON object, {expected}, not {json_type(document)}."


def json_type(value: Any) -> str:
    """What JSON calls it, with its article."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true or false"
    names: dict[type, str] = {dict: "an object", list: "an array", str: "a text"}
    return names.get(type(value), "a number")


def naming(text: str, pointer: str) -> str:
    """The text with the property it is about, where it does not name it: texts are also joined to one `detail`, where
    no pointer tells them apart."""
    name = pointer[1:]
    begins = text.lower().replace(" ", "").startswith(name.lower())  # "Limit code" for limitCode
    return text if begins or re.search(rf"\b{re.escape(name)}\b", text) else f"{name}: {text}"

"""From what the trail, events and alarms are about to the console's page of it.

A subject is an address below `/api/`, an address of the console, or `admin/app/model/id`. The apps register which pages
show their resources, so that the ones below can lead there.
"""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString

from hypermedia.showing import anchor

_pages: dict[str, str] = {}


def register(path: str, page: str) -> None:
    """`path` lies below `/api/` and ends with `{id}`; `page` is the model's name in the console's addresses."""
    _pages[path.removesuffix("{id}")] = page


def subject_link(subject: str) -> SafeString | str:
    """A link where there is a page; the bare words otherwise."""
    address = _address(subject)
    return anchor(address, subject) if address else subject


def _address(subject: str) -> str:
    if subject.startswith("/admin/"):
        return subject
    if subject.startswith("admin/"):
        _, app_label, model, pk = [*subject.split("/"), "", "", ""][:4]
        return _page(f"{app_label}_{model}", pk)
    for path, page in _pages.items():
        if subject.startswith(path):
            return _page(page, subject.removeprefix(path).partition("/")[0])
    return ""


def _page(name: str, pk: str) -> str:
    try:
        return reverse(f"admin:{name}_change", args=[pk]) if pk.isdecimal() else ""
    except NoReverseMatch:
        return ""

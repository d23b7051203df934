"""`Idempotency-Key` for views below the app that keeps the answers: that app says here how it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from django.http import HttpResponse
from rest_framework.request import Request

from hypermedia.views import ResourceView


class Keeper(Protocol):
    """Gives `answer()`, or the answer that the same request got before. `asked` stands for a body already read."""

    def __call__(
        self, view: ResourceView, request: Request, answer: Callable[[], HttpResponse], asked: str | None = None
    ) -> HttpResponse: ...


_keepers: list[Keeper] = []


def register(keeper: Keeper) -> None:
    _keepers[:] = [keeper]


def once(view: ResourceView, answer: Callable[[], HttpResponse], asked: str | None = None) -> HttpResponse:
    """The answer to the view's request, the same one again for the same `Idempotency-Key`."""
    [keeper] = _keepers
    return keeper(view, view.request, answer, asked)

"""Named actions of the console: what an operator may do with rows, always through a service.

An action is asked for from a list (many rows) or from a row's page. Its own page then says what would happen to each
row and asks for a reason; only after that it is done, row by row, each with what became of it and an audit row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from audit.services import Result, record, recorded
from hypermedia.console import ReadOnlyAdmin
from hypermedia.errors import DomainError

MOST_AT_ONCE = 200


class ReasonForm(forms.Form):
    """Why it is done; further questions of an action are further fields of a subclass."""

    reason = forms.CharField(
        max_length=200,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept in the audit trail, together with your name.",
    )


class NecessaryReasonForm(ReasonForm):
    reason = forms.CharField(max_length=200, widget=ReasonForm.base_fields["reason"].widget)


@dataclass(frozen=True)
class Acting:
    """Who acts, and what they answered to the questions of the action."""

    user_id: int
    answers: dict[str, Any]


@dataclass(frozen=True)
class Caution:
    """What is known of a row before something is done with it. `is_grave`: better not do it."""

    text: str
    is_grave: bool = False


@dataclass(frozen=True)
class NamedAction:
    """One thing that can be done. `act` does it to one row and says what it did; it raises DomainError to refuse.

    `refusal` tells beforehand why a row would be refused. `cautions` gives what is known of rows by their keys, and
    `warning` is said when one of these is grave. `shows_secret`: what `act` returns is shown once, on the
    page that follows, and stored nowhere.
    """

    name: str
    label: str
    permission: str
    effect: str
    act: Callable[[Any, Acting], str]
    refusal: Callable[[Any], str | None] = lambda row: None
    cautions: Callable[[list[Any]], Mapping[int, Caution]] = lambda rows: {}
    warning: str = ""
    form: type[ReasonForm] = ReasonForm
    icon: str = "play_arrow"
    is_final: bool = False
    shows_secret: bool = False
    detail: Callable[[Any], dict[str, str]] = lambda row: {}  # what the trail says besides the reason


@dataclass
class Item:
    """One row of an action's page: what would become of it, or what became of it."""

    row: Model
    address: str
    refusal: str | None = None
    caution: Caution | None = None
    done: str | None = None


@dataclass
class Items:
    """All rows of an action's page."""

    all: list[Item] = field(default_factory=list)
    more: bool = False

    @property
    def possible(self) -> list[Item]:
        return [item for item in self.all if item.refusal is None]

    @property
    def is_any_grave(self) -> bool:
        return any(item.caution is not None and item.caution.is_grave for item in self.possible)


def subject_of(row: Model) -> str:
    """How the trail names a row's page."""
    return f"admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}"


def user_id_of(request: HttpRequest) -> int:
    assert request.user.pk is not None  # the console lets nobody in without logging in
    return int(request.user.pk)


class ActsMixin:
    """An admin with named actions."""

    named_actions: tuple[NamedAction, ...] = ()
    admin_site: Any
    opts: Any
    get_queryset: Any
    message_user: Any

    def allowed_actions(self, request: HttpRequest) -> list[NamedAction]:
        return [action for action in self.named_actions if request.user.has_perm(action.permission)]

    def possible_actions(self, request: HttpRequest, row: Model) -> list[tuple[NamedAction, str]]:
        """What this user may do with this row now, each with the address that begins it."""
        return [
            (action, f"{self._address(action)}?ids={row.pk}")
            for action in self.allowed_actions(request)
            if action.refusal(row) is None
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The drop-down of the list."""
        return {
            action.name: (self._begin(action), action.name, action.label) for action in self.allowed_actions(request)
        }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act_view)
        return [path("act/<slug:name>/", view, name=self._url_name), *super().get_urls()]  # type: ignore[misc]

    @property
    def _url_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_act"

    def _address(self, action: NamedAction) -> str:
        return reverse(f"admin:{self._url_name}", args=[action.name])

    def _begin(self, action: NamedAction) -> Callable[..., HttpResponse]:
        def begin(admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
            recorded.set(True)  # nothing is changed yet
            ids = queryset.values_list("pk", flat=True)[: MOST_AT_ONCE + 1]
            return HttpResponseRedirect(f"{self._address(action)}?ids={','.join(map(str, ids))}")

        return begin

    def act_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """GET: what would happen. POST: do it."""
        action = next((one for one in self.named_actions if one.name == name), None)
        if action is None:
            raise Http404
        if not request.user.has_perm(action.permission):
            raise PermissionDenied
        items = self._items(request, action)
        form = action.form(request.POST if request.method == "POST" else None)
        if request.method != "POST" or not form.is_valid():
            return self._ask(request, action, items, form)
        self._do_all(action, items, Acting(user_id_of(request), form.cleaned_data))
        if len(items.all) > 1 or action.shows_secret:
            return self._page(request, action, items, done=True)
        return self._back(request, action, items.all[0])

    def _items(self, request: HttpRequest, action: NamedAction) -> Items:
        ids = [int(text) for text in request.GET.get("ids", "").split(",") if text.isascii() and text.isdecimal()]
        rows = self.get_queryset(request).filter(pk__in=ids[:MOST_AT_ONCE]).order_by("pk")
        items = Items([Item(row, self.page_of(row), action.refusal(row)) for row in rows], len(ids) > MOST_AT_ONCE)
        if not items.all:
            raise Http404
        return items

    def _ask(self, request: HttpRequest, action: NamedAction, items: Items, form: ReasonForm) -> HttpResponse:
        cautions = action.cautions([item.row for item in items.possible])
        for item in items.possible:
            item.caution = cautions.get(item.row.pk)
        return self._page(request, action, items, form=form)

    def page_of(self, row: Model) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])

    def _do_all(self, action: NamedAction, items: Items, acting: Acting) -> None:
        for item in items.all:
            try:
                with transaction.atomic():
                    item.done = action.act(item.row, acting)
                    _record(action, item, acting)
                item.refusal = None
            except DomainError as error:
                item.done, item.refusal = None, str(error)
                _record(action, item, acting)

    def _page(self, request: HttpRequest, action: NamedAction, items: Items, **context: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": action.label,
            "action": action,
            "items": items,
            "most": MOST_AT_ONCE,
            "list_address": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"),
            **context,
        }
        return TemplateResponse(request, "console/act.html", context, headers={"Cache-Control": "no-store"})

    def _back(self, request: HttpRequest, action: NamedAction, item: Item) -> HttpResponse:
        if item.refusal is not None:
            self.message_user(request, f"{action.label}: {item.refusal}", messages.ERROR)
        else:
            self.message_user(request, str(item.done), messages.SUCCESS)
        return HttpResponseRedirect(item.address)


class ActingAdmin(ActsMixin, ReadOnlyAdmin):
    """A read-only admin with named actions."""


def _record(action: NamedAction, item: Item, acting: Acting) -> None:
    """Beside the entry of the service: that it was done by hand, and why."""
    said = {"reason": acting.answers.get("reason", ""), "refusal": item.refusal}
    record(
        f"console.{action.name}",
        user_id=acting.user_id,
        subject=subject_of(item.row),
        result=Result.DONE if item.refusal is None else Result.REFUSED,
        detail={name: text for name, text in said.items() if text} | action.detail(item.row),
    )

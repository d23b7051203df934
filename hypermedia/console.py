"""The base of every page of the console: the theme in one place, and read-only unless a page says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection, transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from hypermedia.showing import NOTHING

_COUNTED = 10_000
_LIVE_SECONDS = 2


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Every statement in it sees the database as of the first one. Within a transaction: as that one does."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Counts to 10,000 at most: a COUNT over a big table would cost more than the page."""

    @cached_property
    def count(self) -> int:
        return int(self.object_list.values("pk")[: _COUNTED + 1].count())  # type: ignore[attr-defined]


class ConsoleAdmin(ModelAdmin):  # type: ignore[misc]  # the theme is untyped
    """A list and a page for each row."""

    change_list_template = "console/list.html"
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count the whole table once a value
    list_filter_submit = True  # filters with something to type in need a form around them
    list_per_page = 50
    compressed_fields = True
    warn_unsaved_form = True

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        shown = super().get_changelist_instance(request)
        if not shown.has_active_filters and not shown.query:
            shown.full_result_count = shown.result_count  # all of them are shown: nothing to offer
        return shown


class ReadOnlyAdmin(ConsoleAdmin):
    """Rows that people look at and change only through named actions (`audit.console.actions`)."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(TabularInline):  # type: ignore[misc]  # the theme is untyped
    """Rows below a row."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@dataclass(frozen=True)
class Panel:
    """One part of a row's page: a template and what it shows. `key` names it on the page."""

    key: str
    title: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)
    wide: bool = True

    def render(self) -> SafeString:
        return SafeString(render_to_string(self.template, self.context))  # nosec B308 B703


def facts(key: str, title: str, rows: list[tuple[str, Any]], *, wide: bool = False) -> Panel:
    """Names and values; what has no value is left out."""
    known = [(name, value) for name, value in rows if value not in (None, "", NOTHING)]
    return Panel(key, title, "console/facts.html", {"rows": known}, wide)


def table(key: str, title: str, headings: list[str], rows: list[list[Any]], *, empty: str = "None.") -> Panel:
    return Panel(key, title, "console/table.html", {"headings": headings, "rows": rows, "empty": empty, "title": title})


class PageMixin:
    """A row's page made of panels, read in one snapshot: what stands on it was true at one moment.

    It shows itself anew, actions and all: every two seconds while `is_live` says that something is going on, otherwise
    every `quiet_seconds` (0: never).
    """

    change_form_template = "console/page.html"
    warn_unsaved_form = False
    quiet_seconds = 0
    admin_site: Any
    opts: Any

    def headline(self, row: Any) -> Any:
        """Chips and words beside the title."""
        return ""

    def panels(self, request: HttpRequest, row: Any) -> list[Panel]:
        raise NotImplementedError

    def is_live(self, row: Any) -> bool:
        return False

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return []

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fields(request, obj) if obj is None else []  # type: ignore[misc]  # panels show the rest

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "GET":
            return super().change_view(request, *args, **kwargs)  # type: ignore[misc, no-any-return]
        with one_snapshot():
            answer: HttpResponse = super().change_view(request, *args, **kwargs)  # type: ignore[misc]
            return answer.render() if isinstance(answer, TemplateResponse) else answer

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any) -> Any:
        if obj is not None:
            context.update(self.page_context(request, obj))
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)  # type: ignore[misc]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            "row": row,
            "title": f"{str(row)[:1].upper()}{str(row)[1:]}",
            "subtitle": None,
            "headline": self.headline(row),
            "panels": self.panels(request, row),
            "live": self.live_address(row),
            "every": _LIVE_SECONDS if self.is_live(row) else self.quiet_seconds,
            "row_actions": getattr(self, "possible_actions", lambda *_: [])(request, row),
        }

    def live_address(self, row: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_live", args=[row.pk])

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_live"
        return [path("<int:pk>/live/", self.live_view, name=name), *super().get_urls()]  # type: ignore[misc]

    def live_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The parts of the page as they are now; 204 when there is nothing (more) to see."""
        if not _may_look(self, request):
            return HttpResponse(status=204)
        with one_snapshot():
            row = self.get_object(request, str(pk))  # type: ignore[attr-defined]
            if row is None:
                return HttpResponse(status=204)
            return live_answer(request, "console/row.html", self.page_context(request, row))


class LiveListMixin:
    """A list whose `live_columns` show themselves anew for the rows that `is_live`."""

    list_before_template = "console/live_rows.html"
    live_columns: tuple[str, ...] = ()
    admin_site: Any
    opts: Any

    def is_live(self, row: Any) -> bool:
        raise NotImplementedError

    def live_rows_address(self, rows: Any) -> str:
        """What the list asks for; empty when nothing on it moves."""
        ids = [str(row.pk) for row in rows if self.is_live(row)]
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_live_rows")
        return f"{address}?ids={','.join(ids)}" if ids else ""

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_live_rows"
        return [path("live/", self.live_rows_view, name=name), *super().get_urls()]  # type: ignore[misc]

    def live_rows_view(self, request: HttpRequest) -> HttpResponse:
        """The live cells of the rows that were asked for, and where to ask next."""
        if not _may_look(self, request):
            return HttpResponse(status=204)
        ids = [int(text) for text in request.GET.get("ids", "").split(",") if text.isascii() and text.isdecimal()]
        rows = list(self.get_queryset(request).filter(pk__in=ids[:200]))  # type: ignore[attr-defined]
        cells = [getattr(self, column)(row) for row in rows for column in self.live_columns]
        context = {"cells": cells, "address": self.live_rows_address(rows)}
        return live_answer(request, "console/live_cells.html", context)


def live(description: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A column that can show itself anew: its content gets an id that names column and row."""

    def decorate(column: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        def shown(self: Any, row: Any) -> SafeString:
            return format_html('<span id="{}-{}">{}</span>', column.__name__, row.pk, column(self, row))

        shown.__name__ = column.__name__
        column_of_list: Callable[..., Any] = admin.display(description=description, **options)(shown)
        return column_of_list

    return decorate


def live_answer(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    html = render_to_string(template, context, request=request)
    return HttpResponse(html, headers={"Cache-Control": "no-store"})


def _may_look(page: Any, request: HttpRequest) -> bool:
    """Whoever was logged out meanwhile gets nothing, instead of a login form in the middle of a page."""
    return bool(page.admin_site.has_permission(request) and page.has_view_permission(request))

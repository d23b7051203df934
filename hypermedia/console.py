"""The base of every page of the console: the theme in one place, and read-only unless a page says otherwise."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin, TabularInline

_COUNTED = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Counts to 10,000 at most: a COUNT over a big table would cost more than the page."""

    @cached_property
    def count(self) -> int:
        return int(self.object_list.values("pk")[: _COUNTED + 1].count())  # type: ignore[attr-defined]


class ConsoleAdmin(ModelAdmin):  # type: ignore[misc]  # the theme is untyped
    """A list and a page for each row."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    compressed_fields = True
    warn_unsaved_form = True


class ReadOnlyAdmin(ConsoleAdmin):
    """Rows that people look at and change only through named actions."""

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

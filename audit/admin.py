"""The trail in the console: to be read, never to be changed."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from audit.models import Entry
from hypermedia.console import PageMixin, Panel, ReadOnlyAdmin, facts
from hypermedia.narrowing import ReadByPeriod, SelectFilter, period_of
from hypermedia.showing import Tone, chip, code, moment
from hypermedia.subjects import subject_link

TONES = {Entry.Result.DONE: Tone.GOOD, Entry.Result.REFUSED: Tone.WAITING, Entry.Result.FAILED: Tone.BAD}


class ActionFilter(SelectFilter):
    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(action, action) for action in Entry.objects.all().actions()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(Entry)
class EntryAdmin(ReadByPeriod, PageMixin, ReadOnlyAdmin):
    """Who did what, when, from where, why, with which result."""

    list_display = ("when", "who", "outcome", "action", "on", "why", "address")
    list_filter = ("result", ActionFilter, period_of("at", "time"))
    ordering = ("-id",)
    period_ordering = ("-at", "-id")
    search_fields = ("subject__startswith",)
    search_help_text = "Begin of the subject, or a user's name"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Entry.objects.with_username()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        word = search_term.strip()
        if not word:
            return queryset, False
        users = list(User.objects.filter(username=word).values_list("pk", flat=True))
        return queryset.filter(Q(subject__startswith=word) | Q(user_id__in=users)), False

    @admin.display(description="when", ordering="id")
    def when(self, entry: Entry) -> Any:
        return moment(entry.at)

    @admin.display(description="who")
    def who(self, entry: Any) -> str:
        if entry.user_id is None:
            return "nobody known"
        return entry.username or f"user {entry.user_id}"

    @admin.display(description="result")
    def outcome(self, entry: Entry) -> Any:
        return chip(entry.result, TONES[Entry.Result(entry.result)])

    @admin.display(description="subject")
    def on(self, entry: Entry) -> Any:
        return subject_link(entry.subject)

    @admin.display(description="why")
    def why(self, entry: Entry) -> str:
        return str(entry.detail.get("reason", ""))

    def headline(self, row: Entry) -> Any:
        return self.outcome(row)

    def panels(self, request: HttpRequest, row: Any) -> list[Panel]:
        about = [
            ("When", moment(row.at)),
            ("Who", self.who(row)),
            ("What", row.action),
            ("On", subject_link(row.subject)),
            ("Why", self.why(row)),
            ("Answered", row.status),
            ("From", row.address),
            ("Request id", code(row.request_id)),
        ]
        detail = json.dumps(row.detail, indent=2, ensure_ascii=False)
        return [
            facts("about", "Entry", about),
            Panel("detail", "Detail", "console/text.html", {"text": detail}, wide=False),
        ]

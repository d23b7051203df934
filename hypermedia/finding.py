"""Searching lists of the console for whole values: each way to mean a row is answered by an index.

Django's own search compares in any case, and numbers as texts: both read the whole table.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

_LARGEST = 2**63
_MOST = 200  # rows of another table that one word may mean


class ExactSearchMixin:
    """`search_fields` are columns with an index (`code`, `id`), or such columns of a related table (`job__job_id`)."""

    search_fields: tuple[str, ...] = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        word = search_term.strip()
        return (queryset.filter(meaning(queryset.model, word, self.search_fields)) if word else queryset), False


def meaning(model: type[Model], word: str, names: tuple[str, ...]) -> Q:
    """The rows that the word means by one of these columns."""
    wanted = Q(pk__in=[])
    for name in names:
        wanted |= _by(model, word, name)
    return wanted


def as_number(word: str) -> int | None:
    """An id, if it can be one."""
    return int(word) if word.isascii() and word.isdecimal() and int(word) < _LARGEST else None


def _by(model: type[Model], word: str, name: str) -> Q:
    first, _, rest = name.partition("__")
    field: Any = model._meta.get_field(first)
    if field.is_relation and rest:
        related = field.related_model._default_manager.filter(**{rest: word})
        return Q(**{f"{first}__in": list(related.values_list("pk", flat=True)[:_MOST])})
    if field.is_relation or "Integer" in field.get_internal_type() or "AutoField" in field.get_internal_type():
        number = as_number(word)
        return Q(pk__in=[]) if number is None else Q(**{name: number})
    return Q(**{name: word})

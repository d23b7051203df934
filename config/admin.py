"""Users, groups and Celery's log in the console's theme."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django_celery_results import admin as celery_admin  # registers the pages that ours replace
from django_celery_results.models import GroupResult, TaskResult
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from config.roles import ADMINISTRATOR, IN_WORDS
from hypermedia.console import ConsoleAdmin, ReadOnlyAdmin
from hypermedia.finding import ExactSearchMixin

admin.site.unregister(User)
admin.site.unregister(Group)


class TellsRoles:
    """Says above the form what each role may do."""

    change_form_before_template = "console/roles.html"

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        context.update(roles=IN_WORDS, administrator=ADMINISTRATOR)
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]  # of a mixin


@admin.register(User)
class UserAdmin(TellsRoles, DjangoUserAdmin, ConsoleAdmin):  # type: ignore[misc, type-arg]  # the theme is untyped
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(TellsRoles, DjangoGroupAdmin, ConsoleAdmin):  # type: ignore[misc]  # the theme is untyped
    list_display = ("name", "may")

    @admin.display(description="what its members may do")
    def may(self, group: Group) -> str:
        return {str(role): words for role, words in IN_WORDS.items()}.get(group.name, "what an administrator gave it")


assert celery_admin
admin.site.unregister(TaskResult)
admin.site.unregister(GroupResult)


@admin.register(TaskResult)
class TaskResultAdmin(ExactSearchMixin, ReadOnlyAdmin):
    """Celery's own log of attempts: no filter that would read the whole table."""

    list_display = ("id", "task_id", "task_name", "status", "worker", "date_done")
    list_filter = ("status",)
    ordering = ("-id",)
    search_fields = ("task_id",)
    search_help_text = "The whole id of a Celery task"
    fields = ("task_id", "task_name", "status", "worker", "date_created", "date_done", "result", "traceback")

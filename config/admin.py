"""Users, groups and Celery's log in the console's theme."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django_celery_results import admin as celery_admin  # registers the pages that ours replace
from django_celery_results.models import GroupResult, TaskResult
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from hypermedia.console import ConsoleAdmin, ReadOnlyAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ConsoleAdmin):  # type: ignore[misc, type-arg]  # the theme is untyped
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ConsoleAdmin):  # type: ignore[misc]  # the theme is untyped
    pass


assert celery_admin
admin.site.unregister(TaskResult)
admin.site.unregister(GroupResult)


@admin.register(TaskResult)
class TaskResultAdmin(ReadOnlyAdmin):
    """Celery's own log of attempts: no filter that would read the whole table."""

    list_display = ("id", "task_id", "task_name", "status", "worker", "date_done")
    list_filter = ("status",)
    ordering = ("-id",)
    search_fields = ("=task_id",)
    search_help_text = "The whole id of a Celery task"
    fields = ("task_id", "task_name", "status", "worker", "date_created", "date_done", "result", "traceback")

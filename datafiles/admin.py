"""Data file sets in the console, and the bytes of their files for who may have them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import URLPattern, path, reverse

from audit.console.actions import Acting, ActingAdmin, NamedAction, NecessaryReasonForm
from audit.services import record
from datafiles import holds, owners, storage
from datafiles.console import appearance
from datafiles.models import DataFile, DataFileSet
from hypermedia.console import PageMixin, Panel, facts
from hypermedia.errors import Unavailable
from hypermedia.finding import ExactSearchMixin
from hypermedia.narrowing import PeriodFilter, ReadByPeriod, UserFilter
from hypermedia.showing import Tone, ago, anchor, chip, code, moment

MAY_HOLD = "datafiles.hold_datafileset"
MAY_UNLOCK = "datafiles.unlock_datafileset"


def _hold(row: DataFileSet, acting: Acting) -> str:
    holds.hold(set_id=row.pk, user_id=acting.user_id, reason=acting.answers["reason"])
    return f"{row.code} is kept until somebody lets it go."


def _release(row: DataFileSet, acting: Acting) -> str:
    holds.release(set_id=row.pk, user_id=acting.user_id, reason=acting.answers["reason"])
    return f"{row.code} expires at its time."


def _unlock(row: DataFileSet, acting: Acting) -> str:
    owners.unlock(set_id=row.pk, user_id=acting.user_id, reason=acting.answers["reason"])
    return f"{row.code} is unlocked; its owner can change it again."


@admin.register(DataFileSet)
class DataFileSetAdmin(ReadByPeriod, ExactSearchMixin, PageMixin, ActingAdmin):
    """Sets with their files."""

    list_display = ("code", "description", "lock", "created_by", "age")
    list_filter = ("locked", PeriodFilter, UserFilter)
    list_select_related = ("created_by",)
    ordering = ("-id",)
    search_fields = ("code",)
    search_help_text = "The whole code"

    named_actions = (
        NamedAction(
            "hold", "Hold", MAY_HOLD, "Keeps the set and its files beyond their time, until they are let go.", _hold,
            lambda row: "It is held already, or deleted." if row.held or row.deleted_at else None,
            form=NecessaryReasonForm, icon="lock",
        ),
        NamedAction(
            "release", "Let go", MAY_HOLD, "What is past its time by now goes with the next purge.", _release,
            lambda row: None if row.held else "It is not held.",
            form=NecessaryReasonForm, icon="lock_open", is_final=True,
        ),
        NamedAction(
            "unlock", "Unlock", MAY_UNLOCK,
            "Frees a set that was left locked though no running operation uses it. Its owner can change it again.",
            _unlock, owners.refusal_to_unlock, form=NecessaryReasonForm, icon="no_encryption",
        ),
    )  # fmt: skip

    @admin.display(description="lock")
    def lock(self, row: DataFileSet) -> Any:
        if row.held:
            return chip("held", Tone.WAITING)
        return chip("locked", Tone.BUSY) if row.locked else chip("open", Tone.QUIET)

    @admin.display(description="age", ordering="id")
    def age(self, row: DataFileSet) -> Any:
        return ago(row.creation_date)

    def headline(self, row: DataFileSet) -> Any:
        return self.lock(row)

    def panels(self, request: HttpRequest, row: DataFileSet) -> list[Panel]:
        about = [
            ("Code", code(row.code)),
            ("Description", row.description),
            ("Owner", row.created_by),
            ("Made", moment(row.creation_date)),
            ("Snapshot", moment(row.snapshot_at)),
            ("In use by", self._user_of(row)),
            ("Held because", row.hold_reason),
            ("Deleted", moment(row.deleted_at)),
        ]
        if request.user.has_perm("audit.view_entry"):
            trail = reverse("admin:audit_entry_changelist")
            about.append(("Read by", anchor(f"{trail}?q=datafilesets/{row.code}/", "who read its files, and when")))
        return [facts("about", "Set", about, wide=True), appearance.files_panel(request.user, row)]

    def _user_of(self, row: DataFileSet) -> str:
        if not row.locked:
            return ""
        return owners.owner_of(row.pk) or "no running operation: it can be unlocked"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.content_view)
        route = "<int:pk>/files/<int:file_pk>/content/"
        return [path(route, view, name="datafiles_datafileset_content"), *super().get_urls()]

    def content_view(self, request: HttpRequest, pk: int, file_pk: int) -> HttpResponseBase:
        """The bytes of one file, streamed; each download leaves an entry in the trail."""
        found = DataFile.objects.select_related("data_file_set").filter(pk=file_pk, data_file_set=pk, removed_at=None)
        data_file = found.first()
        if data_file is None:
            raise Http404
        if not appearance.may_read_data(request.user, data_file.data_file_set):
            raise PermissionDenied
        # Called what the API calls it, so that one search finds everybody who read it.
        subject = f"datafilesets/{data_file.data_file_set.code}/datafiles/{data_file.code}/data"
        record("data.read", user_id=request.user.pk, subject=subject)
        return _download(data_file)


def _download(data_file: DataFile) -> HttpResponseBase:
    try:
        blocks = storage.open_range(data_file.storage_key, 0, data_file.content_length)
    except storage.StorageError as error:
        raise Unavailable(str(error)) from error
    response = StreamingHttpResponse(blocks, content_type=data_file.media_type)
    response["Content-Length"] = str(data_file.content_length)
    response["Content-Disposition"] = f'attachment; filename="{data_file.file_name}"'
    response["Cache-Control"] = "private, no-store"
    return response

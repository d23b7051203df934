"""Data file sets and the descriptions of their files over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import F
from django.http import HttpResponse
from rest_framework.request import Request

from datafiles import errors, forms, services, uploads
from datafiles.inputs import DataFileInput, DataFileSetInput, DescriptionInput
from datafiles.links import set_path
from datafiles.models import DataFile, DataFileSet
from datafiles.serializers import file_document, generic_set_document, set_document
from datafiles.storage import StorageError
from hypermedia.errors import Forbidden, Unavailable
from hypermedia.links import href
from hypermedia.readers import Role
from hypermedia.repeats import once
from hypermedia.views import ResourceView

READERS = (Role.CLIENT, Role.OPERATOR, Role.AUDITOR)
OWNERS = (Role.CLIENT, Role.OPERATOR)


@contextmanager
def storage_works() -> Iterator[None]:
    """A storage that refuses is no fault of the client's: 503 with what is wrong."""
    try:
        yield
    except StorageError as error:
        raise Unavailable(str(error)) from error


def is_form(request: Request) -> bool:
    return str(request.content_type).partition(";")[0].strip().lower() == "multipart/form-data"


class SetView(ResourceView):
    """What all routes of one set have in common."""

    def find(self, **key: Any) -> DataFileSet:
        """Raises NotFound for what is not there or not for this reader; Gone for what was deleted."""
        visible = DataFileSet.objects.of(self.reader).filter(**key)
        found = visible.order_by(F("deleted_at").desc(nulls_first=True)).prefetch_related("data_files").first()
        if found is None:
            raise errors.unknown_set(str(key.get("code", key.get("pk"))))
        if found.deleted_at is not None:
            raise errors.deleted_set(found.code)
        return found

    def find_own(self, code: str, *, destroys: bool = False) -> DataFileSet:
        """A set to change. Raises Forbidden, SetLocked, SetHeld, Stale as well: before a body is read."""
        found = self.find(code=code)
        if not self.reader.owns(found.created_by_id):
            raise Forbidden("Only its owner may change this data file set.")
        self.check_if_match(found.version)
        services.refuse_unchangeable(found, destroys=destroys)
        return found

    def find_file(self, found: DataFileSet, file_code: str) -> DataFile:
        data_file = next((one for one in found.data_files.all() if one.code == file_code), None)
        if data_file is None:
            raise errors.unknown_file(file_code, found.code)
        return data_file

    @property
    def actor(self) -> dict[str, Any]:
        """Who changes a set, and which version of it."""
        return {"user_id": self.reader.user_id, "check": self.check_if_match}

    def set_answer(self, pk: int, *, status: int = 200) -> HttpResponse:
        """The set as it is now."""
        found = DataFileSet.objects.prefetch_related("data_files").get(pk=pk)
        document = set_document(found, list(found.data_files.all()), self.reader)
        headers = {"Location": href(set_path(found.code))} if status == 201 else {}
        return self.answer(document, version=found.version, status=status, headers=headers)

    def file_answer(self, pk: int, *, status: int = 200) -> HttpResponse:
        """The description of a file as it is now, with the version of its set. `Location` is the set, which has it."""
        data_file = DataFile.objects.select_related("data_file_set").get(pk=pk)
        found = data_file.data_file_set
        headers = {"Location": href(set_path(found.code))} if status == 201 else {}
        document = file_document(data_file, self.reader)
        return self.answer(document, version=found.version, status=status, headers=headers)

    def read_form(self, serializer: Any, form: uploads.Form) -> dict[str, Any]:
        given: dict[str, Any] = self._validated(serializer, forms.document_of(form))
        return given


class CreatingView(SetView):
    """`POST`: a new set, described in JSON, or in a form together with the content."""

    def post(self, request: Request) -> HttpResponse:
        if not is_form(request):
            return once(self, lambda: self._create(self.read_optional(DataFileSetInput), []))
        with storage_works(), uploads.form(request._request) as form:
            given = self.read_form(DataFileSetInput, form)
            return once(self, lambda: self._create(given, form.uploads), forms.fingerprint(form))

    def _create(self, given: dict[str, Any], parts: list[uploads.Upload]) -> HttpResponse:
        pairs = forms.matched(given.get("data_files", []), parts)
        with storage_works(), forms.published(pairs) as files:
            made = services.create_set(
                owner_id=self.reader.user_id,
                code=given.get("code"),
                description=given.get("description", ""),
                files=files,
            )
        return self.set_answer(made.pk, status=201)


class DataFileSetView(SetView):
    roles = {"GET": READERS, "POST": OWNERS, "DELETE": OWNERS}

    def get(self, request: Request, code: str) -> HttpResponse:
        found = self.find(code=code)
        return self.answer(set_document(found, list(found.data_files.all()), self.reader), version=found.version)

    def post(self, request: Request, code: str) -> HttpResponse:
        """Adds one file, described in JSON, or in a form together with its content."""
        found = self.find_own(code)
        if not is_form(request):
            return once(self, lambda: self._add(found, self.read_optional(DataFileInput), []))
        with storage_works(), uploads.form(request._request) as form:
            given = self.read_form(DataFileInput, form)
            return once(self, lambda: self._add(found, given, form.uploads), forms.fingerprint(form))

    def _add(self, found: DataFileSet, given: dict[str, Any], parts: list[uploads.Upload]) -> HttpResponse:
        if len(parts) > 1:
            raise errors.rule("DAT-IP-DAFI-106", "This adds one file; give one part with content.")
        pairs = [(given, parts[0] if parts else None)] if given or not parts else forms.matched([], parts)
        with storage_works(), forms.published(pairs) as files:
            added = services.add_file(
                set_id=found.pk, user_id=self.reader.user_id, check=self.check_if_match, file=files[0]
            )
        return self.file_answer(added.pk, status=201)

    def delete(self, request: Request, code: str) -> HttpResponse:
        found = self.find_own(code, destroys=True)
        services.delete_set(set_id=found.pk, user_id=self.reader.user_id, check=self.check_if_match)
        return HttpResponse(status=204)


class GenericDataFileSetView(SetView):
    roles = {"GET": READERS}

    def get(self, request: Request, pk: int) -> HttpResponse:
        found = self.find(pk=pk)
        return self.answer(
            generic_set_document(found, list(found.data_files.all()), self.reader), version=found.version
        )


class DataFileView(SetView):
    """The description of one file."""

    roles = {"PUT": OWNERS, "DELETE": OWNERS}

    def put(self, request: Request, code: str, file_code: str) -> HttpResponse:
        data_file = self.find_file(self.find_own(code), file_code)
        given = self.read(DescriptionInput)
        if given.get("code", file_code) != file_code:
            raise errors.rule(
                "DAT-IP-DAFI-107", "A file's code cannot be changed; add a file under the new one.", "/code"
            )
        services.describe_file(
            data_file=data_file,
            user_id=self.reader.user_id,
            check=self.check_if_match,
            description=given["description"],
        )
        return self.file_answer(data_file.pk)

    def delete(self, request: Request, code: str, file_code: str) -> HttpResponse:
        data_file = self.find_file(self.find_own(code, destroys=True), file_code)
        if data_file.removed_at is not None:
            raise errors.removed()
        services.delete_file(data_file=data_file, user_id=self.reader.user_id, check=self.check_if_match)
        return HttpResponse(status=204)

"""Data file sets over HTTP: the set, and the bytes of its files."""

from __future__ import annotations

import base64
from typing import Any

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import http_date
from rest_framework.request import Request
from rest_framework.response import Response

from datafiles import ranges, storage
from datafiles.models import DataFile, DataFileSet
from datafiles.ranges import ByteRange
from datafiles.serializers import generic_set_document, set_document
from hypermedia import conditional
from hypermedia.errors import Gone, NotFound, Unavailable
from hypermedia.media import AnyAccept
from hypermedia.readers import Role
from hypermedia.views import ResourceView

READERS = (Role.CLIENT, Role.OPERATOR, Role.AUDITOR)
DATA_READERS = (Role.CLIENT, Role.OPERATOR)
_EXTENSIONS = {"application/x-ndjson": "ndjson"}


class DataFileSetView(ResourceView):
    roles = {"GET": READERS}

    def find(self, **key: Any) -> tuple[DataFileSet, list[DataFile]]:
        data_file_set = DataFileSet.objects.visible_to(self.reader).filter(**key).prefetch_related("data_files").first()
        if data_file_set is None:
            text = f"Data file set code {key.get('code', key.get('pk'))} is unknown"
            raise NotFound(text, code="DAT-IP-DAFI-003")
        return data_file_set, list(data_file_set.data_files.all())

    def get(self, request: Request, code: str) -> Response:
        data_file_set, files = self.find(code=code)
        return self.answer(set_document(data_file_set, files, self.reader), version=data_file_set.version)


class GenericDataFileSetView(DataFileSetView):
    def get(self, request: Request, pk: int) -> Response:  # type: ignore[override]
        data_file_set, files = self.find(pk=pk)
        return self.answer(generic_set_document(data_file_set, files, self.reader), version=data_file_set.version)


class DataView(ResourceView):
    """The bytes of one file: streamed, by range on request, never in memory as a whole."""

    roles = {"GET": DATA_READERS}
    audited = {"GET": "data.read"}
    content_negotiation_class = AnyAccept

    def find(self, code: str, file_code: str) -> DataFile:
        """Raises NotFound for what this reader may not read, exactly as for what is not there; Gone after its time."""
        data_file = (
            DataFile.objects.select_related("data_file_set").filter(data_file_set__code=code, code=file_code).first()
        )
        if data_file is None or not self.reader.may_read_data(data_file.data_file_set.created_by_id):
            text = f"Data file code {file_code} is unknown to data file set {code}"
            raise NotFound(text, code="DAT-IP-DAFI-005")
        if data_file.removed_at is not None:
            raise Gone("The content was removed; what is known of it stays with its set. Export again to get it.")
        return data_file

    def get(self, request: Request, code: str, file_code: str) -> HttpResponseBase:
        data_file = self.find(code, file_code)
        tag, modified = f'"{data_file.sha256}"', http_date(data_file.creation_date.timestamp())
        conditional.check_tag(request.headers.get("If-Match"), tag)
        response = (
            self._content(data_file, tag, modified)
            if conditional.none_match(request.headers.get("If-None-Match"), tag)
            else HttpResponse(status=304, content_type=data_file.media_type)
        )
        response["ETag"], response["Last-Modified"] = tag, modified
        response["Accept-Ranges"] = "bytes"
        response["Content-Disposition"] = f'attachment; filename="{_file_name(data_file)}"'
        response["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(data_file.sha256)).decode()}:"
        response["Cache-Control"] = "private, no-transform"
        return response

    def _content(self, data_file: DataFile, *validators: str) -> HttpResponseBase:
        """200 with everything, or 206 with the range that the request names. Raises RangeNotSatisfiable."""
        headers, size = self.request.headers, data_file.content_length
        with_body = self.request.method == "GET"
        wanted = (
            ranges.requested(headers.get("Range"), headers.get("If-Range"), size=size, validators=validators)
            if with_body
            else None
        )
        part = wanted or ByteRange(0, size, size)
        try:
            blocks = storage.open_range(data_file.storage_key, part.start, part.length) if with_body else ()
        except storage.StorageError as error:
            raise Unavailable(str(error)) from error
        response = StreamingHttpResponse(blocks, status=206 if wanted else 200, content_type=data_file.media_type)
        response["Content-Length"] = str(part.length)
        if wanted:
            response["Content-Range"] = wanted.content_range
        return response


def _file_name(data_file: DataFile) -> str:
    extension = _EXTENSIONS.get(data_file.media_type, "bin")
    safe = "".join(character if character.isalnum() or character in "-_" else "-" for character in data_file.code)
    return f"{safe.encode('ascii', 'replace').decode().replace('?', '-')}.{extension}"

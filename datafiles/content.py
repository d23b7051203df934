"""The bytes of one file over HTTP: streamed both ways, by range on request, never in memory as a whole."""

from __future__ import annotations

import base64

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import http_date
from rest_framework.request import Request

from datafiles import errors, media, ranges, services, storage, uploads
from datafiles.links import data_path
from datafiles.models import DataFile
from datafiles.ranges import ByteRange
from datafiles.views import OWNERS, SetView, storage_works
from hypermedia import conditional
from hypermedia.links import href
from hypermedia.media import AnyAccept
from hypermedia.repeats import once


class DataView(SetView):
    roles = {"GET": OWNERS, "POST": OWNERS}
    audited = {"GET": "data.read"}
    content_negotiation_class = AnyAccept

    def find_content(self, code: str, file_code: str) -> DataFile:
        """Raises NotFound for what this reader may not read, exactly as for what is not there; Gone after its time."""
        found = DataFile.objects.select_related("data_file_set").filter(data_file_set__code=code, code=file_code)
        data_file = found.order_by("-data_file_set_id").first()
        if data_file is None:
            raise errors.unknown_file(file_code, code)
        if not self.reader.may_read_data(data_file.data_file_set.created_by_id):
            raise errors.unknown_file(file_code, code)
        if data_file.is_gone:
            raise errors.removed()
        if data_file.storage_key is None:
            raise errors.no_content(file_code)
        return data_file

    def get(self, request: Request, code: str, file_code: str) -> HttpResponseBase:
        data_file = self.find_content(code, file_code)
        tag, changed = f'"{data_file.sha256}"', int(data_file.creation_date.timestamp())
        modified = http_date(changed)
        conditional.check_bytes(request.headers, tag, changed)
        response = (
            HttpResponse(status=304, content_type=data_file.media_type)
            if conditional.has_bytes(request.headers, tag, changed)
            else self._content(data_file, tag, modified)
        )
        response["ETag"], response["Last-Modified"] = tag, modified
        response["Accept-Ranges"] = "bytes"
        response["Content-Disposition"] = f'attachment; filename="{data_file.file_name}"'
        response["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(data_file.sha256)).decode()}:"
        response["Cache-Control"] = "private, no-transform"
        if data_file.expires_at is not None and not data_file.data_file_set.held:
            response["Expires"] = http_date(data_file.expires_at.timestamp())
        return response

    def _content(self, data_file: DataFile, *validators: str) -> HttpResponseBase:
        """200 with everything, or 206 with the range that the request names. Raises RangeNotSatisfiable."""
        headers, size = self.request.headers, data_file.content_length or 0
        if self.request.method != "GET":
            return _described(HttpResponse(content_type=data_file.media_type), size)
        if settings.X_ACCEL_PREFIX and "If-Range" not in headers:
            return self._handed_over(data_file)
        wanted = ranges.requested(headers.get("Range"), headers.get("If-Range"), size=size, validators=validators)
        part = wanted or ByteRange(0, size, size)
        with storage_works():
            blocks = storage.open_range(data_file.storage_key, part.start, part.length)
        response = StreamingHttpResponse(blocks, status=206 if wanted else 200, content_type=data_file.media_type)
        if wanted:
            response["Content-Range"] = wanted.content_range
        return _described(response, part.length)

    def _handed_over(self, data_file: DataFile) -> HttpResponse:
        """nginx sends the bytes, ranges and all. It cannot judge our tags, so `If-Range` never comes here."""
        key = str(data_file.storage_key)
        response = HttpResponse(content_type=data_file.media_type)
        response["X-Accel-Redirect"] = f"{settings.X_ACCEL_PREFIX}/{key[:2]}/{key}"
        return response

    def post(self, request: Request, code: str, file_code: str) -> HttpResponse:
        """Content for a file, or other content in the place of what it has."""
        data_file = self.find_file(self.find_own(code), file_code)
        if data_file.is_gone:
            raise errors.removed()
        media_type = media.uploaded_as(request.content_type)
        if media_type is None or request.headers.get("Content-Encoding", "identity") != "identity":
            raise uploads.unsupported(f"The type {request.content_type or '(none)'}"[:200])
        services.refuse_unchangeable(data_file.data_file_set, destroys=data_file.storage_key is not None)
        with storage_works(), uploads.raw(request._request, media_type) as upload:
            return once(self, lambda: self._store(data_file, upload), upload.fingerprint)

    def _store(self, data_file: DataFile, upload: uploads.Upload) -> HttpResponse:
        published = upload.publish()
        with storage.removed_on_error(published):
            services.put_content(
                data_file=data_file,
                user_id=self.reader.user_id,
                check=self.check_if_match,
                published=published,
                media_type=upload.media_type,
            )
        response = self.file_answer(data_file.pk, status=201)
        response["Location"] = href(data_path(data_file.data_file_set.code, data_file.code))
        return response


def _described(response: HttpResponseBase, length: int) -> HttpResponseBase:
    response["Content-Length"] = str(length)
    return response

"""Sets as ZIPs over HTTP, and ZIPs as sets."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request

from datafiles import errors, media, packing, uploads
from datafiles.archives import stream
from datafiles.models import DataFileSet
from datafiles.uploads import Upload
from datafiles.views import OWNERS, SetView, is_form, storage_works
from hypermedia.media import AnyAccept
from hypermedia.repeats import once


class ZipView(SetView):
    """`GET`: everything in one ZIP. `POST`: a ZIP whose files become the set's. `PUT`: the set's files become a ZIP."""

    roles = {"GET": OWNERS, "POST": OWNERS, "PUT": OWNERS}
    audited = {"GET": "data.read"}
    content_negotiation_class = AnyAccept

    def get(self, request: Request, code: str) -> HttpResponseBase:
        found = self.find(code=code)
        if not self.reader.may_read_data(found.created_by_id):
            raise errors.unknown_set(code)
        files = found.present()
        if not files and any(one.is_gone for one in found.data_files.all()):
            raise errors.removed()
        blocks, length = stream(files)
        headers = {
            "Content-Length": str(length),
            "Content-Disposition": f'attachment; filename="{media.file_name(found.code, media.ZIP)}"',
            "Cache-Control": "private, no-transform",
        }
        if request.method == "HEAD":
            return HttpResponse(content_type=media.ZIP, headers=headers)
        return StreamingHttpResponse(blocks, content_type=media.ZIP, headers=headers)

    def post(self, request: Request, code: str) -> HttpResponse:
        found = self.find_own(code)
        if is_form(request):
            with storage_works(), uploads.form(request._request) as form:
                if len(form.uploads) != 1 or form.uploads[0].media_type != media.ZIP:
                    raise uploads.unsupported("Anything but one ZIP")
                return self._unpack(found, form.uploads[0])
        if media.uploaded_as(request.content_type) != media.ZIP:
            raise uploads.unsupported(f"The type {request.content_type or '(none)'}"[:200])
        with storage_works(), uploads.raw(request._request, media.ZIP) as upload:
            return self._unpack(found, upload)

    def _unpack(self, found: DataFileSet, upload: Upload) -> HttpResponse:
        def answer() -> HttpResponse:
            packing.unpack_upload(found=found, upload=upload, **self.actor)
            return self.set_answer(found.pk, status=201)

        return once(self, answer, upload.fingerprint)

    def put(self, request: Request, code: str) -> HttpResponse:
        found = self.find_own(code, destroys=True)
        self.read_nothing()
        with storage_works():
            packing.pack(found=found, **self.actor)
        return self.set_answer(found.pk)


class UnzipView(SetView):
    """`PUT`: each ZIP in the set becomes the files that are in it."""

    roles = {"PUT": OWNERS}

    def put(self, request: Request, code: str) -> HttpResponse:
        found = self.find_own(code, destroys=True)
        self.read_nothing()
        with storage_works():
            packing.unpack(found=found, **self.actor)
        return self.set_answer(found.pk)

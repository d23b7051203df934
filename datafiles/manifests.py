"""What is in a set, for whoever checks a download: the manifest, and a list that `sha256sum -c` takes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from datafiles.links import data_path, set_path
from datafiles.models import DataFile, DataFileSet
from datafiles.serializers import file_document
from datafiles.views import READERS, SetView
from hypermedia import conditional
from hypermedia.fields import date_time
from hypermedia.links import SELF, href, link
from hypermedia.media import AnyAccept
from hypermedia.readers import Reader

_ORDER = (
    *("limitCode", "consumptions", "counters", "amount", "numberOfUnits", "serviceDays"),
    *("firstTransactionDateTime", "lastTransactionDateTime"),
)
_EXACT = ("numberOfUnits", "serviceDays")  # kept as texts like the amount, since floats would round them


def manifest_document(found: DataFileSet, reader: Reader) -> dict[str, Any]:
    """The files that are there; `url` for whoever may read them."""
    readable = reader.may_read_data(found.created_by_id)
    document: dict[str, Any] = {"type": "manifest", "code": found.code}
    if found.snapshot_at is not None:
        document["snapshotTime"] = date_time(found.snapshot_at)
    document["files"] = [_file(one, readable) for one in found.present()]
    document["totals"] = [_total(total) for total in found.totals]
    links = [
        link(SELF, f"{set_path(found.code)}/manifest"),
        link("datafileset", set_path(found.code), "GET"),
        *(item for one in found.present() for item in file_document(one, reader)["links"]),
    ]
    return document | {"links": links}


def _file(data_file: DataFile, readable: bool) -> dict[str, Any]:
    told = {
        "code": data_file.code,
        "name": data_file.file_name,
        "url": href(data_path(data_file.data_file_set.code, data_file.code)) if readable else None,
        "mediaType": data_file.media_type,
        "rows": data_file.row_count,
        "bytes": data_file.content_length,
        "sha256": data_file.sha256,
    }
    return {name: value for name, value in told.items() if value is not None}


def _total(total: dict[str, Any]) -> dict[str, Any]:
    """The figures of one limit code as exact numbers, in the order of the contract; jsonb has one of its own."""
    told = total | {name: Decimal(total[name]) for name in _EXACT if name in total}
    if "amount" in total:
        told["amount"] = {"value": Decimal(total["amount"]), "currency": total["currency"]}
    return {name: told[name] for name in _ORDER if name in told}


class ManifestView(SetView):
    roles = {"GET": READERS}

    def get(self, request: Request, code: str) -> HttpResponse:
        found = self.find(code=code)
        return self.answer(manifest_document(found, self.reader), version=found.version)


class ChecksumsView(SetView):
    roles = {"GET": READERS}
    content_negotiation_class = AnyAccept

    def get(self, request: Request, code: str) -> HttpResponse:
        """One line per file that is there, by the names that downloads have. Two blanks: as `sha256sum` writes them."""
        found = self.find(code=code)
        lines = "".join(f"{one.sha256}  {one.file_name}\n" for one in found.present())
        tag = conditional.entity_tag(found.version, lines.encode(), "text/plain")
        if not conditional.none_match(request.headers.get("If-None-Match"), tag):
            return HttpResponse(status=304, content_type="text/plain; charset=utf-8", headers={"ETag": tag})
        headers = {"ETag": tag, "Content-Disposition": 'attachment; filename="SHA256SUMS"'}
        return HttpResponse(lines, content_type="text/plain; charset=utf-8", headers=headers)

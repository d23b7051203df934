"""Data file sets as documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datafiles.links import FILE_LINKS, GENERIC_SET_LINKS, SET_LINKS
from datafiles.models import DataFile, DataFileSet
from hypermedia.fields import date_time
from hypermedia.links import Rule, links_for
from hypermedia.readers import Reader


def file_document(data_file: DataFile, reader: Reader) -> dict[str, Any]:
    document = {
        "code": data_file.code,
        "description": data_file.description or None,
        "contentLength": data_file.content_length,
        "mediaType": data_file.media_type or None,
        "sha256": data_file.sha256 or None,
        "rowCount": data_file.row_count,
        "links": links_for(FILE_LINKS, data_file, reader),
    }
    return {name: value for name, value in document.items() if value is not None}


def set_document(data_file_set: DataFileSet, files: Sequence[DataFile], reader: Reader) -> dict[str, Any]:
    """The set with its files; its own links repeat theirs, so that one file needs one step."""
    return _body(data_file_set, files, reader, SET_LINKS)


def generic_set_document(data_file_set: DataFileSet, files: Sequence[DataFile], reader: Reader) -> dict[str, Any]:
    """The same with the technical head that generic resources carry."""
    body = _body(data_file_set, files, reader, GENERIC_SET_LINKS)
    return {
        "type": "dataFileSet",
        "id": data_file_set.pk,
        "createdBy": data_file_set.created_by_id,
        "lastUpdatedBy": data_file_set.last_updated_by_id,
        "objectVersionNumber": data_file_set.version,
        "links": body.pop("links"),
        "creationDate": date_time(data_file_set.creation_date),
        "lastUpdatedDate": date_time(data_file_set.last_updated_date),
        **body,
    }


def _body(
    data_file_set: DataFileSet, files: Sequence[DataFile], reader: Reader, table: Sequence[Rule[Any]]
) -> dict[str, Any]:
    documents = [file_document(data_file, reader) for data_file in files]
    links = links_for(table, data_file_set, reader)
    document: dict[str, Any] = {"code": data_file_set.code}
    if data_file_set.description:
        document["description"] = data_file_set.description
    return document | {
        "locked": data_file_set.locked,
        "dataFiles": documents,
        "links": [*links, *(file_link for item in documents for file_link in item["links"])],
    }

"""Data file sets in words: routes and shapes."""

from __future__ import annotations

from config.openapi.operations import Answer, Route
from config.openapi.shapes import BOOLEAN, INTEGER, TECHNICAL, TEXT, Schema, many, money, one_of, ref, shape
from datafiles import media

_HEADERS = ("ETag", "Link")
_TAG = "Data file sets"
_CODE: Schema = {"type": "string", "pattern": f"^{media.CODE.pattern}$"}
_DESCRIPTION: Schema = {"type": "string", "maxLength": 200}
_SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_BYTES: Schema = {"type": "string", "format": "binary"}
_CONTENT = tuple(sorted(media.EXTENSIONS, key=lambda name: name != media.NDJSON))  # what exports are stands first
_UPLOADED = {name: _BYTES for name in media.EXTENSIONS if name in media.UPLOADS}
# A text that begins like a JSON object is taken for one.
_TEXTS: dict[str, Schema] = {"code": _CODE, "description": {**_DESCRIPTION, "pattern": "^(?!\\s*\\{)"}}


def _form(description: str, properties: dict[str, Schema], others: Schema | bool, *required: str) -> dict[str, Schema]:
    schema: Schema = {"type": "object", "description": description, "properties": properties, "minProperties": 1}
    return {"multipart/form-data": {**schema, "required": [*required], "additionalProperties": others}}


_SET_FORM = _form(
    "One part with the description as JSON, or the parts `code` and `description`; and a part for each file, called"
    " like the file's code.",
    {**_TEXTS, "file": _BYTES},
    _BYTES,
)
_FILE_FORM = _form(
    "One part with the description as JSON, or the parts `code` and `description`; and one with the content.",
    {**_TEXTS, "file": _BYTES},
    False,
)
_ZIP_FORM = _form("The ZIP, under any name; texts beside it mean nothing.", {"file": _BYTES}, TEXT, "file")
_TYPES = ", ".join(_UPLOADED)
_NUMBER: Schema = {"type": "number"}
_TOTAL = shape(
    {
        "limitCode": TEXT,
        "consumptions": INTEGER,
        "counters": INTEGER,
        "amount": money(_NUMBER),
        "numberOfUnits": _NUMBER,
        "serviceDays": _NUMBER,
        "firstTransactionDateTime": {},
        "lastTransactionDateTime": {},
    },
    ("amount", "numberOfUnits", "serviceDays", "firstTransactionDateTime", "lastTransactionDateTime"),
)
_SET: dict[str, Schema] = {
    "code": TEXT,
    "description": TEXT,
    "locked": BOOLEAN,
    "dataFiles": many(ref("DataFile")),
    "links": many(ref("Link")),
}

FILE_SHAPES: dict[str, Schema] = {
    "DataFile": shape(
        {
            "code": TEXT,
            "description": TEXT,
            "contentLength": INTEGER,
            "mediaType": TEXT,
            "sha256": _SHA256,
            "rowCount": INTEGER,
            "links": many(ref("Link")),
        },
        ("description", "contentLength", "mediaType", "sha256", "rowCount"),
    ),
    "DataFileSet": shape(_SET, ("description",)),
    "GenericDataFileSet": shape({**TECHNICAL, "type": one_of("dataFileSet"), **_SET}, ("description",)),
    "DataFileInput": shape({"code": _CODE, "description": _DESCRIPTION}, ("code", "description"), closed=True),
    "DataFileSetInput": shape(
        {
            "code": _CODE,
            "description": _DESCRIPTION,
            "dataFiles": {**many(ref("DataFileInput")), "maxItems": 1000},
        },
        ("code", "description", "dataFiles"),
        closed=True,
    ),
    "DescriptionInput": shape({"code": TEXT, "description": _DESCRIPTION}, ("code",), closed=True),
    "Manifest": shape(
        {
            "type": one_of("manifest"),
            "code": TEXT,
            "snapshotTime": ref("DateTime"),
            "files": many(
                shape(
                    {
                        "code": TEXT,
                        "name": TEXT,
                        "url": {"type": "string", "format": "uri"},
                        "mediaType": TEXT,
                        "rows": INTEGER,
                        "bytes": INTEGER,
                        "sha256": _SHA256,
                    },
                    ("url", "rows"),
                )
            ),
            "totals": many(_TOTAL),
            "links": many(ref("Link")),
        },
        ("snapshotTime",),
    ),
}

_SET_PATH = "/api/datafilesets/{code}"
_FILE_PATH = f"{_SET_PATH}/datafiles/{{file_code}}"
_THE_SET = {"code": "$response.body#/code"}
_FIRST_FILE = {**_THE_SET, "file_code": "$response.body#/dataFiles/0/code"}
_SET_LINKS = {
    **dict.fromkeys(("getDataFileSet", "addDataFile", "deleteDataFileSet", "getManifest", "getChecksums"), _THE_SET),
    **dict.fromkeys(("getData", "uploadData", "describeDataFile", "deleteDataFile"), _FIRST_FILE),
}
_CHANGE_ERRORS = (404, 409, 410, 412)

FILE_ROUTES: dict[tuple[str, str], Route] = {
    ("POST", "/api/datafilesets"): Route(
        "createDataFileSet",
        "Make a data file set",
        _TAG,
        {201: Answer("DataFileSet", "Its `file` links with POST take content.", ("Location", *_HEADERS), _SET_LINKS)},
        text="In JSON without content, or as a form together with it. Codes that are left out are made.",
        body="DataFileSetInput",
        body_required=False,
        more_bodies=_SET_FORM,
        encoding={"file": _TYPES},
        errors=(409,),
        headers=("Idempotency-Key",),
    ),
    ("GET", _SET_PATH): Route(
        "getDataFileSet",
        "A data file set",
        _TAG,
        {200: Answer("DataFileSet", "Each file with size, SHA-256 and rows.", _HEADERS, _SET_LINKS)},
        errors=(404, 410),
    ),
    ("POST", _SET_PATH): Route(
        "addDataFile",
        "Add a file to a set",
        _TAG,
        {201: Answer("DataFile", "`Location` is the set, which lists it.", ("Location", *_HEADERS))},
        body="DataFileInput",
        body_required=False,
        more_bodies=_FILE_FORM,
        encoding={"file": _TYPES},
        errors=_CHANGE_ERRORS,
        headers=("Idempotency-Key", "If-Match"),
    ),
    ("DELETE", _SET_PATH): Route(
        "deleteDataFileSet",
        "Delete a set and its content",
        _TAG,
        {204: Answer(None, "Gone; its code is free.")},
        errors=_CHANGE_ERRORS,
        headers=("If-Match",),
    ),
    ("GET", "/api/generic/datafilesets/{id}"): Route(
        "getGenericDataFileSet",
        "A data file set by its id",
        _TAG,
        {200: Answer("GenericDataFileSet", "", _HEADERS)},
        errors=(404, 410),
    ),
    ("PUT", _FILE_PATH): Route(
        "describeDataFile",
        "Change a file's description",
        _TAG,
        {200: Answer("DataFile", "", _HEADERS)},
        body="DescriptionInput",
        errors=_CHANGE_ERRORS,
        headers=("If-Match",),
    ),
    ("DELETE", _FILE_PATH): Route(
        "deleteDataFile",
        "Delete a file's content",
        _TAG,
        {204: Answer(None, "Gone; what is known of it stays with its set.")},
        errors=_CHANGE_ERRORS,
        headers=("If-Match",),
    ),
    ("GET", f"{_FILE_PATH}/data"): Route(
        "getData",
        "The content of a file",
        _TAG,
        {
            200: Answer("bytes", "The whole file.", ("ETag", "Repr-Digest"), media=_CONTENT),
            206: Answer("bytes", "The bytes asked for.", ("ETag", "Content-Range"), media=_CONTENT),
        },
        text="Takes `Range` and `If-Range`; the strong `ETag` is the file's SHA-256.",
        errors=(404, 410, 412, 416),
        headers=("Range", "If-Range"),
    ),
    ("POST", f"{_FILE_PATH}/data"): Route(
        "uploadData",
        "Upload the content of a file",
        _TAG,
        {201: Answer("DataFile", "Stored, counted and hashed.", ("Location", *_HEADERS))},
        text="Streamed; replaces what was there. With `Repr-Digest` the content is checked against it. A body without"
        " `Content-Length` needs one, unless it is a ZIP.",
        more_bodies=_UPLOADED,
        errors=(*_CHANGE_ERRORS, 411),
        headers=("Idempotency-Key", "If-Match"),
    ),
    ("GET", f"{_SET_PATH}/zip"): Route(
        "getZip",
        "All files of a set as one ZIP",
        _TAG,
        {200: Answer("bytes", "Made while it is sent; not compressed.", media=(media.ZIP,))},
        errors=(404, 410),
    ),
    ("POST", f"{_SET_PATH}/zip"): Route(
        "uploadZip",
        "Upload a ZIP whose files become files of the set",
        _TAG,
        {201: Answer("DataFileSet", "The set with its new files.", ("Location", *_HEADERS))},
        text="Refused as a whole when one entry is encrypted, a link, no plain name, or grows beyond all measure.",
        more_bodies={media.ZIP: _BYTES, **_ZIP_FORM},
        encoding={"file": media.ZIP},
        errors=_CHANGE_ERRORS,
        headers=("Idempotency-Key", "If-Match"),
    ),
    ("PUT", f"{_SET_PATH}/zip"): Route(
        "zip",
        "Make one ZIP of the files of a set",
        _TAG,
        {200: Answer("DataFileSet", "The ZIP is in the place of the files.", _HEADERS)},
        errors=_CHANGE_ERRORS,
        headers=("If-Match",),
    ),
    ("PUT", f"{_SET_PATH}/unzip"): Route(
        "unzip",
        "Make files of the ZIPs in a set",
        _TAG,
        {200: Answer("DataFileSet", "The files are in the place of the ZIPs.", _HEADERS)},
        errors=(*_CHANGE_ERRORS, 422),
        headers=("If-Match",),
    ),
    ("GET", f"{_SET_PATH}/manifest"): Route(
        "getManifest",
        "What is in a set, for checking",
        _TAG,
        {200: Answer("Manifest", "The files that are there, and the totals of an export.", _HEADERS)},
        errors=(404, 410),
    ),
    ("GET", f"{_SET_PATH}/SHA256SUMS"): Route(
        "getChecksums",
        "The files' hashes, for sha256sum -c",
        _TAG,
        {200: Answer("text", "By the names that downloads have.", ("ETag",), media=("text/plain",))},
        errors=(404, 410),
    ),
}

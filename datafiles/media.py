"""The types of files: which may be uploaded, how each is called, and how its rows are counted."""

from __future__ import annotations

import re

XML, JSON, NDJSON, CSV, TEXT, ZIP, PARQUET = (
    "application/xml",
    "application/json",
    "application/x-ndjson",
    "text/csv",
    "text/plain",
    "application/zip",
    "application/vnd.apache.parquet",
)
GZIP, ZSTD = "application/gzip", "application/zstd"
# What clients call them -> what we call them. Nothing else may be uploaded.
UPLOADS = {
    **{name: name for name in (XML, JSON, NDJSON, CSV, TEXT, ZIP, PARQUET)},
    "text/xml": XML,
    "text/json": JSON,
    "application/vnd.oracle.insurance.resource+json": JSON,
    "application/ndjson": NDJSON,
    "application/jsonl": NDJSON,
    "application/jsonlines": NDJSON,
    "application/x-jsonlines": NDJSON,
    "application/csv": CSV,
    "application/x-zip-compressed": ZIP,
    "application/x-zip": ZIP,
    "application/parquet": PARQUET,
    "application/x-parquet": PARQUET,
}
EXTENSIONS = {
    XML: "xml",
    JSON: "json",
    NDJSON: "ndjson",
    CSV: "csv",
    TEXT: "txt",
    ZIP: "zip",
    PARQUET: "parquet",
    GZIP: "gz",
    ZSTD: "zst",
}
_BY_EXTENSION = {extension: media_type for media_type, extension in EXTENSIONS.items()} | {"jsonl": NDJSON}
LISTED = "XML, JSON, NDJSON, CSV, TXT, ZIP and Parquet"

# A code that a client may choose: it stands in addresses, file names and checksum lists as it is.
CODE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._~-]{0,59}", re.ASCII)
_UNSAFE = re.compile(r"[^A-Za-z0-9._~-]", re.ASCII)


def uploaded_as(content_type: str | None) -> str | None:
    """Our name of the type, or None when it may not be uploaded. Parameters say nothing of the type."""
    return UPLOADS.get((content_type or "").partition(";")[0].strip().lower())


def by_name(name: str) -> str | None:
    """The type that the extension of a file name stands for."""
    return _BY_EXTENSION.get(name.rpartition(".")[2].lower()) if "." in name else None


def file_name(code: str, media_type: str, packed: str = "") -> str:
    """A name that any file system and any header takes: `code.extension`, or `code` where it ends with it already.
    A compressed file also tells what it holds: `code.csv.gz`."""
    safe = _UNSAFE.sub("-", code)
    if safe.startswith((".", "-", "~")):
        safe = f"_{safe}"
    if by_name(safe) == media_type or (media_type == GZIP and safe.endswith(".gz")):
        return safe
    inner = f".{EXTENSIONS[packed]}" if packed in EXTENSIONS else ""
    return f"{safe}{inner}.{EXTENSIONS.get(media_type, 'bin')}"


class RowCounter:
    """Counts the rows of what is being written, where the type has rows that are cheap to see."""

    def __init__(self, media_type: str) -> None:
        self._csv = media_type == CSV
        self._counts = media_type in {NDJSON, CSV}
        self._lines = 0
        self._quoted = False
        self._last = b"\n"

    def write(self, block: bytes) -> None:
        if not self._counts or not block:
            return
        self._last = block[-1:]
        if not self._csv:
            self._lines += block.count(b"\n")
            return
        # A line break between quotes belongs to a cell; a doubled quote ends and begins, so it changes nothing.
        for piece in block.split(b'"'):
            self._lines += 0 if self._quoted else piece.count(b"\n")
            self._quoted = not self._quoted
        self._quoted = not self._quoted

    @property
    def rows(self) -> int | None:
        """Without a CSV's header. The last line counts whether or not it is ended."""
        if not self._counts:
            return None
        lines = self._lines + (self._last != b"\n")
        return max(0, lines - 1) if self._csv else lines

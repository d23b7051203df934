"""Files: fetched in pieces that survive a broken line, kept only when they are what was promised."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3

from config.client.display import Bar
from config.client.documents import Document, file_name, link, measure, promised_digest
from config.client.outcomes import ClientError, Exit
from config.client.session import AGAIN, Session, check, unreachable

BLOCK_BYTES = 1 << 18
STALL_SECONDS, STALL_BYTES = 30.0, 1024  # a line that carries less than that in this time counts as broken
MOST_BREAKS = 6  # in a row, without a byte between them
BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


class BrokenLineError(requests.RequestException):
    """The bytes ended early, or came too slowly."""


@dataclass
class Partial:
    """What has arrived of a file: its bytes, and beside them the entity tag that they belong to.

    Named after the digest that the set promises, so that a later run finds it again.
    """

    path: Path

    @property
    def _tag_file(self) -> Path:
        return self.path.with_suffix(".tag")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def headers(self) -> dict[str, str]:
        """For the rest of the bytes, if they are still of the same file; nothing when there are none to go on from."""
        if not self.size or not self._tag_file.exists():
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": self._tag_file.read_text()}

    def begin(self, headers: Mapping[str, str]) -> None:
        self.path.write_bytes(b"")
        tag = headers.get("ETag", "")
        if tag.startswith('"'):  # a weak one says nothing about bytes
            self._tag_file.write_text(tag)
        else:
            self._tag_file.unlink(missing_ok=True)

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self._tag_file.unlink(missing_ok=True)

    def keep_as(self, target: Path) -> Path:
        self._tag_file.unlink(missing_ok=True)
        return self.path.replace(target)


def fetch_all(session: Session, data_set: Document, folder: Path) -> list[Path]:
    """Every file of a set, in `folder`. Raises ClientError."""
    files = data_set.get("dataFiles", [])
    missing = [one for one in files if not any(found["rel"] == "file" for found in one.get("links", []))]
    if missing:
        text = f"{len(missing)} of {len(files)} files cannot be read: expired, or not for these credentials."
        raise ClientError(Exit.REFUSED, text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [fetch(session, one, folder) for one in files]
    except OSError as error:
        raise ClientError(Exit.LOCAL, f"{error.filename or folder}: {error.strerror or error}.") from error


def fetch(session: Session, data_file: Document, folder: Path) -> Path:
    """One file, whole and checked. What had arrived before is not asked for again."""
    address = link(data_file, "file")
    partial = Partial(folder / f".{data_file['sha256']}.part")
    description = data_file.get("description") or data_file["code"]
    with session.display.step(description, is_bytes=True) as bar:
        headers = _download(session, address, partial, int(data_file["contentLength"]), bar)
    _check_promises(partial, data_file, headers)
    target = folder / file_name(headers, address)
    if target.exists() and measure(target)[1] != data_file["sha256"]:
        text = f"{target} exists and is another file; move it away, and the same command goes on from here."
        raise ClientError(Exit.LOCAL, text)
    kept = partial.keep_as(target)
    session.display.say(f"{description}: size and SHA-256 are right, in {kept.name}", "green")
    return kept


def _download(session: Session, address: str, partial: Partial, size: int, bar: Bar) -> Mapping[str, str]:
    """Until all bytes are there; the headers of the last answer. Raises ClientError."""
    breaks = 0
    while True:
        before = partial.size
        try:
            return _piece(session, address, partial, size, bar)
        except BROKEN as error:
            if isinstance(error, OSError) and not isinstance(error, requests.RequestException) and error.filename:
                raise  # our own disk
            breaks = 1 if partial.size > before else breaks + 1
            if breaks == MOST_BREAKS:
                text = f"{unreachable(address, _as_request_error(error))} {partial.size} of {size} bytes have arrived; "
                raise ClientError(Exit.UNREACHABLE, f"{text}the same command goes on from there.") from error
            session.display.note(f"The line broke at byte {partial.size} of {size}; going on from there.")
            time.sleep(min(0.2 * 2**breaks, 10.0))


def _as_request_error(error: Exception) -> requests.RequestException:
    return error if isinstance(error, requests.RequestException) else requests.ConnectionError()


def _piece(session: Session, address: str, partial: Partial, size: int, bar: Bar) -> Mapping[str, str]:
    """One request for what is missing. Raises RequestException when the line breaks."""
    with session.stream(address, partial.headers()) as answer:
        if answer.status_code in AGAIN:
            raise BrokenLineError
        if answer.status_code == 416 or is_other_range(answer, partial.size):
            partial.forget()
            raise BrokenLineError
        if answer.status_code != 206:
            check(answer)
            partial.begin(answer.headers)
        _write(answer, partial, size, bar)
    if partial.size < size:
        raise BrokenLineError
    return answer.headers


def is_other_range(answer: requests.Response, start: int) -> bool:
    return answer.status_code == 206 and not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _write(answer: requests.Response, partial: Partial, size: int, bar: Bar) -> None:
    done = mark = partial.size
    until = time.monotonic() + STALL_SECONDS
    with partial.path.open("ab") as output:
        while block := answer.raw.read1(BLOCK_BYTES):
            output.write(block)
            done += len(block)
            bar.move(done, size, "")
            if time.monotonic() > until:
                if done - mark < STALL_BYTES:
                    raise BrokenLineError
                mark, until = done, time.monotonic() + STALL_SECONDS


def _check_promises(partial: Partial, data_file: Document, headers: Mapping[str, str]) -> None:
    """Raises ClientError when a promise that was made does not hold; such bytes are not kept."""
    size, digest = measure(partial.path)
    promises = [
        ("bytes", size, int(data_file["contentLength"])),
        ("SHA-256", digest, data_file["sha256"]),
        ("SHA-256", digest, promised_digest(headers) or digest),
    ]
    for what, found, promised in promises:
        if found != promised:
            partial.forget()
            name = data_file["code"]
            text = f"{name} arrived with {what} {found}, but {promised} was promised; it was not kept. Try again."
            raise ClientError(Exit.CHECKSUM, text)

"""Bodies that somebody made to hurt. None is a 500, none changes the job but those that are reports after all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs.callbacks.models import IntegrationJob, StatusReport
from tests.callbacks.conftest import JOB_ID, Integration

GOOD = f'"jobId": "{JOB_ID}", "status": "Started"'.encode()


def with_message(message: bytes) -> bytes:
    return b"{" + GOOD + b', "message": ' + message + b"}"


def text(**properties: Any) -> bytes:
    return json.dumps({"jobId": JOB_ID, "status": "Started", **properties}).encode()


UNREADABLE: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \r\n\t",
    "one brace": b"{",
    "one bracket": b"[",
    "a quote": b'"',
    "NUL": b"\x00",
    "many NULs": b"\x00" * 10_000,
    "0xFF": b"\xff" * 100,
    "half a UTF-8 character": with_message(b'"\xc3"'),
    "an overlong NUL": with_message(b'"\xc0\x80"'),
    "a surrogate in UTF-8": with_message(b'"\xed\xa0\x80"'),
    "beyond Unicode": with_message(b'"\xf4\x90\x80\x80"'),
    "Latin-1": with_message("'ü'".encode("latin-1")),
    "UTF-16": text().decode().encode("utf-16"),
    "UTF-32": text().decode().encode("utf-32"),
    "UTF-16 without a mark": text().decode().encode("utf-16-le"),
    "null": b"null",
    "true": b"true",
    "a number": b"1804",
    "a string": b'"Started"',
    "a list": b"[" + text() + b"]",
    "an empty list": b"[]",
    "two documents": text() + text(),
    "a tail": text() + b"x",
    "a trailing comma": b"{" + GOOD + b",}",
    "a missing comma": b'{"jobId": "x" "status": "Started"}',
    "single quotes": text().replace(b'"', b"'"),
    "no quotes": b"{jobId: 1, status: 2}",
    "a comment": b"{" + GOOD + b"/* */}",
    "a form": b"jobId=3A0429936DD166A&status=Started",
    "XML": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><job>&e;</job>',
    "NaN": with_message(b"NaN"),
    "Infinity": with_message(b"Infinity"),
    "-Infinity": with_message(b"-Infinity"),
    "NaN as the status": b'{"jobId": "x", "status": NaN}',
    "1e999": with_message(b"1e999"),
    "-1e999 in a list": with_message(b"[[-1e999]]"),
    "5,000 digits": with_message(b"9" * 5000),
    "5,000 digits in an unknown property": b"{" + GOOD + b', "x": ' + b"9" * 5000 + b"}",
    "100,000 digits": with_message(b"9" * 100_000),
    "an exponent of 100,000 digits": with_message(b"1e" + b"9" * 100_000),
    "a leading zero": with_message(b"01"),
    "a plus": with_message(b"+1"),
    "hexadecimal": with_message(b"0x10"),
    "jobId twice": b"{" + GOOD + b', "jobId": "x"}',
    "status twice": b"{" + GOOD + b', "status": "Failed"}',
    "status twice, once escaped": b"{" + GOOD + b', "st\\u0061tus": "Failed"}',
    "an unknown property twice": b"{" + GOOD + b', "x": 1, "x": 2}',
    "a property twice, deep down": with_message(b'[{"x": {"y": 1, "y": 1}}]'),
    "a raw newline in a string": with_message(b'"a\nb"'),
    "a raw NUL in a string": with_message(b'"a\x00b"'),
    "a bad escape": with_message(b'"\\x41"'),
    "half an escape": with_message(b'"\\u12"'),
    "100,000 brackets": b"[" * 100_000,
    "100,000 brackets that close": with_message(b"[" * 100_000 + b"]" * 100_000),
    "100,000 objects": with_message(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "100,000 brackets in an unknown property": b"{" + GOOD + b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "over the limit": with_message(b'"' + b"x" * 1024 * 1024 + b'"'),
    "over the limit, of spaces": b" " * (1024 * 1024 + 1),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
}
ANSWERED: dict[str, tuple[bytes, int]] = {
    "a byte order mark": (b"\xef\xbb\xbf" + text(), 200),
    "NUL in the message": (text(message="\x00"), 200),
    "a lone surrogate in the message": (with_message(b'"\\ud800"'), 200),
    "a reversed pair in the message": (with_message(b'"\\udc00\\ud800"'), 200),
    "NUL in a name": (b"{" + GOOD + b', "\\u0000": 1}', 200),
    "NUL in a name of the message": (with_message(b'{"\\u0000\\ud800": "\\u0000"}'), 200),
    "a million characters": (text(message="x" * 1_000_000), 200),
    "4,000 digits": (with_message(b"9" * 4000), 200),
    "a float of 100,000 digits": (with_message(b"0." + b"9" * 100_000), 200),
    "a minus zero": (with_message(b"-0"), 200),
    "200 levels": (with_message(b"[" * 200 + b"]" * 200), 200),
    "10,000 unknown properties": (text(**{f"p{n}": n for n in range(10_000)}), 200),
    "SQL in the message": (text(message="'); DROP TABLE callbacks_integrationjob; --%s %(status)s"), 200),
    "__proto__": (text(__proto__={"status": "Failed"}, constructor=1), 200),
    "an empty name": (text(**{"": ""}), 200),
    "SQL in the job id": (text(jobId="' OR true --"), 1803),
    "placeholders in the job id": (text(jobId="%s%(status)s%%"), 1803),
    "NUL in the job id": (text(jobId=f"{JOB_ID}\x00"), 1803),
    "only NUL in the job id": (text(jobId="\x00"), 1803),
    "a lone surrogate in the job id": (text(jobId="\ud800"), 1803),
    "a million characters in the job id": (text(jobId="A" * 1_000_000), 1803),
    "the job id in full width": (text(jobId="３A0429936DD166A"), 1803),
    "the job id and a zero-width space": (text(jobId=f"{JOB_ID}\u200b"), 1803),
    "a number for a job id": (text(jobId=3), 1801),
    "a huge number for a job id": (b'{"jobId": ' + b"9" * 4000 + b', "status": "Started"}', 1801),
    "true for a job id": (text(jobId=True), 1801),
    "an object for a job id": (text(jobId={"jobId": JOB_ID}), 1801),
    "names in another case": (b'{"JOBID": "x", "STATUS": "Started"}', 1801),
    "NUL in the status": (text(status="Started\x00"), 1804),
    "a lone surrogate in the status": (text(status="\udfff"), 1804),
    "an object for a status": (text(status={"Started": True}), 1804),
    "a million characters in the status": (text(status="x" * 1_000_000), 1804),
    "the status in full width": (text(status="Ｓtarted"), 1804),
}
BODIES = {name: (body, 1101) for name, body in UNREADABLE.items()} | ANSWERED


def test_there_are_enough() -> None:
    assert len(BODIES) == len(UNREADABLE) + len(ANSWERED) >= 60


@pytest.mark.parametrize(("body", "expected"), BODIES.values(), ids=BODIES)
def test_hostile_body(integration: Integration, job: IntegrationJob, body: bytes, expected: int) -> None:
    answer = integration.put(body)
    assert (answer.status_code, answer.json()["status"]) == (200, expected)
    report = StatusReport.objects.get()
    assert (report.answered, report.pk) == (expected, answer.json()["rest_audit_id"])
    job.refresh_from_db()
    assert job.status == ("Started" if expected == 200 else None)


@pytest.mark.parametrize("request_id", ["x" * 65, "a b", "\x00", "ü", "'; --"])
def test_a_strange_request_id_is_replaced(integration: Integration, job: IntegrationJob, request_id: str) -> None:
    integration.put(text(), X_Request_ID=request_id)
    assert len(StatusReport.objects.get().request_id) == 32

"""An operation from its start to its end: which links are there says what can be done next."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import datetime

from config.client.display import Bar
from config.client.documents import Document, has_link, link
from config.client.outcomes import ClientError, Exit
from config.client.session import Session

ENTRY = "/api"  # the one address that is known; every other one is a link


def start_export(session: Session, server: str, request: Document) -> str:
    """Ask for an export; where it is found. Sent again after a broken line it starts no second one."""
    entry = session.ask("GET", f"{server.rstrip('/')}{ENTRY}").document
    session.trust(entry)
    if not has_link(entry, "readconsumptionbatches"):
        raise ClientError(Exit.REFUSED, "These credentials may not start exports.")
    key = str(uuid.uuid4())
    answer = session.ask("POST", link(entry, "readconsumptionbatches"), request, Idempotency_Key=key)
    if "Location" not in answer.headers:
        raise ClientError(Exit.REFUSED, "The answer does not say where the operation is found.")
    return answer.headers["Location"]


def export_request(
    limits: list[str] | None, start: datetime, end: datetime, format: str | None, compression: str | None
) -> Document:
    """The body: what was not asked for is left out."""
    body = {
        "transactionStartDateTime": {"value": start.isoformat()},
        "transactionEndDateTime": {"value": end.isoformat()},
        "limitCodes": limits,
        "format": format,
        "compression": compression,
    }
    return {name: value for name, value in body.items() if value is not None}


def operation_at(session: Session, address: str) -> tuple[str, Document]:
    """The operation, or the data file set, that an address leads to; a task or a monitor is one link away from it."""
    document = session.ask("GET", address).document
    session.trust(document)
    if not has_link(document, "operator:subject"):
        return address, document
    address = link(document, "operator:subject")
    return address, session.ask("GET", address).document


def wait_for_end(session: Session, address: str) -> Document:
    """Follow `monitor` until it is no longer there, as often as the server asks for; the operation at its end."""
    answer = session.ask("GET", address)
    with session.display.step("Exporting") as bar:
        while has_link(answer.document, "monitor"):
            show(bar, answer.document)
            time.sleep(answer.pause)
            answer = session.ask("GET", link(answer.document, "monitor"))
        if answer.document.get("status") == "Completed":
            bar.move(1, 1, "")
    return answer.document


def show(bar: Bar, operation: Document) -> None:
    progress = operation.get("progress", {})
    percent = progress.get("percent")
    bar.move(percent or 0, None if percent is None else 100, f"{progress.get('rowsWritten', 0)} rows")


def check_completed(session: Session, operation: Document) -> None:
    """Raises ClientError with what the operation left behind, when it did not complete."""
    status = operation.get("status")
    if status == "Completed":
        return
    if status == "Cancelled":
        raise ClientError(Exit.CANCELLED, "The operation was cancelled.")
    raise ClientError(Exit.FAILED, f"The operation ended as {status}.\n" + "\n".join(reasons(session, operation)))


def reasons(session: Session, operation: Document) -> Iterator[str]:
    """The fatal messages, and where it is restarted, by whom that may be."""
    task = session.ask("GET", link(operation, "operator")).document
    messages = session.ask("GET", link(task, "operator:messages")).document.get("messages", [])
    fatal = [f"{one['text']} [{one['code']}]" for one in messages if one["severity"] == "Fatal"]
    yield from fatal[-1:] or ["The service left no message."]
    if has_link(task, "operator:restart"):
        yield f"To restart it as it is: POST {link(task, 'operator:restart')}"


def cancel(session: Session, address: str) -> Document:
    """Cancel what still runs; the operation as it is then."""
    operation = session.ask("GET", address).document
    if has_link(operation, "cancel"):
        operation = session.ask("DELETE", link(operation, "cancel")).document
    return operation

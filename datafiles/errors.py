"""What can be wrong with a request about data file sets, in the contract's codes and words."""

from __future__ import annotations

from hypermedia.errors import Conflict, Gone, NotFound, ResultMessage, RuleBroken


class SetLocked(Conflict):
    """An operation owns the set."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Data file set code {code} is locked for modification", code="DAT-IP-DAFI-004")


class SetHeld(Conflict):
    """A hold keeps everything that is in the set."""

    def __init__(self, code: str) -> None:
        text = (
            f"Data file set code {code} is kept by a hold: nothing in it can be deleted or replaced until it is let go"
        )
        super().__init__(text, code="DAT-IP-DAFI-101")


def unknown_set(code: str) -> NotFound:
    return NotFound(f"Data file set code {code} is unknown", code="DAT-IP-DAFI-003")


def unknown_file(code: str, set_code: str) -> NotFound:
    return NotFound(f"Data file code {code} is unknown to data file set {set_code}", code="DAT-IP-DAFI-005")


def no_content(code: str) -> NotFound:
    return NotFound(f"Data file code {code} has no content yet; its owner uploads it by POST to this address.")


def deleted_set(code: str) -> Gone:
    return Gone(f"Data file set code {code} was deleted.")


def removed() -> Gone:
    return Gone("The content was removed; what is known of it stays with its set. Export or upload it again to get it.")


def set_exists(code: str) -> RuleBroken:
    return RuleBroken(ResultMessage("DAT-IP-DAFI-001", f"Data file set code {code} already exists", "/code"))


def file_exists(code: str, pointer: str) -> ResultMessage:
    return ResultMessage("DAT-IP-DAFI-002", f"Data file code {code} already exist within the data file set", pointer)


def rule(code: str, text: str, pointer: str | None = None) -> RuleBroken:
    return RuleBroken(ResultMessage(code, text, pointer))

"""Which moves a delivery may make, and how one attempt can end.

    PENDING ---claim---> SENDING ---deliver---> DELIVERED
     ^  ^                 |   |                    |
     |  +-----retry-------+   +----give up---> FAILED
     |  +---give back-----+                        |
     +-------------redeliver (from either end)-----+

A delivery whose lease ran out is claimed again from SENDING: its worker may have died between the receiver's answer
and our record of it, so the same event goes out once more under the same `webhook-id`. What was claimed and not sent
is given back, epoch and all: as if nobody had claimed it.
"""

from __future__ import annotations

from enum import StrEnum


class DeliveryStatus(StrEnum):
    PENDING = "PENDING"
    SENDING = "SENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class Move(StrEnum):
    CLAIM = "claim"
    DELIVER = "deliver"
    RETRY = "retry"
    GIVE_BACK = "give back"
    GIVE_UP = "give up"
    REDELIVER = "redeliver"


_PENDING, _SENDING, _DELIVERED, _FAILED = DeliveryStatus

MOVES: dict[Move, tuple[frozenset[DeliveryStatus], DeliveryStatus]] = {
    Move.CLAIM: (frozenset({_PENDING, _SENDING}), _SENDING),
    Move.DELIVER: (frozenset({_SENDING}), _DELIVERED),
    Move.RETRY: (frozenset({_SENDING}), _PENDING),
    Move.GIVE_BACK: (frozenset({_SENDING}), _PENDING),
    Move.GIVE_UP: (frozenset({_SENDING}), _FAILED),
    Move.REDELIVER: (frozenset({_PENDING, _DELIVERED, _FAILED}), _PENDING),
}


def allowed_from(move: Move) -> frozenset[DeliveryStatus]:
    return MOVES[move][0]


def leads_to(move: Move) -> DeliveryStatus:
    return MOVES[move][1]


class Outcome(StrEnum):
    """How one attempt ended. All but `DELIVERED` are failures."""

    DELIVERED = "delivered"
    STATUS = "status"  # an answer that is not 2xx
    REDIRECT = "redirect"  # not followed: the address was checked, another one was not
    GONE = "gone"  # 410
    ADDRESS = "address refused"
    UNRESOLVED = "name not resolved"
    UNREACHABLE = "not reachable"
    TLS = "TLS failed"
    TIMEOUT = "too slow"
    CLOSED = "closed early"
    NOT_HTTP = "no HTTP answer"
    TOKEN = "no access token"  # noqa: S105  the authorization server gave none
    SECRET = "secret unreadable"  # noqa: S105  stored under an encryption key that is no longer configured
    LOST = "worker lost"
    UNEXPECTED = "unexpected error"

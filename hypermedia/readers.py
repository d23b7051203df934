"""Who reads: the roles of the contract, and what an answer needs to know of its reader."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The Django groups that give rights. A user may be in several; in none: no route opens."""

    CLIENT = "client"
    INTEGRATION = "integration"
    OPERATOR = "operator"
    AUDITOR = "auditor"


@dataclass(frozen=True)
class Reader:
    """An authenticated user as the API sees it.

    `reads_foreign_data` is the separate permission that lets an operator read the content of other users' files.
    """

    user_id: int
    username: str
    roles: frozenset[str]
    reads_foreign_data: bool = False

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)

    @property
    def sees_all(self) -> bool:
        """Operators and auditors see everybody's operations; anybody else only what they made."""
        return self.has(Role.OPERATOR, Role.AUDITOR)

    def owns(self, owner_id: int | None) -> bool:
        return owner_id == self.user_id and self.has(Role.CLIENT, Role.OPERATOR)

    def may_change(self, owner_id: int | None) -> bool:
        """Restart, cancel: one's own, or anything for an operator."""
        return self.has(Role.OPERATOR) or self.owns(owner_id)

    def may_read_data(self, owner_id: int | None) -> bool:
        """The bytes of a file: its owner, or an operator who holds the separate permission. An auditor never."""
        return self.owns(owner_id) or (self.reads_foreign_data and self.has(Role.OPERATOR))

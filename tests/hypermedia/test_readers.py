"""What the roles may do: the rules that views and links share."""

from __future__ import annotations

import pytest

from hypermedia.readers import Reader, Role

CLI, INT, OPE, AUD = Role.CLIENT, Role.INTEGRATION, Role.OPERATOR, Role.AUDITOR
ME, OTHER = 1, 2


@pytest.mark.parametrize(
    ("roles", "sees_all", "changes", "reads"),
    [
        # (own, foreign)
        ((), False, (False, False), (False, False)),
        ((CLI,), False, (True, False), (True, False)),
        ((INT,), False, (False, False), (False, False)),
        ((OPE,), True, (True, True), (True, False)),
        ((AUD,), True, (False, False), (False, False)),
        ((CLI, AUD), True, (True, False), (True, False)),
        ((OPE, AUD), True, (True, True), (True, False)),
        ((INT, AUD), True, (False, False), (False, False)),
    ],
)
def test_rights(roles: tuple[Role, ...], sees_all: bool, changes: tuple[bool, bool], reads: tuple[bool, bool]) -> None:
    reader = Reader(ME, "me", frozenset(roles))
    assert reader.sees_all == sees_all
    assert (reader.may_change(ME), reader.may_change(OTHER)) == changes
    assert (reader.may_read_data(ME), reader.may_read_data(OTHER)) == reads


@pytest.mark.parametrize("roles", [(), (CLI,), (INT,), (AUD,), (CLI, AUD)])
def test_the_permission_to_read_data_is_an_operators(roles: tuple[Role, ...]) -> None:
    assert not Reader(ME, "me", frozenset(roles), reads_foreign_data=True).may_read_data(OTHER)
    assert Reader(ME, "me", frozenset({*roles, OPE}), reads_foreign_data=True).may_read_data(OTHER)

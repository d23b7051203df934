"""Entity tags and the conditions on them."""

from __future__ import annotations

import pytest

from hypermedia.conditional import check_tag, check_version, entity_tag, none_match
from hypermedia.errors import Stale

TAG = entity_tag(7, b'{"type":"task"}', "application/json")


def test_a_tag_names_the_version_and_covers_everything() -> None:
    assert TAG.startswith('"7-') and TAG.endswith('"')
    others = {
        entity_tag(8, b'{"type":"task"}', "application/json"),
        entity_tag(7, b'{"type":"task","progress":1}', "application/json"),
        entity_tag(7, b'{"type":"task"}', "application/xml"),
    }
    assert TAG not in others and len(others) == 3
    assert entity_tag(7, b'{"type":"task"}', "application/json") == TAG


@pytest.mark.parametrize("header", [TAG, f"W/{TAG}", "*", " * ", f'"x", {TAG}', f'"x",W/{TAG}'])
def test_none_match_knows_the_tag(header: str) -> None:
    assert not none_match(header, TAG)


@pytest.mark.parametrize("header", [None, "", '"x"', TAG.strip('"'), "W/", '"7"', f"w/{TAG}"])
def test_none_match_knows_no_other(header: str | None) -> None:
    assert none_match(header, TAG)


@pytest.mark.parametrize("header", [None, "*", TAG, f"W/{TAG}", '"7"', '"7-other"', '"1", "7"', "7"])
def test_the_version_counts(header: str | None) -> None:
    check_version(header, 7)


@pytest.mark.parametrize("header", ["", '"8"', '"77"', '"-7"', '"07"', "x", '"1", "2"'])
def test_another_version_is_stale(header: str) -> None:
    with pytest.raises(Stale):
        check_version(header, 7)


def test_bytes_are_compared_strongly() -> None:
    for header in (None, "*", '"a"', '"b", "a"'):
        check_tag(header, '"a"')
    for header in ("", 'W/"a"', '"b"', "a"):
        with pytest.raises(Stale):
            check_tag(header, '"a"')

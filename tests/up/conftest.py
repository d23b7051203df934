"""Clones for the tests of `up`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded import folders
from tests.up import clones
from tests.up.clones import Clone


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    """A clone of one test."""
    made = clones.make(tmp_path / "clone")
    yield made
    folders.remove(made.place)


@pytest.fixture(scope="module")
def used_clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone that several tests use one after the other: making its database takes a while."""
    made = clones.make(tmp_path_factory.mktemp("up") / "clone")
    yield made
    folders.remove(made.place)

"""What SECURITY.md names exists."""

from __future__ import annotations

import re

from tests.security.test_settings import ROOT


def test_every_test_and_file_that_it_names_is_there() -> None:
    named, folder = [], ROOT
    for path in re.findall(r"`([\w./]+\.py|tests/\w+/)`", (ROOT / "SECURITY.md").read_text()):
        if "/" in path:
            folder = (ROOT / path).parent
        named.append(ROOT / path if "/" in path else folder / path)
    assert len(named) > 20
    assert [str(path) for path in named if not path.exists()] == []

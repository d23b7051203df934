"""What some tests need beside Python: Debian's packages. Elsewhere they are skipped without it, in CI nothing is."""

from __future__ import annotations

import os

import pytest


def needs(package: str, found: object) -> pytest.MarkDecorator:
    """Skips the marked tests where the package was not `found`.

    Raises:
        RuntimeError: this is CI, where a test that is skipped would be missed by nobody.
    """
    if not found and os.environ.get("CI"):
        raise RuntimeError(f"CI needs Debian's package {package}; .ci/run installs it")
    return pytest.mark.skipif(not found, reason=f"{package} is not installed (on Debian: apt install {package})")

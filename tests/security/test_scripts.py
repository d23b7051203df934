"""The scripts of `make check` bite: a tracked secret, a known vulnerability, and an audit that could not ask."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import needs
from tests.security.test_settings import ROOT

BIN = Path(sys.executable).parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with our scripts in it."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for script in ("audit-dependencies", "scan-secrets"):
        shutil.copy2(ROOT / ".ci" / script, tmp_path / ".ci" / script)
    return tmp_path


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(
    ("told", "code", "said"),
    [
        ("No known vulnerabilities found", 0, "dependency audit: no known vulnerabilities"),
        ("Found 2 known vulnerabilities in 1 package", 1, "dependency audit: FOUND"),
        ("requests.exceptions.ConnectionError: no route", 0, "dependency audit: NOT CHECKED"),
        ("", 0, "dependency audit: NOT CHECKED"),
    ],
)
def test_what_the_audit_says(project: Path, told: str, code: int, said: str) -> None:
    """Without a network it can be asked for one of these answers only; here it is told which."""
    program = project / ".venv" / "bin" / "pip-audit"
    program.write_text(f"#!/bin/sh\necho '{told}'\n")
    program.chmod(0o755)
    done = run(project / ".ci" / "audit-dependencies", cwd=project)
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout + done.stderr


@needs("git", shutil.which("git"))
@pytest.mark.parametrize("folder", [".", "tests"])
def test_a_tracked_secret_is_found(project: Path, folder: str) -> None:
    hook = BIN / "detect-secrets-hook"
    if not hook.exists():
        pytest.skip("detect-secrets is not installed")
    (project / ".venv" / "bin" / hook.name).symlink_to(hook)
    file = project / folder / "settings.py"
    file.parent.mkdir(exist_ok=True)
    (project / "other.py").write_text("x = 1\n")
    file.write_text("x = 1\n")
    for words in (("init", "-q"), ("add", "-A", "--", ".ci", "other.py", str(file))):
        assert run("git", *words, cwd=project).returncode == 0
    done = run(project / ".ci" / "scan-secrets", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    file.write_text("key = 'AKIA" + "QYLPMN5HHHFPZAM2" + "'\n")
    done = run(project / ".ci" / "scan-secrets", cwd=project)
    assert done.returncode != 0
    assert "AWS" in done.stdout + done.stderr

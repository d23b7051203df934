"""What production refuses to start with, and where secrets come from."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SETTINGS = ROOT / "config" / "settings.py"
SECRET = "canary-" + "s3cr3t" * 10
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": SECRET,
    "PUBLIC_URL": "https://tallyport.example",
    "ALLOWED_HOSTS": "tallyport.example",
    "DATABASE_URL": f"postgresql://tallyport:{SECRET}@db.example/tallyport",
    "CELERY_BROKER_URL": f"amqp://tallyport:{SECRET}@broker.example",
}
SHOWN = [
    "SESSION_COOKIE_SECURE",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_AGE",
    "CSRF_COOKIE_SECURE",
    "SECURE_HSTS_SECONDS",
    "SECURE_SSL_REDIRECT",
    "SECURE_CONTENT_TYPE_NOSNIFF",
    "DEBUG",
    "DEVELOPMENT_USER_HEADER",
    "CELERY_ACCEPT_CONTENT",
    "CELERY_TASK_SERIALIZER",
    "CELERY_RESULT_SERIALIZER",
    "METRICS_TOKEN",
    "LOG_FORMAT",
    "CORS_ALLOWED_ORIGINS",
]


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings", **variables}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def shown(**variables: str) -> dict[str, object]:
    code = (
        f"import json; from django.conf import settings as s; print(json.dumps({{n: getattr(s, n) for n in {SHOWN}}}))"
    )
    done = run(code, **variables)
    assert done.returncode == 0, done.stderr
    settings: dict[str, object] = json.loads(done.stdout)
    return settings


def test_production() -> None:
    assert shown(**PRODUCTION) == {
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_AGE": 12 * 3600,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "DEBUG": False,
        "DEVELOPMENT_USER_HEADER": False,
        "CELERY_ACCEPT_CONTENT": ["json"],
        "CELERY_TASK_SERIALIZER": "json",
        "CELERY_RESULT_SERIALIZER": "json",
        "METRICS_TOKEN": "",
        "LOG_FORMAT": "json",
        "CORS_ALLOWED_ORIGINS": [],
    }


def test_secrets_from_files(tmp_path: Path) -> None:
    """As secret stores mount them, a line's end behind the value."""
    files = {}
    for name in ("SECRET_KEY", "DATABASE_URL", "CELERY_BROKER_URL", "METRICS_TOKEN", "ENCRYPTION_KEYS"):
        file = tmp_path / name
        file.write_text(f"{PRODUCTION.get(name, SECRET)}\n")
        files[f"{name}_FILE"] = str(file)
    given = {name: value for name, value in PRODUCTION.items() if f"{name}_FILE" not in files}
    code = (
        "from django.conf import settings as s;"
        "print(s.SECRET_KEY, s.DATABASES['default']['PASSWORD'], s.METRICS_TOKEN, *s.ENCRYPTION_KEYS, sep='|')"
    )
    assert run(code, **given, **files).stdout == f"{SECRET}|{SECRET}|{SECRET}|{SECRET}\n"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"DEVELOPMENT_USER_HEADER": "true"}, "DEVELOPMENT_USER_HEADER"),
        ({"FAILPOINTS": "anywhere"}, "FAILPOINTS"),
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "", "SECRET_KEY_FILE": "/nowhere"}, "SECRET_KEY_FILE"),
        ({"DATABASE_URL": f"mysql://tallyport:{SECRET}@db.example/x"}, "DATABASE_URL"),
        ({"DATABASE_URL": f"postgresql://tallyport:{SECRET}@db.example:port/x"}, ""),
        ({"EMAIL_URL": f"nonsense://user:{SECRET}@mail.example"}, ""),
        ({"AUDIT_RETENTION_DAYS": "7"}, "AUDIT_RETENTION_DAYS"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT"),
        ({"ENVIRONMENT": "staging"}, "ENVIRONMENT"),
    ],
)
def test_refused_and_no_secret_told(wrong: dict[str, str], named: str) -> None:
    done = run("from django.conf import settings; settings.DEBUG", **{**PRODUCTION, **wrong})
    assert done.returncode != 0
    assert named in done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_every_variable_is_documented() -> None:
    """docs/install.md names whatever settings.py reads; what the commands for people read is theirs to tell."""
    read = set(re.findall(r'(?:env\.\w+|required_in_production)\(\s*"([A-Z_0-9]+)"', SETTINGS.read_text()))
    told = set(re.findall(r"`([A-Z_0-9]+)`", (ROOT / "docs" / "install.md").read_text()))
    elsewhere = {name for name in read if name.startswith("TALLYPORT_")} | {"ENVIRONMENT", "PORT"}
    assert len(read) > 50
    assert read - told - elsewhere == set()

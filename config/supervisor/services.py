"""The four processes of the service: how each is started, and how one knows that it is ready."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
from django.conf import settings

from config.celery import app
from config.supervisor.environment import Address

PYTHON = (sys.executable, "-m")
CELERY = (*PYTHON, "celery", "--quiet", "-A", "config")
HEADER_BYTES = 1 << 16  # of one request, and of what the server reads and writes in one go
KEEPER_THREADS = 12  # more than DELIVERY_THREADS, so that the sweep always finds one
ACCESS_LOG = "%(addr)s %(method)s %(path)s %(status)d %(dt_ms).0f ms"


@dataclass(frozen=True)
class Service:
    """A program that runs as long as `up` does."""

    name: str
    argv: tuple[str, ...]
    is_ready: Callable[[], bool]
    vital: bool = False  # without it nothing works; any other is started again when it ends


def all_services(address: Address, *, public_url: str, workers: int, run: Path) -> list[Service]:
    return [
        web(address, public_url),
        worker("worker", address.port, "operations", "--pool=prefork", f"--concurrency={workers}"),
        worker("keeper", address.port, "housekeeping,deliveries", "--pool=threads", f"--concurrency={KEEPER_THREADS}"),
        beat(run),
    ]


def web(address: Address, public_url: str) -> Service:
    options = {
        "interface": "wsgi",
        "host": address.host,
        "port": address.port,
        "blocking-threads": settings.WEB_THREADS,  # each keeps one database connection
        "http1-buffer-size": HEADER_BYTES,
        "blocking-threads-idle-timeout": 600,
        "workers-kill-timeout": 3,
        "access-log-fmt": ACCESS_LOG,
    }
    argv = (*PYTHON, "granian", "--no-ws", "--access-log", *(f"--{name}={value}" for name, value in options.items()))
    url = f"http://{bracketed(address.probe_host)}:{address.port}/healthz"
    host = urlsplit(public_url).netloc  # ALLOWED_HOSTS need not know the name that only we use
    return Service("web", (*argv, "config.supervisor.web:application"), lambda: is_healthy(url, host), vital=True)


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def is_healthy(url: str, host: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False  # no proxy of the environment stands between us and this machine
        try:
            return session.get(url, headers={"Host": host}, timeout=2, allow_redirects=False).ok
        except requests.RequestException:
            return False


def worker(name: str, port: int, queue: str, *pool: str) -> Service:
    node = f"{name}-{port}@{socket.gethostname()}"
    options = (f"--queues={queue}", f"--hostname={node}", "-O", "fair", "--without-gossip", "--without-mingle")
    return Service(name, (*CELERY, "worker", *options, *pool), lambda: has_answered(node))


def has_answered(node: str) -> bool:
    try:
        return bool(app.control.ping(destination=[node], timeout=0.5))
    except Exception:  # every transport has its own; a broker that is away is not ready
        return False


def emulator(run: Path) -> Service:
    """An integration for the demonstration, in development only. Ready when it has written down where it listens."""
    address = run / "emulator"
    manage = (sys.executable, str(settings.BASE_DIR / "manage.py"))
    argv = (*manage, "emulate_integration", "--scenario=happy", "--port=0", f"--address-file={address}")
    return Service("emulator", argv, address.exists)


def beat(run: Path) -> Service:
    """Beat is ready when it has written down when its tasks are due."""
    argv = (*CELERY, "beat", "--pidfile=")
    return Service("beat", argv, lambda: any(run.glob("beat*")))

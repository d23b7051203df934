"""Downloads of a large file: by the web server itself and handed over to nginx, against nginx alone; and its memory."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from benchmarks import ledgers, servers
from benchmarks.rows import AtMost, NotInstalled, Row, Side
from config.embedded import process
from datafiles import local_files, storage
from datafiles.links import data_path
from datafiles.models import DataFile
from datafiles.services import Content, store_set

GIBIBYTE = 1 << 30
BLOCK = 1 << 20
SERVICE, NGINX = 9155, 9156
ALLOWED_GROWTH = 10 << 20  # bytes of the server's memory
PREFIX = "/content"
CREDENTIALS = "testuser1:testuser1"
_CONFIGURATION = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; {user}
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location /files/ {{ alias {files}/; }}
    location {prefix}/ {{ internal; alias {files}/; etag off; add_header ETag $upstream_http_etag; }}
    location / {{ proxy_pass http://127.0.0.1:{service}; proxy_set_header Host $host; }}
  }}
}}
"""


@contextmanager
def by_the_web_server(size: int | None) -> Iterator[tuple[Side, Side]]:
    with started(size or GIBIBYTE) as (path, plain, _):
        yield lambda: seconds(SERVICE, path), lambda: seconds(NGINX, plain)


@contextmanager
def by_handing_over(size: int | None) -> Iterator[tuple[Side, Side]]:
    with started(size or GIBIBYTE, X_ACCEL_PREFIX=PREFIX) as (path, plain, _):
        yield lambda: seconds(NGINX, path), lambda: seconds(NGINX, plain)


@contextmanager
def memory(size: int | None) -> Iterator[tuple[Side, Side]]:
    """The most that the server ever had, and what it had before, with 10 MB on top."""
    with started(size or GIBIBYTE) as (path, _, web):
        seconds(SERVICE, path, "0-1")
        before = float(peak(web) + ALLOWED_GROWTH)

        def ours() -> float:
            seconds(SERVICE, path)
            return float(peak(web))

        yield ours, lambda: before


@contextmanager
def started(size: int, **options: Any) -> Iterator[tuple[str, str, Popen[bytes]]]:
    """(address of the content, address of the same file in nginx, the web server)."""
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None or shutil.which("curl") is None:
        raise NotInstalled("nginx and curl are needed")
    ledgers.use(100)
    path, key = stored(size)
    plain = f"/files/{local_files.path_of(key).relative_to(settings.DATA_FILES_DIR)}"
    with ExitStack() as stack:
        stack.callback(storage.delete, key)
        web = stack.enter_context(servers.program("web", port=SERVICE, **options))
        serving = process.start(
            [nginx, "-c", str(configuration())], log=servers.here().log("nginx"), env=dict(os.environ)
        )
        stack.callback(process.kill_group, serving)
        if not process.wait_until(lambda: answers(plain), 10, 0.1):
            raise process.ServiceError(f"nginx did not become ready; see {servers.here().log('nginx')}")
        yield path, plain, web


def stored(size: int) -> tuple[str, str]:
    with storage.stage() as staged:
        for number in range(0, size, BLOCK):
            staged.write((number.to_bytes(8, "big") * (BLOCK // 8))[: size - number])
        published = staged.publish(row_count=None)
    owner = User.objects.get(username="testuser1").pk
    made = store_set(owner_id=owner, description="", contents=[Content(published, "", "text/plain")])
    file = DataFile.objects.get(data_file_set=made)
    return f"/api/{data_path(made.code, file.code)}", published.key


def configuration() -> Path:
    folder = servers.here().var / "nginx"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    values = {"folder": folder, "files": settings.DATA_FILES_DIR, "user": user, "prefix": PREFIX}
    file.write_text(_CONFIGURATION.format(port=NGINX, service=SERVICE, **values))
    return file


def curl(port: int, path: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["curl", "-sS", "--fail", "--noproxy", "*", "-u", CREDENTIALS, "-o", "/dev/null", *options]
    return subprocess.run(  # noqa: S603
        [*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=False
    )


def answers(path: str) -> bool:
    return curl(NGINX, path, "-r", "0-0").returncode == 0


def seconds(port: int, path: str, part: str = "") -> float:
    done = curl(port, path, *(["-r", part] if part else []), "-w", "%{time_total}")
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def peak(web: Popen[bytes]) -> int:
    """In bytes, of that process of the server that had the most."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            group = int(status.with_name("stat").read_text().rpartition(")")[2].split()[2])
            lines = status.read_text().splitlines() if group == web.pid else []
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += [int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM")]
    return max(found)


ROWS = [
    Row(
        "download of 1 GiB",
        "by the web server",
        "nginx",
        AtMost(1.5),
        "s",
        by_the_web_server,
    ),
    Row(
        "download of 1 GiB, handed over",
        "X-Accel-Redirect",
        "nginx",
        AtMost(1.1),
        "s",
        by_handing_over,
    ),
    Row(
        "download memory",
        "the server's peak",
        "before, and 10 MB",
        AtMost(1.0),
        "bytes",
        memory,
        warm_up=False,
    ),
]

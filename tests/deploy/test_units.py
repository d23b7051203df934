"""The units start what `manage.py up` starts, are sound, and say what they need."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from config.supervisor.environment import Address
from config.supervisor.services import all_services
from tests.api.wire import HEADERS
from tests.deploy.units import ENVIRONMENT_FILE, PYTHON, ROOT, UNITS, all_units, read
from tests.needs import needs

NGINX = ROOT / "deploy" / "nginx" / "tallyport.conf"
# Of each host or process: the rest of a command is the same in development and production.
OWN = re.compile(r"^--(host|port|hostname|blocking-threads|concurrency|schedule)=")
HARDENED = ("NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes", "SystemCallFilter=@system-service")


def options(argv: list[str]) -> list[str]:
    return sorted(word for word in argv[1:] if not OWN.match(word))


@pytest.mark.parametrize("name", ["web", "worker", "keeper", "beat"])
def test_a_unit_starts_what_development_starts(name: str, tmp_path: Path) -> None:
    services = all_services(Address("127.0.0.1", 9001), public_url="http://localhost", workers=2, run=tmp_path)
    (service,) = [service for service in services if service.name == name]
    unit = read("tallyport-beat" if name == "beat" else f"tallyport-{name}@")
    assert options(unit.argv("9001", {}, tmp_path)) == options(list(service.argv))


def test_the_threads_are_those_that_the_service_counts_on() -> None:
    assert read("tallyport-web@").environment["WEB_THREADS"].isdecimal()
    keeper = read("tallyport-keeper@").commands[0]
    found = re.search(r"--concurrency=(\d+)", keeper)
    assert found is not None
    assert int(found[1]) > settings.DELIVERY_THREADS


@pytest.mark.parametrize("name", ["tallyport-worker@", "tallyport-keeper@"])
def test_workers_give_back_what_they_hold(name: str) -> None:
    assert read(name).environment["REMAP_SIGTERM"] == "SIGQUIT"


def test_every_unit_is_hardened() -> None:
    for unit in all_units():
        text = (UNITS / f"{unit.name}.service").read_text()
        assert all(option in text for option in HARDENED), unit.name
        assert all(command.startswith(PYTHON) for command in unit.commands)


def test_every_variable_is_explained() -> None:
    explained = (ROOT / "docs" / "install.md").read_text()
    given = re.findall(r"^([A-Z_]+)=", ENVIRONMENT_FILE.read_text(), re.MULTILINE)
    assert "SECRET_KEY" in given
    assert [name for name in given if f"`{name}`" not in explained] == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_them(tmp_path: Path) -> None:
    """With a program that exists here: whether this machine has Tallyport and its user is not the question."""
    for file in UNITS.glob("*.service"):
        text = file.read_text().replace(PYTHON, "/bin/true").replace("WorkingDirectory=/opt/tallyport", "")
        name = file.name.replace("@", "@9001")
        (tmp_path / name).write_text(re.sub(r"^(User|Group)=.*$", "", text, flags=re.MULTILINE))
    units = [str(file) for file in sorted(tmp_path.glob("*.service"))]
    verify = ["systemd-analyze", "verify", "--man=no", *units]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if str(tmp_path) in line]
    assert (done.returncode, told) == (0, []), done.stderr


def test_nginx_lets_through_what_the_service_takes() -> None:
    """And a little more, so that it is the service that refuses a larger upload, in its own words."""
    (size,) = re.findall(r"client_max_body_size (\d+)g;", NGINX.read_text())
    assert settings.UPLOAD_LIMIT < int(size) * 1024**3 < 1.2 * settings.UPLOAD_LIMIT
    (size,) = re.findall(r"client_max_body_size (\d+)m;", NGINX.read_text())
    assert int(size) * 1024**2 > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert "proxy_request_buffering on;" in NGINX.read_text()


def test_nginx_logs_no_query_strings() -> None:
    (log_format,) = re.findall(r"^log_format (\w+ '.*');$", NGINX.read_text(), re.MULTILINE)
    assert "$uri" in log_format
    assert not re.search(r"\$(request|request_uri|args|query_string|http_referer)\b", log_format)
    servers = NGINX.read_text().count("server {")
    assert (
        re.findall(r"^    access_log \S+ (\w+);$", NGINX.read_text(), re.MULTILINE) == [log_format.split()[0]] * servers
    )


@needs("nginx-light", shutil.which("nginx"))
def test_nginx_understands_its_example(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tallyport.example",
         "-keyout", key, "-out", certificate], capture_output=True, check=True,
    )  # fmt: skip
    example = NGINX.read_text()
    example = example.replace("/etc/tallyport/tls/fullchain.pem", str(certificate))
    example = example.replace("/etc/tallyport/tls/privkey.pem", str(key))
    example = example.replace("/var/log/nginx/tallyport.log", f"{tmp_path}/access.log")
    logs = f"error_log {tmp_path}/error.log; pid {tmp_path}/pid;"
    main = tmp_path / "nginx.conf"
    main.write_text(f"{logs} events {{}} http {{ {example} }}")
    done = subprocess.run(["nginx", "-t", "-c", main, "-p", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nginx_keeps_the_headers_of_content_that_it_sends() -> None:
    """nginx by itself keeps only type, disposition, caching and ranges of an answer that it takes over."""
    block = NGINX.read_text().partition("# location /content/ {")[2]
    assert "internal;" in block
    folder = re.search(r"^DATA_FILES_DIR=(.+)$", ENVIRONMENT_FILE.read_text(), re.MULTILINE)
    assert folder is not None and f"alias {folder[1]}/;" in block
    given = {name.lower().replace("-", "_"): source for name, source in re.findall(r"add_header (\S+) (\S+);", block)}
    assert all(source == f"$upstream_http_{name}" for name, source in given.items())
    assert {name.lower().replace("-", "_") for name in (*HEADERS, "ETag", "Repr-Digest", "X-Request-ID")} == set(given)


def test_the_configuration_of_nginx_stands_in_one_place() -> None:
    texts = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "deploy").glob("*.md")]
    assert [text.name for text in texts if re.search(r"location /\w|proxy_pass|```nginx", text.read_text())] == []

"""A client that a generator made of `/api/openapi.json`, unchanged: it exports, follows and downloads over HTTP."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.utils import timezone

from jobs.callbacks.models import AccessToken
from tests.client.relay import Relay
from tests.factories import ConsumptionFactory
from tests.serving import worker

PACKAGE = "generated_client"
# The generator knows few media types by itself; docs/integrate.md says so too.
CONFIG = {"content_type_overrides": {"application/x-ndjson": "application/octet-stream"}, "post_hooks": []}


@pytest.fixture
def generated(relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The package's name; it can be imported."""
    document, config = tmp_path / "openapi.json", tmp_path / "config.json"
    document.write_bytes(requests.get(f"{relay.url}/api/openapi.json", timeout=30).content)
    config.write_text(json.dumps(CONFIG))
    program = str(Path(sys.executable).with_name("openapi-python-client"))
    words = [program, "generate", "--path", str(document), "--config", str(config), "--meta", "none"]
    subprocess.run([*words, "--output-path", str(tmp_path / PACKAGE)], check=True, capture_output=True, timeout=120)
    monkeypatch.syspath_prepend(tmp_path)
    yield PACKAGE
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def module(name: str) -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.{name}")


def last_of(address: str, at: int = -1) -> str:
    """A generated client builds addresses of their parts; they come from a link."""
    return address.split("/")[at]


def href(document: Any, rel: str) -> str:
    return next(str(link.href) for link in document.links if link.rel == rel)


def test_it_exports_follows_and_downloads(generated: str, relay: Relay, somebody: User) -> None:
    entry = ConsumptionFactory.create()
    expires_at = timezone.now() + timedelta(hours=1)
    _, token = AccessToken.objects.issue(user=somebody, name="sdk", scope=AccessToken.Scope.API, expires_at=expires_at)
    client = module("client").AuthenticatedClient(base_url=relay.url, token=token, timeout=40.0)
    models = module("models")
    wish = models.ReadConsumptionBatchInput.from_dict(
        {
            "transactionStartDateTime": {"value": "1970-01-01T00:00:00Z"},
            "transactionEndDateTime": {"value": "2999-01-01T00:00:00Z"},
        }
    )
    with client, worker():
        started = module("api.exports.start_export").sync_detailed(client=client, body=wish)
        assert started.status_code == 201
        batch_id = int(last_of(started.headers["Location"]))
        batch = module("api.exports.get_export").sync(batch_id, client=client, prefer="wait=30")
        assert isinstance(batch, models.ReadConsumptionBatch)
        assert str(batch.status) == "Completed"
        code = last_of(href(batch, "datafileset"))
        data_set = module("api.data_file_sets.get_data_file_set").sync(code, client=client)
        assert isinstance(data_set, models.DataFileSet)
        file_code = last_of(href(data_set.data_files[0], "file"), -2)
        content = module("api.data_file_sets.get_data").sync(code, file_code, client=client)
    lines = [json.loads(line) for line in content.payload.read().splitlines()]
    assert [line["type"] for line in lines] == ["counter", "consumption"]
    assert lines[1]["id"] == entry.pk


def test_it_reads_what_went_wrong(generated: str, relay: Relay, somebody: User) -> None:
    client = module("client").AuthenticatedClient(base_url=relay.url, token="tp_nothing")
    with client:
        answer = module("api.exports.get_export").sync_detailed(1, client=client)
    assert answer.status_code == 401
    assert answer.parsed.status == 401
    assert "not known" in answer.parsed.detail

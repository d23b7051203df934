from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from hypermedia.readers import Role
from tests.conftest import ApiClient
from tests.factories import UserFactory


@pytest.fixture
def storage_folder(tmp_path: Path, settings: Any) -> Path:
    settings.DATA_FILES_DIR = tmp_path / "files"
    return tmp_path / "files"


@pytest.fixture
def owner(db: None) -> User:
    return UserFactory.create(username="client", roles=[Role.CLIENT])


@pytest.fixture
def client(owner: User) -> ApiClient:
    return ApiClient(owner)

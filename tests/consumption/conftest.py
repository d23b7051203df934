from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from hypermedia.readers import Role
from tests.conftest import ApiClient
from tests.factories import LimitFactory, TransactionSourceFactory, UserFactory


@pytest.fixture
def user(transactional_db: None) -> User:
    LimitFactory.create()
    LimitFactory.create(code="OOPM", type="AMOUNT", currency="USD")
    LimitFactory.create(code="ANNUAL", reference="ANNUAL")
    TransactionSourceFactory.create(code="CLAIMS")
    user: User = UserFactory.create(roles=[Role.OPERATOR])
    return user


@pytest.fixture
def writer(user: User) -> ApiClient:
    return ApiClient(user)

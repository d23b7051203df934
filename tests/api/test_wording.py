"""A broken rule names its property, and says how to mend it; in `detail` too, where no pointer tells them apart."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ApiClient

pytestmark = pytest.mark.django_db
EXPORTS = "/api/readconsumptionbatches"
WINDOW = {
    "transactionStartDateTime": {"value": "2020-01-01T00:00:00Z"},
    "transactionEndDateTime": {"value": "2020-01-02T00:00:00Z"},
}
LIST = (
    '{"transactionStartDateTime": ..., "transactionEndDateTime": ..., '
    '"limitCodes": ..., "format": ..., "compression": ...}'
)
KNOWN = "transactionStartDateTime, transactionEndDateTime, limitCodes, format, compression"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ([], f"Give a JSON object, {LIST}, not an array."),
        (7, f"Give a JSON object, {LIST}, not a number."),
        ({**WINDOW, "limitCode": ["VERT"]}, f"limitCode: unknown property, perhaps limitCodes; known are {KNOWN}."),
        ({**WINDOW, "x": 1}, f"x: unknown property; known are {KNOWN}."),
        (
            {**WINDOW, "transactionEndDateTime": "2020-01-02"},
            'transactionEndDateTime: Give a JSON object, {"value": ..., "timezone": ...}, not a text.',
        ),
        ({**WINDOW, "transactionEndDateTime": {}}, "transactionEndDateTime/value is missing."),
        (
            {**WINDOW, "limitCodes": None},
            "limitCodes: null is not taken; give a value, or leave out what is optional.",
        ),
        ({**WINDOW, "limitCodes": ["X" * 61]}, "limitCodes/0: Ensure this field has no more than 60 characters."),
    ],
)
def test_an_export(testuser: ApiClient, body: Any, detail: str) -> None:
    answer = testuser.post(EXPORTS, body)
    assert (answer.status_code, answer.json()["detail"]) == (422, detail)


def test_a_consumption(operator: ApiClient) -> None:
    answer = operator.post("/api/limitconsumptions", {"limitCode": "VERT", "persn": {"code": "1"}, "provider": []})
    assert answer.status_code == 422
    assert "persn: unknown property, perhaps person; known are " in answer.json()["detail"]
    assert 'provider: Give a JSON object, {"code": ...}, not an array.' in answer.json()["detail"]

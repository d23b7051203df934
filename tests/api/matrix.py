"""Who gets what where: the authorisation matrix, as data.

A line is one or more methods of one route and the status that each persona gets. Where the address names an object,
a persona has three: for one's own, somebody else's, and one that does not exist. One number alone stands for all
three. The callback under `/ws` answers with the status in its body, so that is the one here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.api.world import PERSONAS

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OWNERSHIPS = ("own", "foreign", "absent")

# Under /api, and once more at the root.
RESOURCES = """
                                nobody | client      | other       | integration | operator    | auditor
(entry)
  GET HEAD                         401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
accesstokens
  POST                             401 | 201         | 201         | 403         | 201         | 201
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 405
readconsumptionbatches
  POST                             401 | 201         | 201         | 403         | 201         | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 403
generic/readconsumptionbatches/<id:pk>
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 200 200 404
  DELETE                           401 | 202 404 404 | 202 404 404 | 403         | 202 202 404 | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH                   401 | 405         | 405         | 403         | 405         | 405
generic/tasks/<id:pk>
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/tables/<id:pk>
  GET HEAD                         401 | 200 200 404 | 200 200 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/tasktypes/<id:pk>
  GET HEAD                         401 | 200 200 404 | 200 200 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/interfacedmessages/<id:pk>
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
taskprocessing/<id:pk>/restart
  POST                             401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 403
operations/<id:pk>
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
datafilesets/<code:code>
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/datafilesets/<id:pk>
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
datafilesets/<code:code>/datafiles/<code:file_code>/data
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 404 404 | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 403
"""

# At one address each.
OTHERS = """
                                nobody | client      | other       | integration | operator    | auditor
healthz
  GET HEAD                         200 | 200         | 200         | 200         | 200         | 200
  OPTIONS                          204 | 204         | 204         | 204         | 204         | 204
  POST PUT PATCH DELETE            405 | 405         | 405         | 405         | 405         | 405
readyz
  GET HEAD                         200 | 200         | 200         | 200         | 200         | 200
  OPTIONS                          204 | 204         | 204         | 204         | 204         | 204
  POST PUT PATCH DELETE            405 | 405         | 405         | 405         | 405         | 405
api/openapi.json
  GET HEAD OPTIONS                 200 | 200         | 200         | 200         | 200         | 200
  POST PUT PATCH DELETE            405 | 405         | 405         | 405         | 405         | 405
api/docs
  GET HEAD OPTIONS                 200 | 200         | 200         | 200         | 200         | 200
  POST PUT PATCH DELETE            405 | 405         | 405         | 405         | 405         | 405
ws/rest/service/v2/auth/token
  GET                              401 | 403         | 403         | 200         | 403         | 403
  HEAD POST PUT PATCH DELETE       405 | 405         | 405         | 405         | 405         | 405
  OPTIONS                          405 | 405         | 405         | 405         | 405         | 405
ws/rest/service/v2/oic/job
  PUT                              401 | 403         | 403         | 200 1803 1803 | 403       | 403
  GET HEAD POST PATCH DELETE       405 | 405         | 405         | 405         | 405         | 405
  OPTIONS                          405 | 405         | 405         | 405         | 405         | 405
ws/rest/service/v2/oic/job/<path:job_id>
  GET                              401 | 403         | 403         | 200 1803 1803 | 403       | 403
  HEAD                             401 | 403         | 403         | 200         | 403         | 403
  POST PUT PATCH DELETE            405 | 405         | 405         | 405         | 405         | 405
  OPTIONS                          405 | 405         | 405         | 405         | 405         | 405
"""


@dataclass(frozen=True)
class Row:
    """One method of one address; `expected[persona]` is the status for each of OWNERSHIPS."""

    route: str
    method: str
    expected: dict[str, tuple[int, int, int]]

    @property
    def cells(self) -> Iterator[tuple[str, str, int]]:
        for persona in PERSONAS:
            for ownership, status in zip(OWNERSHIPS, self.expected[persona], strict=True):
                yield persona, ownership, status

    def __str__(self) -> str:
        return f"{self.method} /{self.route}"


def read(text: str) -> Iterator[Row]:
    """The rows of a table above."""
    route = ""
    for line in text.strip().splitlines()[1:]:
        if not line.startswith(" "):
            route = "" if line == "(entry)" else line
            continue
        first, *columns = line.split("|")
        *methods, nobody = first.split()
        statuses = [tuple(map(int, column.split())) for column in (nobody, *columns)]
        expected = dict(zip(PERSONAS, map(_three, statuses), strict=True))
        yield from (Row(route, method, expected) for method in methods)


def _three(statuses: tuple[int, ...]) -> tuple[int, int, int]:
    own, foreign, absent = statuses if len(statuses) == len(OWNERSHIPS) else statuses * len(OWNERSHIPS)
    return own, foreign, absent


def rows() -> list[Row]:
    """Every row at every address: what is at the root is below /api as well."""
    resources = list(read(RESOURCES))
    below = [Row(f"api/{row.route}", row.method, row.expected) for row in resources]
    entry = [Row("api", row.method, row.expected) for row in resources if row.route == ""]
    return [*below, *resources, *entry, *read(OTHERS)]

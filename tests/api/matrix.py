"""Who gets what where: the authorisation matrix, as data.

A line is one or more methods of the routes above it and the status that each persona gets. Where an address names an
object there are three: one's own, somebody else's, an absent one; or one for all. Under `/ws` it is that in the body.
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
generic/readconsumptionbatches
  GET HEAD                         401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/readconsumptionbatches/search
  POST                             401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 405
generic/readconsumptionbatches/<id:pk>
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 200 200 404
  DELETE                           401 | 202 404 404 | 202 404 404 | 403         | 202 202 404 | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH                   401 | 405         | 405         | 403         | 405         | 405
writeconsumptionbatches
  POST                             401 | 403         | 403         | 403         | 201         | 403
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 403
  GET HEAD PUT PATCH DELETE        401 | 403         | 403         | 403         | 405         | 403
generic/writeconsumptionbatches
  GET HEAD                         401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/writeconsumptionbatches/search
  POST                             401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 405
generic/writeconsumptionbatches/<id:pk>
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 200 200 404
  DELETE                           401 | 202 404 404 | 202 404 404 | 403         | 202 202 404 | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH                   401 | 405         | 405         | 403         | 405         | 405
limitconsumptions
  POST                             401 | 403         | 403         | 403         | 201         | 403
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 403
  GET HEAD PUT PATCH DELETE        401 | 403         | 403         | 403         | 405         | 403
generic/limits
  GET HEAD                         401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/limits/search
  POST                             401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 405
generic/limits/<id:pk>
  GET HEAD                         401 | 200 200 404 | 200 200 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/counters
  GET HEAD                         401 | 200         | 200         | 403         | 200         | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 403
generic/counters/search
  POST                             401 | 200         | 200         | 403         | 200         | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 403
generic/counters/<id:pk>
  GET HEAD                         401 | 200 200 404 | 200 200 404 | 403         | 200 200 404 | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 403
generic/counterperiods
  GET HEAD                         401 | 200         | 200         | 403         | 200         | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 403
generic/counterperiods/search
  POST                             401 | 200         | 200         | 403         | 200         | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 403
generic/counterperiods/<id:pk>
  GET HEAD                         401 | 200 200 404 | 200 200 404 | 403         | 200 200 404 | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 403
generic/consumptions
  GET HEAD                         401 | 200         | 200         | 403         | 200         | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 403
generic/consumptions/search
  POST                             401 | 200         | 200         | 403         | 200         | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 403
generic/consumptions/<id:pk>
  GET HEAD                         401 | 200 200 404 | 200 200 404 | 403         | 200 200 404 | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 403
generic/tasks
  GET HEAD                         401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/tasks/search
  POST                             401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 405
generic/tasks/<id:pk>
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/tables
  GET HEAD                         401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/tables/search
  POST                             401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 405
generic/tables/<id:pk>
  GET HEAD                         401 | 200 200 404 | 200 200 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/tasktypes
  GET HEAD                         401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/tasktypes/search
  POST                             401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 405
generic/tasktypes/<id:pk>
  GET HEAD                         401 | 200 200 404 | 200 200 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/interfacedmessages
  GET HEAD                         401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
generic/interfacedmessages/search
  POST                             401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 405
generic/interfacedmessages/<id:pk>
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
taskprocessing
  GET HEAD                         401 | 403         | 403         | 403         | 200         | 200
  POST                             401 | 403         | 403         | 403         | 200         | 403
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  PUT PATCH DELETE                 401 | 403         | 403         | 403         | 405         | 405
taskprocessing/tasks/restart
  POST                             401 | 201         | 201         | 403         | 201         | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 403
taskprocessing/taskrestartbatches/<id:pk>/status
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
datafilesets
  GET HEAD                         401 | 200         | 200         | 403         | 200         | 200
  POST                             401 | 201         | 201         | 403         | 201         | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  PUT PATCH DELETE                 401 | 405         | 405         | 403         | 405         | 405
datafilesets/<code:code>
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 200 200 404
  POST                             401 | 201 404 404 | 201 404 404 | 403         | 201 403 404 | 403
  DELETE                           401 | 204 404 404 | 204 404 404 | 403         | 204 403 404 | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  PUT PATCH                        401 | 405         | 405         | 403         | 405         | 405
datafilesets/<code:code>/zip
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 404 404 | 403
  POST                             401 | 201 404 404 | 201 404 404 | 403         | 201 403 404 | 403
  PUT                              401 | 200 404 404 | 200 404 404 | 403         | 200 403 404 | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  PATCH DELETE                     401 | 405         | 405         | 403         | 405         | 403
datafilesets/<code:code>/unzip
  PUT                              401 | 409 404 404 | 409 404 404 | 403         | 409 403 404 | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  GET HEAD POST PATCH DELETE       401 | 405         | 405         | 403         | 405         | 403
datafilesets/<code:code>/manifest
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
datafilesets/<code:code>/SHA256SUMS
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
datafilesets/<code:code>/datafiles/<code:file_code>
  PUT                              401 | 200 404 404 | 200 404 404 | 403         | 200 403 404 | 403
  DELETE                           401 | 204 404 404 | 204 404 404 | 403         | 204 403 404 | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  GET HEAD POST PATCH              401 | 405         | 405         | 403         | 405         | 403
generic/datafilesets
  GET HEAD                         401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
datafilesets/search generic/datafilesets/search
  POST                             401 | 200         | 200         | 403         | 200         | 200
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  GET HEAD PUT PATCH DELETE        401 | 405         | 405         | 403         | 405         | 405
generic/datafilesets/<id:pk>
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 405         | 405         | 403         | 405         | 405
datafilesets/<code:code>/datafiles/<code:file_code>/data
  GET HEAD                         401 | 200 404 404 | 200 404 404 | 403         | 200 404 404 | 403
  POST                             401 | 201 404 404 | 201 404 404 | 403         | 201 403 404 | 403
  OPTIONS                          401 | 204         | 204         | 403         | 204         | 403
  PUT PATCH DELETE                 401 | 405         | 405         | 403         | 405         | 403
notificationendpoints
  GET HEAD                         401 | 403         | 403         | 403         | 200         | 200
  POST                             401 | 403         | 403         | 403         | 201         | 403
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  PUT PATCH DELETE                 401 | 403         | 403         | 403         | 405         | 405
notificationendpoints/search
  POST                             401 | 403         | 403         | 403         | 200         | 200
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  GET HEAD PUT PATCH DELETE        401 | 403         | 403         | 403         | 405         | 405
notificationendpoints/<id:pk>
  GET HEAD                         401 | 403         | 403         | 403         | 200 200 404 | 200 200 404
  PUT                              401 | 403         | 403         | 403         | 200 200 404 | 403
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  POST PATCH DELETE                401 | 403         | 403         | 403         | 405         | 405
notificationendpoints/<id:pk>/test
  POST                             401 | 403         | 403         | 403         | 201 201 404 | 403
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 403
  GET HEAD PUT PATCH DELETE        401 | 403         | 403         | 403         | 405         | 403
notificationendpoints/<id:pk>/rotate
  POST                             401 | 403         | 403         | 403         | 201 201 404 | 403
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 403
  GET HEAD PUT PATCH DELETE        401 | 403         | 403         | 403         | 405         | 403
notificationendpoints/<id:pk>/enable
  POST                             401 | 403         | 403         | 403         | 200 200 404 | 403
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 403
  GET HEAD PUT PATCH DELETE        401 | 403         | 403         | 403         | 405         | 403
notificationendpoints/<id:pk>/recover
  POST                             401 | 403         | 403         | 403         | 200 200 404 | 403
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 403
  GET HEAD PUT PATCH DELETE        401 | 403         | 403         | 403         | 405         | 403
notificationevents
  GET HEAD                         401 | 403         | 403         | 403         | 200         | 200
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 403         | 403         | 403         | 405         | 405
notificationevents/search
  POST                             401 | 403         | 403         | 403         | 200         | 200
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  GET HEAD PUT PATCH DELETE        401 | 403         | 403         | 403         | 405         | 405
notificationevents/<id:pk>
  GET HEAD                         401 | 403         | 403         | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 403         | 403         | 403         | 405         | 405
integrationjobs
  GET HEAD                         401 | 403         | 403         | 403         | 200         | 200
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 403         | 403         | 403         | 405         | 405
integrationjobs/search
  POST                             401 | 403         | 403         | 403         | 200         | 200
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  GET HEAD PUT PATCH DELETE        401 | 403         | 403         | 403         | 405         | 405
integrationjobs/<id:pk>
  GET HEAD                         401 | 403         | 403         | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 403         | 403         | 403         | 405         | 405
notificationdeliveries
  GET HEAD                         401 | 403         | 403         | 403         | 200         | 200
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 403         | 403         | 403         | 405         | 405
notificationdeliveries/search
  POST                             401 | 403         | 403         | 403         | 200         | 200
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  GET HEAD PUT PATCH DELETE        401 | 403         | 403         | 403         | 405         | 405
notificationdeliveries/<id:pk>
  GET HEAD                         401 | 403         | 403         | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 403         | 403         | 403         | 405         | 405
notificationdeliveries/<id:pk>/attempts
  GET HEAD                         401 | 403         | 403         | 403         | 200 200 404 | 200 200 404
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 403         | 403         | 403         | 405         | 405
notificationdeliveries/<id:pk>/redeliver
  POST                             401 | 403         | 403         | 403         | 200 200 404 | 403
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 403
  GET HEAD PUT PATCH DELETE        401 | 403         | 403         | 403         | 405         | 403
outboundintegrationpoints
  GET HEAD                         401 | 403         | 403         | 403         | 200         | 200
  OPTIONS                          401 | 403         | 403         | 403         | 204         | 204
  POST PUT PATCH DELETE            401 | 403         | 403         | 403         | 405         | 405
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
metrics
  GET HEAD                         200 | 200         | 200         | 200         | 200         | 200
  OPTIONS                          204 | 204         | 204         | 204         | 204         | 204
  POST PUT PATCH DELETE            405 | 405         | 405         | 405         | 405         | 405
api/openapi.json
  GET HEAD                         200 | 200         | 200         | 200         | 200         | 200
  OPTIONS                          204 | 204         | 204         | 204         | 204         | 204
  POST PUT PATCH DELETE            405 | 405         | 405         | 405         | 405         | 405
api/docs
  GET HEAD                         200 | 200         | 200         | 200         | 200         | 200
  OPTIONS                          204 | 204         | 204         | 204         | 204         | 204
  POST PUT PATCH DELETE            405 | 405         | 405         | 405         | 405         | 405
ws/rest/service/v2/auth/token
  GET                              401 | 403         | 403         | 200         | 403         | 403
  HEAD                             401 | 403         | 403         | 200         | 403         | 403
  POST PUT PATCH DELETE            405 | 405         | 405         | 405         | 405         | 405
  OPTIONS                          204 | 204         | 204         | 204         | 204         | 204
ws/rest/service/v2/oic/job
  PUT                              401 | 403         | 403         | 200 1803 1803 | 403       | 403
  GET HEAD POST PATCH DELETE       405 | 405         | 405         | 405         | 405         | 405
  OPTIONS                          204 | 204         | 204         | 204         | 204         | 204
ws/rest/service/v2/oic/job/<path:job_id>
  GET                              401 | 403         | 403         | 200 1803 1803 | 403       | 403
  HEAD                             401 | 403         | 403         | 200         | 403         | 403
  POST PUT PATCH DELETE            405 | 405         | 405         | 405         | 405         | 405
  OPTIONS                          204 | 204         | 204         | 204         | 204         | 204
"""


@dataclass(frozen=True)
class Row:
    """One method of one address; `expected[persona]` is the status for one's own, for somebody else's, for nobody's
    object, or for as many of them as there are."""

    route: str
    method: str
    expected: dict[str, tuple[int, ...]]

    def __str__(self) -> str:
        return f"{self.method} /{self.route}"


def ownerships(route: str) -> tuple[str, ...]:
    """Where no object is named there is nothing to own."""
    return OWNERSHIPS if "<" in route or route.endswith("oic/job") else OWNERSHIPS[:1]


def read(text: str) -> Iterator[Row]:
    """The rows of a table above."""
    routes: list[str] = []
    for line in text.strip().splitlines()[1:]:
        if not line.startswith(" "):
            routes = [""] if line == "(entry)" else line.split()
            continue
        first, *columns = line.split("|")
        *methods, nobody = first.split()
        statuses = (tuple(map(int, column.split())) for column in (nobody, *columns))
        times = len(ownerships(routes[0]))
        expected = {
            persona: given * times if len(given) == 1 else given
            for persona, given in zip(PERSONAS, statuses, strict=True)
        }
        yield from (Row(route, method, expected) for route in routes for method in methods)


def rows() -> list[Row]:
    """Every row at every address."""
    resources = list(read(RESOURCES))
    below = [Row(f"api/{row.route}", row.method, row.expected) for row in resources]
    entry = [Row("api", row.method, row.expected) for row in resources if row.route == ""]
    return [*below, *entry, *map(alias, resources), *read(OTHERS)]


def alias(row: Row) -> Row:
    """At the root are the same views (a test compares them), so one's own is enough to see that they are reached."""
    return Row(row.route, row.method, {persona: statuses[:1] for persona, statuses in row.expected.items()})

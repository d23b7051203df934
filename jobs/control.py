"""The queue over HTTP: `GET /taskprocessing` and `POST /taskprocessing?action=stop|start`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from hypermedia.asking import read_parameters
from hypermedia.links import SELF, Rule, links_for
from hypermedia.messages import StrictSerializer
from hypermedia.readers import Reader, Role
from hypermedia.views import ResourceView
from jobs import processing
from jobs.models import TaskProcessing

PATH = "taskprocessing"


def _control(queue: TaskProcessing) -> str:
    return f"{PATH}?action={'start' if queue.stopped else 'stop'}"


def _may_control(queue: TaskProcessing, reader: Reader) -> bool:
    return reader.has(Role.OPERATOR)


PROCESSING_LINKS: tuple[Rule[TaskProcessing], ...] = (
    Rule(SELF, None, lambda queue: PATH),
    Rule("taskprocessing:control", "POST", _control, _may_control),
)


def processing_document(queue: TaskProcessing, statistics: processing.Statistics, reader: Reader) -> dict[str, Any]:
    return {
        "status": "stopped" if queue.stopped else "started",
        "statistics": asdict(statistics),
        "links": links_for(PROCESSING_LINKS, queue, reader),
    }


class ActionField(serializers.Field[str, Any, str, Any]):
    """`stop` or `start`; anything else, and nothing at all, is refused under one code."""

    def get_value(self, dictionary: Any) -> Any:
        return dictionary.get(self.field_name, "")

    def to_internal_value(self, data: Any) -> str:
        if data not in {"stop", "start"}:
            raise serializers.ValidationError("Say ?action=stop or ?action=start.", code="TSK-IP-002")
        return str(data)


class ControlParameters(StrictSerializer):
    action = ActionField()


class TaskProcessingView(ResourceView):
    """Whether tasks are picked, and what waits."""

    roles = {"GET": (Role.OPERATOR, Role.AUDITOR), "POST": (Role.OPERATOR,)}

    def get(self, request: Request) -> HttpResponse:
        return self.answer_queue(processing.current())

    def post(self, request: Request) -> HttpResponse:
        self.read_nothing()
        stopped = read_parameters(request.GET, ControlParameters)["action"] == "stop"
        self.check_if_match(processing.current().version)
        return self.answer_queue(processing.switch(stopped=stopped, user_id=self.reader.user_id))

    def answer_queue(self, queue: TaskProcessing) -> HttpResponse:
        document = processing_document(queue, processing.statistics(), self.reader)
        return self.answer(document, version=queue.version)

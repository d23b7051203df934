"""The form of an endpoint: it asks the API's serializer and the services what is wrong, and says it in their words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth.models import User

from audit.console.actions import ReasonForm
from hypermedia.errors import ResultMessage, RuleBroken
from hypermedia.messages import broken_rules
from hypermedia.readers import Role
from jobs.notifications import subscriptions
from jobs.notifications.models import EXPECTED_SECONDS, NotificationEndpoint
from jobs.notifications.serializers import EndpointInput, endpoint_values

# A field of the form -> what the API calls it. Those of the authentication depend on its type.
_NAMES = {
    "name": "name",
    "url": "url",
    "http_method": "httpMethod",
    "event_types": "eventTypes",
    "integration": "integrationUser",
    "expected_seconds": "expectedSeconds",
    "active": "active",
}
_AUTHENTICATION = {
    "none": {},
    "basic": {"username": "username", "credential": "password"},
    "oauth2": {"token_url": "tokenUrl", "client_id": "clientId", "credential": "clientSecret", "scope": "scope"},
}
_KINDS = [("none", "none"), ("basic", "HTTP Basic"), ("oauth2", "OAuth 2.0 client credentials")]


def _only_for(*kinds: str) -> dict[str, str]:
    """console.css shows the field while one of these kinds of authentication is chosen."""
    return {"data-for": " ".join(kinds), "autocomplete": "off"}


class EndpointForm(ReasonForm):
    """What operators configure. A stored password or client secret is never shown; left empty it stays."""

    name = forms.CharField()
    url = forms.CharField(label="URL", help_text="Where events are sent to")
    http_method = forms.ChoiceField(choices=[("POST", "POST"), ("PUT", "PUT")], label="Method")
    event_types = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, label="Events", initial=["*"])
    authentication = forms.ChoiceField(choices=_KINDS)
    username = forms.CharField(required=False, label="User name", widget=forms.TextInput(_only_for("basic")))
    token_url = forms.CharField(required=False, label="Token URL", widget=forms.TextInput(_only_for("oauth2")))
    client_id = forms.CharField(required=False, label="Client id", widget=forms.TextInput(_only_for("oauth2")))
    scope = forms.CharField(required=False, widget=forms.TextInput(_only_for("oauth2")))
    credential = forms.CharField(
        required=False,
        label="Password or client secret",
        strip=False,
        widget=forms.PasswordInput({**_only_for("basic", "oauth2"), "autocomplete": "new-password"}),
    )
    integration = forms.ChoiceField(
        required=False, help_text="Gets a job id with each event, and reports on that job. None: it only listens."
    )
    expected_seconds = forms.IntegerField(
        initial=EXPECTED_SECONDS, label="Seconds until a job has to end", help_text="After that an alarm says so."
    )
    active = forms.BooleanField(required=False, initial=True, label="Switched on")
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    field_order = [name for name in locals() if not name.startswith("_")]  # the reason comes last

    def __init__(self, data: Any = None, *, endpoint: NotificationEndpoint | None = None) -> None:
        super().__init__(data, initial=_initial(endpoint) if endpoint else None)
        known = _subscriptions()
        others = [entry for entry in (endpoint.event_types if endpoint else ()) if entry not in known]
        self._choose("event_types", [*known.items(), *((entry, entry) for entry in others)])
        self._choose("integration", [("", "none"), *((name, name) for name in _integrations())])
        if endpoint is not None and endpoint.sealed_credential:
            self.fields[
                "credential"
            ].help_text = "One is stored. Left empty it stays, unless the host or the account changes."

    def _choose(self, field: str, choices: Iterable[tuple[str, str]]) -> None:
        self.fields[field].choices = list(choices)  # type: ignore[attr-defined]  # these two have choices

    def wanted(self) -> dict[str, Any]:
        """As the services take it, with the reason. Raises RuleBroken, as the API would answer."""
        return {**self._values(), "reason": self.cleaned_data["reason"]}

    def _values(self) -> dict[str, Any]:
        asked = EndpointInput(data=self._document())
        if not asked.is_valid():
            raise broken_rules(asked.errors)
        return endpoint_values(asked.validated_data)

    def _document(self) -> dict[str, Any]:
        given = self.cleaned_data
        document = {theirs: given[ours] for ours, theirs in _NAMES.items() if given[ours] not in ("", None)}
        wanted = _AUTHENTICATION[given["authentication"]]
        account = {theirs: given[ours] for ours, theirs in wanted.items() if given[ours]}
        return {**document, "authentication": {"type": given["authentication"], **account}}

    def blame(self, error: RuleBroken) -> None:
        """Beside its field a text need not name it."""
        for message in error.messages:
            name = f"{(message.pointer or '').removeprefix('/')}: "
            self.add_error(self._field_of(message), message.text.removeprefix(name))

    def _field_of(self, message: ResultMessage) -> str | None:
        """`/authentication/password` -> `credential`; nothing for what concerns no single field."""
        first, *rest = (message.pointer or "").split("/")[1:] or [""]
        names = _NAMES
        if first == "authentication" and rest:
            first, names = rest[0], _AUTHENTICATION[self.cleaned_data["authentication"]]
        return next((ours for ours, theirs in names.items() if theirs == first), None)


def _initial(endpoint: NotificationEndpoint) -> dict[str, Any]:
    account = endpoint.authentication
    kind = account.get("type", "none")
    shown = {ours: account[theirs] for ours, theirs in _AUTHENTICATION[kind].items() if theirs in account}
    names = ("name", "url", "http_method", "event_types", "expected_seconds", "active", "version")
    user = endpoint.integration_user
    return {
        **{name: getattr(endpoint, name) for name in names},
        **shown,
        "authentication": kind,
        "integration": user.username if user else "",
    }


def _subscriptions() -> dict[str, str]:
    """Everything that can be asked for -> in plain words."""
    ends = {f"*.{end}": f"Every operation that ended {end}" for end in subscriptions.OUTCOMES}
    found = {"*": "Every end of every operation", **ends}
    for kind, text in subscriptions.operations().items():
        found |= {kind: f"{text}: every end"}
        found |= {f"{kind}.{end}": f"{text}: {end}" for end in subscriptions.OUTCOMES}
    return found | {name: f"Alarm: {text[:1].lower()}{text[1:]}" for name, text in subscriptions.ALARMS.items()}


def _integrations() -> list[str]:
    able = User.objects.filter(groups__name=Role.INTEGRATION, is_active=True)
    return list(able.order_by("username").values_list("username", flat=True))

"""What operators do with endpoints and deliveries; the same for the API, the console and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Count
from django.db.models.functions import Now

from audit.services import record
from hypermedia.errors import Conflict, NotFound, ResultMessage, RuleBroken
from hypermedia.readers import Role
from jobs.callbacks.credentials import reader_of, users
from jobs.callbacks.services import create_job
from jobs.notifications import guard, outbox, signing, subscriptions, vault
from jobs.notifications.models import Delivery, NotificationEndpoint, NotificationEvent, SigningSecret
from jobs.notifications.states import DeliveryStatus, Move, allowed_from

OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=7)
MOST_OLD_SECRETS = 4  # each adds a signature to the header
RECOVERED_AT_ONCE = 1000


@dataclass(frozen=True)
class Recovered:
    """What `recover` did. `has_more`: a thousand were done; ask again."""

    sent_again: int
    newly_sent: int
    has_more: bool


def create_endpoint(
    *, user_id: int, credential: str = "", integration: str | None = None, reason: str = "", **values: Any
) -> tuple[NotificationEndpoint, str]:
    """A new endpoint and its signing secret, which is shown this once. Raises RuleBroken with every broken rule.

    `credential` is the password or client secret that `authentication` needs, `integration` the name of the user who
    reports on the jobs, `reason` what the trail says of it.
    """
    endpoint = NotificationEndpoint(created_by_id=user_id, last_updated_by_id=user_id, **values)
    endpoint.integration_user_id = _user_id(integration)
    if credential:
        endpoint.sealed_credential = vault.seal(credential)
    _check(endpoint)
    with transaction.atomic(), _name_is_free(endpoint):
        endpoint.save(force_insert=True)
        _record("endpoint.add", endpoint, user_id, reason)
        return endpoint, _new_secret(endpoint)


def change_endpoint(
    *,
    endpoint_id: int,
    user_id: int,
    credential: str = "",
    integration: str | None = None,
    reason: str = "",
    **values: Any,
) -> NotificationEndpoint:
    """Replaces what operators configure. No `credential`: the stored one stays, unless account or host change.
    Switching it on is the same as `enable`. Raises NotFound, RuleBroken; Conflict when it changed meanwhile."""
    endpoint = _found(endpoint_id)
    was_active, was = endpoint.active, _account(endpoint)
    values["integration_user_id"] = _user_id(integration)
    for name, value in values.items():
        setattr(endpoint, name, value)
    if credential:
        endpoint.sealed_credential = vault.seal(credential)
    elif was != _account(endpoint):
        endpoint.sealed_credential = ""  # a secret goes only where it was meant to go
    _check(endpoint)  # looks names up: outside of any transaction
    changed = {**values, "sealed_credential": endpoint.sealed_credential, "last_updated_by_id": user_id}
    if endpoint.active and not was_active:
        changed |= {"failing_since": None, "disabled_reason": ""}
    with transaction.atomic(), _name_is_free(endpoint):
        unchanged = NotificationEndpoint.objects.filter(pk=endpoint.pk, version=endpoint.version)
        if not unchanged.change(**changed):
            raise Conflict("The endpoint was changed meanwhile; read it again. Nothing was changed.", code="NOT-IP-007")
        _record("endpoint.change", endpoint, user_id, reason)
        outbox.ring_on_commit(endpoint.pk)
    endpoint.refresh_from_db()
    return endpoint


def _record(action: str, endpoint: NotificationEndpoint, user_id: int, reason: str) -> None:
    detail = {"reason": reason} if reason else {}
    record(action, user_id=user_id, subject=f"notificationendpoints/{endpoint.pk}", detail=detail)


def _account(endpoint: NotificationEndpoint) -> tuple[list[str], dict[str, Any]]:
    """Whose credential it is, and which host gets to see what it opens."""
    public = {name: value for name, value in endpoint.authentication.items() if name != "scope"}
    return endpoint.url.lower().split("/")[:3], public


@contextmanager
def _name_is_free(endpoint: NotificationEndpoint) -> Iterator[None]:
    """For two who take a name at once. Raises RuleBroken."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise RuleBroken(_taken(endpoint)) from error


@transaction.atomic
def rotate_secret(*, endpoint_id: int, user_id: int, overlap: timedelta = OVERLAP) -> tuple[NotificationEndpoint, str]:
    """A new signing secret; the ones before go on signing beside it for the overlap. Raises NotFound, RuleBroken."""
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        longest = int(LONGEST_OVERLAP.total_seconds())
        raise RuleBroken(ResultMessage("NOT-IP-006", f"Give 0 to {longest} seconds.", "/overlapSeconds"))
    endpoint = _locked(endpoint_id)
    endpoint.secrets.filter(expires_at__lte=Now()).delete()
    endpoint.secrets.valid().filter(expires_at=None).update(expires_at=Now() + overlap)
    if not overlap:
        endpoint.secrets.all().delete()  # for a secret that leaked: it signs nothing any more
    kept = endpoint.secrets.valid().values_list("pk", flat=True)[:MOST_OLD_SECRETS]
    endpoint.secrets.exclude(pk__in=list(kept)).delete()
    _change(endpoint, last_updated_by_id=user_id)
    return endpoint, _new_secret(endpoint)


@transaction.atomic
def enable_endpoint(*, endpoint_id: int, user_id: int) -> NotificationEndpoint:
    """Switches an endpoint on again; what waited for it is sent. Raises NotFound."""
    endpoint = _locked(endpoint_id)
    _change(endpoint, active=True, failing_since=None, disabled_reason="", last_updated_by_id=user_id)
    outbox.ring_on_commit(endpoint.pk)
    return endpoint


@transaction.atomic
def leave_off(*, endpoint_id: int, user_id: int) -> NotificationEndpoint:
    """An endpoint that was switched off by itself stays off on purpose. Raises NotFound, Conflict."""
    endpoint = _locked(endpoint_id)
    if endpoint.active or not endpoint.disabled_reason:
        raise Conflict("The endpoint is switched on, or off on purpose already. Nothing was changed.")
    _change(endpoint, disabled_reason="", failing_since=None, last_updated_by_id=user_id)
    return endpoint


@transaction.atomic
def test_endpoint(*, endpoint_id: int) -> Delivery:
    """Sends the endpoint an event of the type `Test`. Raises NotFound; Conflict while it is switched off."""
    endpoint = _locked(endpoint_id)
    if not endpoint.active:
        raise Conflict("The endpoint is switched off. Enable it first; nothing was sent.", code="NOT-IP-005")
    return outbox.test(endpoint)


@transaction.atomic
def redeliver(*, delivery_id: int) -> Delivery:
    """Sends the event once more under the same `webhook-id`, now. Raises NotFound; Conflict while it is being sent."""
    found = Delivery.objects.filter(pk=delivery_id)
    moved = found.move(Move.REDELIVER, due_at=Now(), retries=0, acknowledged=False)
    delivery = found.select_related("event", "endpoint", "job").first()
    if delivery is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    if not moved:
        needed = " or ".join(sorted(allowed_from(Move.REDELIVER)))
        raise Conflict(f"The delivery is {delivery.status}; it has to be {needed}.", code="NOT-IP-004")
    _give_job(delivery)
    outbox.ring_on_commit(delivery.endpoint_id)
    return delivery


@transaction.atomic
def acknowledge(*, delivery_id: int) -> None:
    """Takes a delivery that was given up from what needs an operator, until it is sent again and given up once more.
    Raises NotFound, Conflict."""
    found = Delivery.objects.filter(pk=delivery_id)
    if not found.needing_a_look().update(acknowledged=True):
        if not found.exists():
            raise NotFound(f"There is no delivery {delivery_id}.")
        raise Conflict("The delivery was not given up, or somebody has let it be already. Nothing was changed.")


@transaction.atomic
def recover(*, endpoint_id: int, since: datetime) -> Recovered:
    """Sends what the endpoint missed since then: deliveries that were given up, and events that it wants but that
    found it switched off. At most a thousand a call. Raises NotFound."""
    endpoint = _locked(endpoint_id)
    failed = endpoint.deliveries.filter(status=DeliveryStatus.FAILED, event__creation_date__gte=since)
    again = list(failed.select_related("event", "job").order_by("event_id")[:RECOVERED_AT_ONCE])
    for delivery in again:
        delivery.endpoint = endpoint
        _give_job(delivery)
    ids = [delivery.pk for delivery in again]
    sent_again = Delivery.objects.filter(pk__in=ids).move(Move.REDELIVER, due_at=Now(), retries=0, acknowledged=False)
    missed = _missed(endpoint, since, RECOVERED_AT_ONCE - len(again))
    for event in missed:
        outbox.deliver(event, endpoint)
    outbox.ring_on_commit(endpoint.pk)
    return Recovered(sent_again, len(missed), len(again) + len(missed) >= RECOVERED_AT_ONCE)


def _missed(endpoint: NotificationEndpoint, since: datetime, most: int) -> list[NotificationEvent]:
    others = NotificationEvent.objects.filter(creation_date__gte=since).exclude(deliveries__endpoint=endpoint)
    types = {entry.partition(".")[0] for entry in endpoint.event_types}
    if subscriptions.EVERYTHING not in types:
        others = others.filter(type__in=types)
    found: list[NotificationEvent] = []
    for event in others.order_by("pk").iterator(chunk_size=500):
        if len(found) >= most:
            break
        if endpoint.wants(event.type, event.outcome):
            found.append(event)
    return found


def ring_for_due() -> int:
    """Tells the workers about every endpoint with something due, once per call that may run at once; how often."""
    due = Delivery.objects.due().filter(endpoint__active=True)
    rings = 0
    for endpoint_id, waiting in due.values_list("endpoint").annotate(Count("pk")).order_by("endpoint"):
        for _ in range(min(waiting, settings.DELIVERIES_PER_ENDPOINT)):
            if not outbox.ring(endpoint_id):
                return rings  # the broker is away: the next sweep tries again
            rings += 1
    return rings


def _give_job(delivery: Delivery) -> None:
    """The job of a delivery that could have none when it was made."""
    integration_id = delivery.endpoint.integration_user_id
    if delivery.job_id is None and integration_id is not None:
        delivery.job = create_job(integration_id=integration_id)
        delivery.save(update_fields=["job"])


def _found(endpoint_id: int) -> NotificationEndpoint:
    return _there(endpoint_id, NotificationEndpoint.objects.filter(pk=endpoint_id).first())


def _locked(endpoint_id: int) -> NotificationEndpoint:
    return _there(endpoint_id, NotificationEndpoint.objects.lock(endpoint_id))


def _there(endpoint_id: int, endpoint: NotificationEndpoint | None) -> NotificationEndpoint:
    if endpoint is None:
        raise NotFound(f"There is no endpoint {endpoint_id}.")
    return endpoint


def _change(endpoint: NotificationEndpoint, **values: Any) -> None:
    NotificationEndpoint.objects.filter(pk=endpoint.pk).change(**values)
    endpoint.refresh_from_db()  # also the user, whom a new id would leave behind


def _new_secret(endpoint: NotificationEndpoint) -> str:
    secret = signing.new_secret()
    SigningSecret.objects.create(endpoint=endpoint, sealed=vault.seal(secret))
    return secret


def _check(endpoint: NotificationEndpoint) -> None:
    broken = [
        *_name_rule(endpoint),
        *_address_rule(endpoint.url, "/url"),
        *_authentication_rules(endpoint),
        *_event_rules(endpoint.event_types),
        *_integration_rule(endpoint.integration_user_id),
    ]
    if broken:
        raise RuleBroken(*broken)


def _name_rule(endpoint: NotificationEndpoint) -> Iterable[ResultMessage]:
    if NotificationEndpoint.objects.filter(name=endpoint.name).exclude(pk=endpoint.pk).exists():
        yield _taken(endpoint)


def _taken(endpoint: NotificationEndpoint) -> ResultMessage:
    return ResultMessage("NOT-IP-001", f"There is an endpoint {endpoint.name} already.", "/name")


def _address_rule(url: str, pointer: str) -> Iterable[ResultMessage]:
    try:
        guard.resolve(guard.parse(url), settings.DELIVERY_CONNECT_SECONDS)
    except (guard.Refused, guard.Unresolved) as error:
        yield ResultMessage("NOT-IP-002", str(error), pointer)


def _authentication_rules(endpoint: NotificationEndpoint) -> Iterable[ResultMessage]:
    kind = endpoint.authentication.get("type")
    if kind == "oauth2":
        yield from _address_rule(endpoint.authentication["tokenUrl"], "/authentication/tokenUrl")
    if kind in {"basic", "oauth2"} and not endpoint.sealed_credential:
        name = "password" if kind == "basic" else "clientSecret"
        yield ResultMessage("GEN-IP-010", f"Give the {name}.", f"/authentication/{name}")


def _event_rules(event_types: list[str]) -> Iterable[ResultMessage]:
    for index, entry in enumerate(event_types):
        if not subscriptions.is_known(entry):
            known = ", ".join([subscriptions.EVERYTHING, *subscriptions.operations(), *subscriptions.ALARMS])
            ends = ", ".join(f".{outcome}" for outcome in subscriptions.OUTCOMES)
            text = f"Unknown event type; known are {known}, those of operations also with one of the ends {ends}."
            yield ResultMessage("NOT-IP-003", text, f"/eventTypes/{index}")


def _user_id(name: str | None) -> int | None:
    """The user's id; for a name that nobody has, one that nobody has either, which breaks the rule below."""
    if name is None:
        return None
    return User.objects.filter(username=name).values_list("pk", flat=True).first() or 0


def _integration_rule(user_id: int | None) -> Iterable[ResultMessage]:
    if user_id is None:
        return
    user = users().filter(pk=user_id).first()
    if user is None or not reader_of(user).has(Role.INTEGRATION):
        yield ResultMessage("JOB-IP-001", "This is no active user with the role integration.", "/integrationUser")

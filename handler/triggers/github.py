"""Reads GitHub's webhooks: a ``deployment`` event carries the request; others ask nothing."""

from __future__ import annotations

from collections.abc import Sequence

from handler.core.model.policy import Target
from handler.triggers import deployment
from handler.triggers.choosing import Item
from handler.triggers.envelopes import loads
from handler.triggers.messages import Ignored, Unreadable
from handler.triggers.signatures import check_created_at


def read(
    body: bytes, event: str, now: float, targets: Sequence[Target], event_ids: tuple[str, ...]
) -> list[Item]:
    """Return what a correctly signed webhook asks for. ``event`` is its X-GitHub-Event.

    Raises Unreadable: 401 for a deployment more than an hour old, 404 for an unknown target, else 400.
    """
    if not event:
        raise Unreadable("x-github-event: expected the event's name")
    if event == "ping":
        return [Ignored("github_ping", "GitHub checks that the webhook answers", event_ids)]
    if event != "deployment":
        return [Ignored("github_event_not_used", "only deployment events carry a request", event_ids)]
    if not body.strip():
        raise Unreadable("the body: empty, expected GitHub's deployment event")
    try:
        value = loads(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Unreadable("the body: not UTF-8") from None
    found = value.get("deployment") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(found, dict):
        raise Unreadable("deployment: expected an object, as in GitHub's deployment event")
    payload = _request(found.get("payload"))
    if payload is None:
        detail = "deployment.payload has no target: another tool's, or nobody's"
        return [Ignored("github_deployment_without_request", detail, event_ids)]
    # The event's name is not signed, so check that this is no deployment_status.
    if "deployment_status" in value or value.get("action", "created") != "created":
        raise Unreadable("action: expected a deployment that was created")
    check_created_at(found.get("created_at"), now)
    return deployment.read_value(payload, targets, event_ids)


def _request(payload: object) -> object | None:
    """Return a payload that is meant for us, as a value; None if it has no ``target``, like other tools'.

    GitHub takes an object or any text. Raises Unreadable if a text with ``"target"`` in it is not JSON.
    """
    if isinstance(payload, str):
        try:
            payload = loads(payload)
        except Unreadable as error:
            if '"target"' not in str(payload):
                return None
            raise Unreadable(f"deployment.payload: {error}") from None
    given = payload if isinstance(payload, list) else [payload]
    return payload if any(isinstance(one, dict) and "target" in one for one in given) else None

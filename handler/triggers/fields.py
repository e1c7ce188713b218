"""Finds ids in a message: tolerant about where they are, strict about what they are."""

from __future__ import annotations

import json
import re

from handler.triggers.messages import SANE_ID, Message, Unreadable

_SCALING_GROUP_ARN = re.compile(r"acs:ess:[^:]*:[^:]*:scalinggroup/([^/]+)", re.IGNORECASE)
_INSTANCE_ARN = re.compile(r"acs:ecs:[^:]*:[^:]*:instance/([^/]+)", re.IGNORECASE)
_MAX_IDS = 1000


def sane_id(value: object, path: str) -> str:
    """Return an id unchanged. Raises Unreadable, naming the path, if it is not valid."""
    if isinstance(value, str) and SANE_ID.fullmatch(value):
        return value
    raise Unreadable(f"{path}: expected an id of 1 to 128 letters, digits and - _ . :")


def scaling_group(message: Message) -> str:
    """Return the scaling group's id. Raises Unreadable with the paths that were tried."""
    for part in message.parts:
        if part.get("scalingGroupId") is not None:
            return sane_id(part["scalingGroupId"], "scalingGroupId")
    body = message.body
    for arn in (body.get("resourceArn"), body.get("resourceId"), message.subject):
        found = _SCALING_GROUP_ARN.fullmatch(arn) if isinstance(arn, str) else None
        if found:
            return sane_id(found[1], "the scaling group's ARN")
    raise Unreadable(
        "no scaling group: looked for scalingGroupId in the message and its content, "
        "and for its ARN in resourceArn, resourceId and subject"
    )


def scaling_instances(message: Message) -> tuple[str, ...]:
    """Return the instances that an Auto Scaling message names, each once; empty if it names none."""
    for part in message.parts:
        for field in ("instanceIds", "instanceId"):
            if part.get(field) is not None:
                return _ids(part[field], field)
    return ()


def instance(message: Message) -> str:
    """Return the instance of an ECS event, which may be in an ARN.

    Raises Unreadable with the paths that were tried.
    """
    for part in message.parts:
        for field in ("instanceId", "resourceId"):
            value = part.get(field)
            if value is None:
                continue
            found = _INSTANCE_ARN.fullmatch(value) if isinstance(value, str) else None
            if isinstance(value, str) and value.startswith("acs:") and not found:
                raise Unreadable(f"{field}: expected an instance's id or ARN")
            return sane_id(found[1] if found else value, field)
    raise Unreadable("no instance: looked for instanceId and resourceId in the message and its content")


def _ids(value: object, field: str) -> tuple[str, ...]:
    """Return the ids of a list, of its JSON text, or of a text with commas."""
    if isinstance(value, str):
        value = _listed(value, field)
    if not isinstance(value, list):
        raise Unreadable(f"{field}: expected a list of ids, or a text of them")
    if len(value) > _MAX_IDS:
        raise Unreadable(f"{field}: more than {_MAX_IDS} ids")
    return tuple(dict.fromkeys(sane_id(one, f"{field}[{index}]") for index, one in enumerate(value)))


def _listed(value: str, field: str) -> object:
    if not value.lstrip().startswith("["):
        return [one.strip() for one in value.split(",") if one.strip()]
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise Unreadable(f"{field}: not JSON") from None

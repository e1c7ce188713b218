"""``slb-swap plan``: what would be done on the real group; writes nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from handler.core.model.values import Intent
from handler.settings import Settings
from handler.triggers import reading
from handler.triggers.messages import Ignored, Rejected, Unreadable, digest
from handler.triggers.reading import Delivery
from swapctl import access, ending, given, options, planning, view
from swapctl.ending import WrongUse


def command(
    event: options.Event = None,
    request: options.Request = None,
    timer: Annotated[
        bool, typer.Option("--timer", help="what the timer would do: compare with the scaling groups")
    ] = False,
    targets: options.Targets = None,
    endpoint: options.Endpoint = None,
    region: options.Region = None,
    json: options.Json = False,
) -> int:
    """Show what would be done, by wave, and what is refused and why. Reads the real group, writes nothing.

    Without EVENT, --request and --timer it is the timer's plan.
    """
    if sum((event is not None, request is not None, timer)) > 1:
        raise WrongUse("plan: expected one of EVENT, --request FILE and --timer")
    settings = given.load(given.environment(targets, endpoint))
    region = access.region(region, local=settings.endpoints.loopback is not None)
    if request is not None:
        intents = given.request_intents(request, settings.targets)
        delivery = Delivery(intents, (), (), "deployment", (), False)
    else:
        delivery = read(given.TIMER if event is None else given.content(event), settings, region)
    told = of_delivery(delivery, settings, region)
    if json:
        view.as_json(told)
    else:
        show(told)
    return ending.of_plan(told)


def show(told: Mapping[str, Any]) -> None:
    """Print a plan; where there is none, with the failure that the cloud answered last, and its remedy."""
    view.result(told)
    for target in told["targets"]:
        if target.get("problem"):
            code, message, remedy = (target["problem"][key] for key in ("code", "message", "remedy"))
            why = f"{code} {message}".strip()
            why = f"{why.rstrip('.')}: {remedy}" if remedy else why
            view.say((f"{target['target']}: ", "bold"), why)


def read(raw: bytes, settings: Settings, region: str) -> Delivery:
    """Return what a delivery asks for. One that is still to be signed counts as signed so."""
    now = time.time()
    sample = given.sample(raw)
    if sample is None:
        return reading.read(
            raw, targets=settings.targets, region=region, now=now, secrets=settings.secrets.values
        )
    try:
        items = given.read_sample(sample, settings.targets, now)
    except Unreadable as error:
        items = [Rejected(str(error), digest(raw), error.status)]
    return Delivery(
        tuple(item for item in items if isinstance(item, Intent)),
        tuple(item for item in items if isinstance(item, Rejected)),
        tuple(item for item in items if isinstance(item, Ignored)),
        "deployment",
        (),
        True,
    )


def of_delivery(delivery: Delivery, settings: Settings, region: str) -> dict[str, Any]:
    """Return the plan of a delivery: the result that a dry run of the function would give, and more."""
    found: list[dict[str, Any]] = []
    if delivery.intents:
        found = planning.over(access.client(settings, region), delivery.intents, settings.targets)
    return planning.summed_up(found, delivery.rejected, delivery.ignored)


def of_files(event: Path, targets: Path | None, endpoint: str | None, region: str | None) -> dict[str, Any]:
    """Return the plan of a delivery in a file."""
    settings = given.load(given.environment(targets, endpoint))
    region = access.region(region, local=settings.endpoints.loopback is not None)
    return of_delivery(read(given.content(event), settings, region), settings, region)

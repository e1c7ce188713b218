"""``slb-swap check``: settings and secrets; and with credentials, whether the cloud is as they need it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from handler import settings
from handler.core.model.policy import Target
from handler.core.planning.shares import moved
from handler.main import MARGIN_S
from handler.settings import BadSettings, Settings
from swapctl import access, given, options, view
from swapctl.ending import DONE, FAILED, Failed, WrongUse
from swapctl.findings import Finding, good, look, wrong
from swapctl.surroundings import of_key, of_target

_REMEDY = "docs/settings.md has every key"


def command(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="the settings; default: SWAP_TARGETS")
    ] = None,
    targets: options.Targets = None,
    before: Annotated[
        Path | None,
        typer.Option("--before", metavar="FILE", help="the settings of before: what changes its writer"),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="do not ask the cloud")] = False,
    endpoint: options.Endpoint = None,
    region: options.Region = None,
    json: options.Json = False,
) -> int:
    """Check the settings and secrets; with credentials, also what they name. Writes nothing.

    Each line is good, to look at, or wrong, with the remedy. Ends with 1 if anything is wrong.
    """
    if file is not None and targets is not None:
        raise WrongUse("check: expected one of FILE and --targets")
    if region is not None:
        access.like_a_region(region)
    environ = given.environment(file or targets, endpoint)
    found = list(_settings(environ))
    if not any(one.level == "wrong" for one in found):
        loaded = given.load(environ)
        found += [_target(one) for one in loaded.targets]
        found += _writers(loaded)
        if before is not None:
            former = _of_before(before, environ)
            found += [*_moving(loaded, former, _number_of_writers(environ)), *_renamed(loaded, former)]
        found += _cloud(loaded, region, offline=offline)
    if json:
        view.as_json([one.as_json() for one in found])
    else:
        for one in found:
            view.say((f"{one.level:<6}", f"bold {view.COLOURS[one.level]}"), f"{one.about}: {one.what}")
            if one.remedy:
                view.say(f"{'':<8}{one.remedy}")
    return FAILED if any(one.level == "wrong" for one in found) else DONE


def _settings(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what the function would say of the settings, word for word."""
    try:
        loaded = settings.load(environ)
    except BadSettings as bad:
        for error in bad.errors:
            key, _, what = error.partition(": ")
            yield wrong(key, what, _REMEDY)
        return
    count = len(loaded.secrets.values)
    if count:
        yield good("SWAP_WEBHOOK_SECRETS", f"{count} that may sign")
    else:
        yield look("SWAP_WEBHOOK_SECRETS", "none: every request is refused", "needed only for requests")


def _target(target: Target) -> Finding:
    policy, fed = target.policy, " ".join(target.scaling_group_ids)
    what = (
        f"{target.vserver_group_id}, fed by {fed or 'requests only'}, {policy.strategy}, mode {target.mode},"
        f" max_unavailable {policy.max_unavailable}, min_backends {policy.min_backends}, "
        f"health {policy.health_timeout_s:g} s, drain {policy.drain_s:g} s, "
        f"a function timeout of {policy.time_needed_s + MARGIN_S:g} s or more"
    )
    if target.mode == "off":
        return look(target.name, what, 'deliveries are ignored until its mode is "plan" or "apply"')
    return good(target.name, what)


def _of_before(file: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings of before. Raises Failed, which names their file."""
    listed = given.listed(file)
    try:
        return given.load({**environ, "SWAP_TARGETS": listed})
    except Failed as failed:
        raise Failed(*(f"{file}: {line}" for line in failed.args)) from None


def _writers(loaded: Settings) -> Iterator[Finding]:
    """Yield how the targets are shared out, where there are several writers."""
    shares = Counter(loaded.writers[one.vserver_group_id] for one in loaded.targets if loaded.writers)
    if shares:
        yield good(
            "writers", ", ".join(f"{one} has {view.several(shares[one], 'target')}" for one in sorted(shares))
        )


def _number_of_writers(environ: Mapping[str, str]) -> int:
    """Return the number of writers in variables that were found to be right."""
    _, _, of = environ.get("SWAP_SHARD", "").partition("/")
    return int(of or environ.get("SWAP_WRITERS") or 1)


def _moving(loaded: Settings, before: Settings, writers: int) -> Iterator[Finding]:
    """Yield the targets that change their writer, and those that come to one that changes it."""
    moving = moved(before.targets, writers, loaded.targets, writers)
    for target in loaded.targets:
        had, has = (one.writers.get(target.vserver_group_id) for one in (before, loaded))
        if target.vserver_group_id in moving:
            what = f"goes from writer {had} to {has}" if had not in {None, has} else f"waits for writer {has}"
            yield look(target.name, what, "two updates of the stack: docs/deploying.md, Many targets")


def _renamed(loaded: Settings, before: Settings) -> Iterator[Finding]:
    """Yield the targets with another name than before, which their marks in the group still hold."""
    names = {target.name for target in loaded.targets}
    former = {t.vserver_group_id: t.name for t in before.targets if t.name not in names}
    for target in loaded.targets:
        if was := former.get(target.vserver_group_id):
            yield look(
                target.name,
                f"was {was}: servers that drain or wait for their weight under that name stay so",
                "keep the name, or let a request name these servers",
            )


def _cloud(loaded: Settings, region: str | None, *, offline: bool) -> Iterator[Finding]:
    if offline:
        return
    try:
        if not access.has_credentials() and not os.environ.get("ALIBABA_CLOUD_ECS_METADATA"):
            yield look(
                "the cloud", "not asked: no credentials", "give an access key or a profile, or use --offline"
            )
            return
        client = access.client(loaded, access.region(region, local=loaded.endpoints.loopback is not None))
    except Failed as failed:
        yield wrong("the cloud", str(failed), "or use --offline")
        return
    for target in loaded.targets:
        yield from of_target(client, target, several_writers=bool(loaded.writers))
    yield of_key()

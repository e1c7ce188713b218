"""``slb-swap local``: a local cloud with the function, and a page to watch it, until it is stopped."""

from __future__ import annotations

import contextlib
import json as jsons
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from swapctl import given, sending, view
from swapctl.ending import DONE, Failed, WrongUse

#: The largest number of a port.
MOST = 65_535
_DRY = {"target": "web", "terminated": ["i-old1"], "launched": ["i-new1"], "dry_run": True}


def command(
    state: Annotated[Path | None, typer.Option(metavar="FILE", help="default: that of events/")] = None,
    targets: Annotated[Path | None, typer.Option(metavar="FILE", help="default: those of events/")] = None,
    port: Annotated[int, typer.Option(help="of the local cloud; 0 takes a free one")] = 0,
    page_port: Annotated[int, typer.Option(help="of the page; 0 takes a free one")] = 0,
    env: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the variables to a file to source")
    ] = None,
    servers: Annotated[int | None, typer.Option(help="a group of so many in place of the state")] = None,
    json: Annotated[bool, typer.Option("--json", help="print JSON, for scripts")] = False,
) -> int:
    """Start a local cloud with the function; prints its addresses and what to copy. Ctrl-C ends it.

    The keys that it prints are made up, and open nothing but this cloud.
    """
    try:
        from show.page import world as worlds  # noqa: PLC0415
        from show.page.desk import Desk  # noqa: PLC0415 - it starts with the local cloud alone
        from show.page.server import PageServer  # noqa: PLC0415
        from show.signing import SECRET  # noqa: PLC0415
    except ImportError as error:
        raise Failed(
            f"local: {error.name} is missing: pip install 'slb-swap[local]', in a checkout"
        ) from None
    if servers is not None and (state or targets):
        raise WrongUse("local: --servers stands in place of --state and --targets")
    if not worlds.EVENTS.is_dir():
        raise Failed("local: it runs from a checkout of slb-swap, which has template.yml and events/")
    _check_numbers(port, page_port, servers)
    if env is not None and env.is_dir():
        raise WrongUse(f"--env: {env}: Is a directory")
    if env is not None and not env.absolute().parent.is_dir():
        raise WrongUse(f"--env: {env}: No such file or directory")
    stop = threading.Event()
    ends = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as under nohup
        ends.append(signal.SIGHUP)
    for number in ends:
        signal.signal(number, lambda *_: stop.set())
    settings = targets or worlds.EVENTS / "targets.json"
    wanted = None if targets is None else _targets(settings)
    world = None if state is None else given.json_object(given.content(state), str(state))
    try:
        desk = Desk(servers, world=world, wanted=wanted, port=port)
    except (OSError, ValueError) as error:
        raise Failed(f"local: {error}") from None
    try:
        page = PageServer(desk, page_port)
    except OSError as error:
        desk.close()
        raise Failed(f"local: the page's port {page_port}: {error.strerror}") from None
    threading.Thread(target=page.serve_forever, args=(0.1,), daemon=True).start()
    told = {**jsons.loads(desk.cloud.greeting()), "page": page.url}
    said = str(settings.resolve()) if servers is None else jsons.dumps(worlds.targets(servers))
    variables = _variables(told, said, SECRET)
    if env is not None:
        _write(env, variables)
    if json:
        print(jsons.dumps(told), flush=True)
    else:
        begins = str(state or "events/state.json") if servers is None else view.several(servers, "server")
        _greet(told, variables, begins, said, env, SECRET)
    stop.wait()
    if env is not None:
        _unwrite(env, variables)
    page.close()
    desk.close()
    return DONE


def _check_numbers(port: int, page_port: int, servers: int | None) -> None:
    for option, number in (("--port", port), ("--page-port", page_port)):
        if not 0 <= number <= MOST:
            raise WrongUse(f"local: {option}: expected 0 to {MOST}, got {number}")
    if servers is not None and servers < 1:
        raise WrongUse(f"local: --servers: expected 1 or more, got {servers}")


def _targets(file: Path) -> list[dict[str, Any]]:
    """Return the list of targets in a file. Raises Failed in the settings' words, WrongUse."""
    environ = {"SWAP_TARGETS": given.listed(file)}
    if not environ["SWAP_TARGETS"]:
        raise WrongUse(f"{file}: empty, expected a JSON list of targets")
    given.load(environ)
    return list(jsons.loads(environ["SWAP_TARGETS"]))


def _variables(told: Mapping[str, Any], settings: str, secret: str) -> dict[str, str]:
    """Return what the other commands, and the documents' examples, take from the environment."""
    return {
        "SWAP_ENDPOINT": str(told["endpoint"]),
        "SWAP_TARGETS": settings,
        "SWAP_WEBHOOK_SECRETS": secret,
        "ALIBABA_CLOUD_REGION_ID": str(told["region_id"]),
        "ALIBABA_CLOUD_ACCESS_KEY_ID": str(told["access_key_id"]),
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": str(told["access_key_secret"]),
        "URL": str(told.get("webhook_url") or ""),
    }


def _write(file: Path, variables: Mapping[str, str]) -> None:
    """Write the variables whole: whoever waits for the file must not see half of it."""
    part = file.with_name(f"{file.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(_exports(variables))
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise WrongUse(f"--env: {file}: {error.strerror}") from None


def _unwrite(file: Path, variables: Mapping[str, str]) -> None:
    """Remove the variables of a cloud that ends, unless another one has written its own."""
    with contextlib.suppress(OSError):
        if file.read_text(encoding="utf-8") == _exports(variables):
            file.unlink()


def _exports(variables: Mapping[str, str]) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def _greet(
    told: Mapping[str, Any],
    variables: Mapping[str, str],
    state: str,
    settings: str,
    env: Path | None,
    secret: str,
) -> None:
    view.say(("page      ", "bold"), str(told["page"]))
    view.say(("webhook   ", "bold"), str(told.get("webhook_url") or "none"))
    view.say(("endpoint  ", "bold"), str(told["endpoint"]))
    view.say(("functions ", "bold"), " ".join(told.get("functions", {}).values()))
    view.say(("state     ", "bold"), state, f", settings {settings}")
    view.say("\nThe other commands work on it in a terminal with these variables; the keys are made up:\n")
    if env is not None:
        view.say(f"    . {shlex.quote(str(env))}")
    else:
        for name, value in variables.items():
            _as_it_is(f"    export {name}={shlex.quote(value)}")
    if state == "events/state.json" and settings.endswith("events/targets.json"):
        view.say("\nA dry run by curl, good for five minutes:\n")
        _as_it_is(f"    {_curl(variables['URL'], secret)}")
    view.say("\nCtrl-C ends it.")
    sys.stdout.flush()


def _as_it_is(line: str) -> None:
    """Print what is to be copied: who has sourced the made-up keys has them among the secrets to hide."""
    print(line)


def _curl(url: str, secret: str) -> str:
    body = jsons.dumps(_DRY)
    headers = sending.signed(body.encode(), secret, f"msg_{int(time.time())}", time.time())
    said = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items())
    return f"curl -sS {shlex.quote(url)} {said} --data {shlex.quote(body)}"

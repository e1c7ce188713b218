"""`python -m localcloud serve`: the local cloud as a process of its own."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from localcloud.serving import LocalCloud
from localcloud.state import file as state_file
from localcloud.template.ros import TemplateError


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise argparse.ArgumentTypeError(f"{text!r}: NAME=VALUE is needed")
    return name, value


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r}: a port from 0 to 65535 is needed")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcloud", description=__doc__)
    serve = parser.add_subparsers(dest="command", required=True).add_parser(
        "serve", help="answer until stopped"
    )
    serve.add_argument("--port", type=_port, metavar="N", default=0, help="0, the default, takes a free one")
    serve.add_argument("--state", type=Path, metavar="FILE", help="the state to begin with, as JSON")
    serve.add_argument(
        "--template", type=Path, metavar="FILE", help="default: ./template.yml, if there is one"
    )
    serve.add_argument("--param", type=_pair, action="append", default=[], metavar="NAME=VALUE")
    serve.add_argument("--env", type=_pair, action="append", default=[], metavar="NAME=VALUE")
    serve.add_argument("--tls", action="store_true", help="https://localhost, with a certificate of its own")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; 2 where it cannot begin."""
    options = _parser().parse_args(arguments)
    template = options.template or (Path("template.yml") if Path("template.yml").exists() else None)
    state, env = options.state, dict(options.env)
    events = Path("events")
    if template is not None and state is None and events.is_dir():
        state, taken = events / "state.json", "state is that"
        if "SWAP_TARGETS" not in env and "SwapTargets" not in dict(options.param):
            env["SWAP_TARGETS"] = (events / "targets.json").read_text(encoding="utf-8")
            taken = "state and targets are those"
        print(f"localcloud: {taken} of {events}/", file=sys.stderr)  # noqa: T201
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        cloud = LocalCloud(
            state_file.read(state) if state else {},
            port=options.port,
            tls=options.tls,
            template=template,
            params=dict(options.param),
            env=env,
            echo=True,
        )
    except (OSError, ValueError, TemplateError) as error:
        print(f"localcloud: {error}", file=sys.stderr)  # noqa: T201
        return 2
    with cloud:
        print(cloud.greeting(), flush=True)  # noqa: T201
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())

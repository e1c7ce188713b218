"""The function's settings, from its environment: all errors in them are reported at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args

from msgspec import Struct, field

from handler import blinds, shards
from handler import targets as listed
from handler.cloud import credentials, endpoints
from handler.cloud.endpoints import Endpoints, Network
from handler.core.model.policy import Target
from handler.triggers import keys
from handler.triggers.faults import nearest

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

#: A function, on Function Compute 2.0 after its service; either may have a version or alias after a dot.
_FUNCTION: Final = re.compile(r"([A-Za-z_][\w-]*(\.[\w-]+)?/)?[A-Za-z_][\w-]*(\.[\w-]+)?", re.ASCII)

#: The variables that are ours alone. LOG_LEVEL is not: others may have similar names.
_VARIABLES: Final = frozenset(
    {
        "SWAP_TARGETS",
        "SWAP_WEBHOOK_SECRETS",
        "SWAP_NETWORK",
        "SWAP_FUNCTION",
        "SWAP_ENDPOINT",
        "SWAP_ENDPOINTS",
        *shards.VARIABLES,
    }
)
#: How similar to ours, by difflib, 0 to 1, a name without SWAP_ must be to count as misspelt.
_NEARLY: Final = 0.87


class BadSettings(Exception):  # noqa: N818 - the name says what is the matter
    """Settings that cannot be used; ``errors`` has a line for each error, with its key, without secrets."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        errors = tuple(map(blinds.hide_webhook_secrets, errors))
        super().__init__("\n".join(errors))
        self.errors = errors


class Secrets(Struct, frozen=True):
    """The secrets that sign webhooks; several while one replaces another. ``repr`` shows none."""

    values: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Secrets()"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show nothing in a table either."""
        return []


class Settings(Struct, frozen=True):
    """The settings of the function.

    ``function`` is where ``webhook`` finds ``swap``: the service, empty on Function Compute 3.0, and the
    function. ``writers`` has the writer of each VServer group, from 1, if there are several.
    """

    targets: tuple[Target, ...]
    endpoints: Endpoints = Endpoints()
    secrets: Secrets = Secrets()
    function: tuple[str, str] = ("slb-swap", "swap")
    log_level: LogLevel = "INFO"
    writers: Mapping[str, int] = field(default_factory=dict)

    def writer_of(self, name: str) -> tuple[str, str]:
        """Return where ``webhook`` finds the writer of a target: ``function``, or its name with a number."""
        group_id = next(target.vserver_group_id for target in self.targets if target.name == name)
        number = self.writers.get(group_id, 1)
        service, (function, dot, alias) = self.function[0], self.function[1].partition(".")
        return self.function if number == 1 else (service, f"{function}-{number}{dot}{alias}")

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names and ids of all targets."""
        return tuple(
            name
            for target in self.targets
            for name in (target.name, target.vserver_group_id, *target.scaling_group_ids)
        )


def from_package(path: str) -> str:
    """Read a text file of the deployed package; raises OSError."""
    return (Path(__file__).parent.parent / path).read_text(encoding="utf-8")


def load(environ: Mapping[str, str], read_file: Callable[[str], str] = from_package) -> Settings:
    """Read the settings; raises BadSettings with everything that is wrong."""
    errors: list[str] = []
    targets = listed.read(environ.get("SWAP_TARGETS", "").strip(), read_file, errors)
    url, loopback = environ.get("SWAP_ENDPOINT", "").strip(), None
    if url:
        try:
            loopback = endpoints.loopback(url)
        except ValueError as why:
            errors.append(f"SWAP_ENDPOINT: {why}")
    hosts: dict[str, str] = {}
    try:
        hosts = endpoints.hosts(environ.get("SWAP_ENDPOINTS", ""))
    except ValueError as why:
        errors.append(f"SWAP_ENDPOINTS: {why}")
    network = _choice("SWAP_NETWORK", environ.get("SWAP_NETWORK") or "public", Network, errors)
    level = _choice("LOG_LEVEL", environ.get("LOG_LEVEL") or "INFO", LogLevel, errors)
    function = _function(environ.get("SWAP_FUNCTION", "").strip() or "slb-swap/swap", errors)
    secrets = _secrets(environ.get("SWAP_WEBHOOK_SECRETS", ""), errors, is_local=loopback is not None)
    targets, writers = shards.read(environ, targets, read_file, errors)
    _bundle(environ.get("ALIBABA_CLOUD_CA_BUNDLE", ""), errors)
    errors.extend(_misspelt(environ))
    if errors:
        hidden = secret_texts(environ)
        raise BadSettings(tuple(blinds.hide_these(error, hidden) for error in errors))
    where = Endpoints(network, loopback, hosts)
    return Settings(targets, where, Secrets(secrets), function, level, writers)


def secret_texts(environ: Mapping[str, str]) -> list[str]:
    """Return what must never be printed of an environment: webhook secrets, the access key, the token."""
    parts = environ.get("SWAP_WEBHOOK_SECRETS", "").split(",")
    return [*keys.texts(part.strip() for part in parts), *credentials.in_environment(environ)]


def _function(given: str, errors: list[str]) -> tuple[str, str]:
    """Return service and function: "service/function" on Function Compute 2.0, "function" on 3.0."""
    if not _FUNCTION.fullmatch(given) or given.startswith(keys.PREFIX):
        errors.append(
            "SWAP_FUNCTION: expected a function such as slb-swap (Function Compute 3.0), "
            "or service/function such as slb-swap/swap (2.0)"
        )
    service, _, function = given.rpartition("/")
    return service, function


def _secrets(given: str, errors: list[str], *, is_local: bool) -> tuple[str, ...]:
    """Return the secrets of a list with commas, each once; errors name a secret's place, never its text.

    The secret of the examples is for a local cloud alone.
    """
    parts = [part.strip() for part in given.split(",")]
    for at, part in enumerate(parts):
        wrong = keys.fault(part) if part else None
        if not is_local and keys.is_published(part):
            wrong = "expected a secret of your own, got that of the examples"
        if wrong:
            errors.append(f"SWAP_WEBHOOK_SECRETS[{at}]: {wrong}")
    return tuple(dict.fromkeys(filter(None, parts)))


def _bundle(path: str, errors: list[str]) -> None:
    """Look for certificates to trust, if others are to be: without any, each call fails.

    They are not parsed: that takes 17 ms, which the client spends anyway.
    """
    if not path:
        return
    try:
        is_one = b"CERTIFICATE-----" in Path(path).read_bytes()
    except OSError:
        is_one = False
    if not is_one:
        shown = blinds.quotable(path)
        errors.append(f"ALIBABA_CLOUD_CA_BUNDLE: cannot read certificates from {shown!r}")


def _misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each variable that looks like a misspelt one of ours, with the nearest name."""
    ours = {_plain(name): name for name in sorted(_VARIABLES)}
    for name in sorted(environ.keys() - _VARIABLES):
        begins = name.upper().startswith("SWAP_")
        found = difflib.get_close_matches(_plain(name), ours, 1, 0.6 if begins else _NEARLY)
        if found:
            yield f"{name}: unknown, did you mean {ours[found[0]]}?"
        elif begins:
            yield f"{name}: unknown, expected one of {', '.join(ours.values())}"


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


def _choice(name: str, given: str, known: Any, errors: list[str]) -> Any:
    """Return the known word that is given, in capitals or not."""
    for word in get_args(known):
        if word.lower() == given.lower():
            return word
    hint = nearest(given, get_args(known))
    errors.append(
        f"{name}: expected one of {', '.join(get_args(known))}, got {blinds.quotable(given)!r}{hint}"
    )
    return given

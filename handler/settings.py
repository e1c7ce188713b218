"""The function's settings, from its environment: everything that is wrong with them is said at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta

from handler.cloud import endpoints
from handler.cloud.endpoints import Network
from handler.core.model.values import Mode, Policy, Strategy, Target

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

#: Begins the description of a backend that we add. A description may have 80 characters
#: (AddVServerGroupBackendServers), which leaves a target's name 71.
MARK: Final = "slb-swap/"

_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.\-\u4e00-\u9fff]{1,71}\Z")]
_Count = Annotated[int, Meta(ge=0)]
_Share = Annotated[str, Meta(pattern=r"^(100|[0-9]{1,2})%\Z")]
_Seconds = Annotated[float, Meta(ge=0, le=86400)]
_Wait = Annotated[float, Meta(gt=0, le=86400)]

#: What a target may say, and what it has to look like. The defaults are those of ``core.values.Policy``.
_TARGET: Final[Mapping[str, Any]] = {
    "name": _Name,
    "vserver_group_id": Annotated[str, Meta(pattern=r"^rsp-[A-Za-z0-9_\-]{1,60}\Z")],
    "scaling_group_ids": list[Annotated[str, Meta(min_length=1)]],
    "ports": list[Annotated[int, Meta(ge=1, le=65535)]],
    "weight": Annotated[int, Meta(ge=1, le=100)],  # 0 would leave the group without service
    "mode": Mode,
    "strategy": Strategy,
    "max_unavailable": _Count | _Share,
    "min_backends": _Count,
    "max_removed": _Count | _Share,
    "exclusive": bool,
    "drain_s": _Seconds,
    "health": dict[str, Any],
}
_HEALTH: Final[Mapping[str, Any]] = {"timeout_s": _Seconds, "interval_s": _Wait}

#: What is expected, where the decoder would show a pattern.
_EXPECTED: Final = {
    "name": "1 to 71 letters, digits, '-', '_' or '.'",
    "vserver_group_id": "the id of a VServer group, which begins with rsp-",
    "mode": f"one of {', '.join(get_args(Mode))}",
    "strategy": f"one of {', '.join(get_args(Strategy))}",
    "max_unavailable": 'a number of servers, or a share like "25%"',
    "max_removed": 'a number of servers, or a share like "50%"',
}


class BadSettings(Exception):  # noqa: N818 - the name says what is the matter
    """Settings that cannot be used; ``errors`` holds one line for each thing that is wrong, with its key."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Secrets:
    """What signs a webhook: one, or several while one takes over from another. ``repr`` shows none."""

    values: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the environment says; ``endpoint`` is None but for a local cloud.

    ``function`` is where ``webhook`` finds ``swap``: the service and the function.
    """

    targets: tuple[Target, ...]
    endpoint: str | None = None
    network: Network = "public"
    secrets: Secrets = Secrets()
    function: tuple[str, str] = ("slb-swap", "swap")
    log_level: LogLevel = "INFO"
    hosts: Mapping[str, str] = field(default_factory=dict)


def from_package(path: str) -> str:
    """Read a text file of the package that is deployed; raises OSError."""
    return (Path(__file__).parent.parent / path).read_text(encoding="utf-8")


def load(environ: Mapping[str, str], read_file: Callable[[str], str] = from_package) -> Settings:
    """Read the settings; raises BadSettings with everything that is wrong with them."""
    errors: list[str] = []
    targets = _targets(environ.get("SWAP_TARGETS", "").strip(), read_file, errors)
    endpoint = environ.get("SWAP_ENDPOINT", "").strip() or None
    if endpoint is not None:
        try:
            endpoints.loopback(endpoint)
        except ValueError as why:
            errors.append(f"SWAP_ENDPOINT: {why}")
    hosts: dict[str, str] = {}
    try:
        hosts = endpoints.hosts(environ.get("SWAP_ENDPOINTS", ""))
    except ValueError as why:
        errors.append(f"SWAP_ENDPOINTS: {why}")
    network = _choice("SWAP_NETWORK", environ.get("SWAP_NETWORK", "").lower() or "public", Network, errors)
    level = _choice("LOG_LEVEL", environ.get("LOG_LEVEL", "").upper() or "INFO", LogLevel, errors)
    service, _, function = (environ.get("SWAP_FUNCTION", "").strip() or "slb-swap/swap").partition("/")
    if not service or not function or "/" in function:
        errors.append("SWAP_FUNCTION: expected service/function, such as slb-swap/swap")
    secrets = (secret.strip() for secret in environ.get("SWAP_WEBHOOK_SECRETS", "").split(","))
    if errors:
        raise BadSettings(tuple(errors))
    return Settings(
        targets, endpoint, network, Secrets(tuple(filter(None, secrets))), (service, function), level, hosts
    )


def _choice(name: str, value: str, known: Any, errors: list[str]) -> Any:
    if value not in get_args(known):
        errors.append(f"{name}: expected one of {', '.join(get_args(known))}, got {value!r}")
    return value


def _targets(given: str, read_file: Callable[[str], str], errors: list[str]) -> tuple[Target, ...]:
    if not given:
        errors.append("SWAP_TARGETS: expected a JSON list of targets, or the path of one in the package")
        return ()
    if not given.startswith(("[", "{")):
        if PurePosixPath(given).is_absolute() or ".." in PurePosixPath(given).parts:
            errors.append(f"SWAP_TARGETS: expected a path inside the package, got {given!r}")
            return ()
        try:
            given = read_file(given)
        except (OSError, UnicodeDecodeError) as why:
            reason = getattr(why, "strerror", None) or "not UTF-8"
            errors.append(f"SWAP_TARGETS: cannot read {given!r}: {reason}")
            return ()
    try:
        listed = msgspec.json.decode(given)
    except (msgspec.DecodeError, RecursionError) as why:
        errors.append(f"SWAP_TARGETS: {why}")
        return ()
    if not isinstance(listed, list) or not listed:
        errors.append("SWAP_TARGETS: expected a list of at least one target")
        return ()
    found = [_target(item, f"targets[{at}]", errors) for at, item in enumerate(listed)]
    errors.extend(_clashes(found))
    return tuple(target for target in found if target is not None)


def _target(item: object, at: str, errors: list[str]) -> Target | None:
    """Return a target; None, and what is wrong with it in ``errors``, if it cannot be used."""
    before = len(errors)
    if not isinstance(item, dict):
        errors.append(f"{at}: expected an object")
        return None
    said = _fields(item, _TARGET, at, errors)
    health = _fields(said.pop("health", {}), _HEALTH, f"{at}.health", errors)
    if "vserver_group_id" not in item:
        errors.append(f"{at}.vserver_group_id: required")
    for name in ("ports", "scaling_group_ids"):
        errors.extend(f"{at}.{name}: {again!r} twice" for again in _repeated(said.get(name, ())))
    if len(errors) > before:
        return None
    group_id = said.pop("vserver_group_id")
    name = said.pop("name", group_id)
    scaling_group_ids = tuple(said.pop("scaling_group_ids", ()))
    mode = said.pop("mode", "apply")
    said["ports"] = tuple(said.get("ports", ()))
    timing = {f"health_{key}": value for key, value in health.items()}
    return Target(name, group_id, scaling_group_ids, mode, Policy(mark=f"{MARK}{name}", **said, **timing))


def _fields(item: dict[str, Any], known: Mapping[str, Any], at: str, errors: list[str]) -> dict[str, Any]:
    """Return the values of an object that are as they should be; say of each other one what is expected."""
    good: dict[str, Any] = {}
    for name, value in item.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            errors.append(f"{at}.{name}: unknown" + (f", did you mean {near[0]}?" if near else ""))
            continue
        try:
            good[name] = msgspec.convert(value, known[name])
        except msgspec.ValidationError as why:
            expected, _, path = str(why).partition(" - at `$")
            expected = expected[0].lower() + expected[1:]
            if name in _EXPECTED:
                expected = f"expected {_EXPECTED[name]}"
            errors.append(f"{at}.{name}{path.rstrip('`')}: {expected}")
    return good


def _clashes(found: list[Target | None]) -> Iterator[str]:
    """Yield what no two targets may have in common."""
    for at, target in enumerate(found):
        for earlier, other in enumerate(found[:at]):
            if target is None or other is None:
                continue
            if target.name == other.name and target.vserver_group_id != other.vserver_group_id:
                yield f"targets[{at}].name: {target.name!r} is the name of targets[{earlier}] too"
            elif target.name == other.name:
                yield f"targets[{at}].name: targets[{earlier}] has the same group and name; give each a name"
            elif target.name == other.vserver_group_id or other.name == target.vserver_group_id:
                yield f"targets[{at}].name: a name may not be the group of another, targets[{earlier}]"
            same_group = target.vserver_group_id == other.vserver_group_id
            if same_group and (target.policy.exclusive or other.policy.exclusive):
                yield f"targets[{at}].vserver_group_id: targets[{earlier}] has it too, and one is exclusive"


def _repeated(values: Any) -> list[Any]:
    return sorted({value for value in values if values.count(value) > 1})

"""The targets in SWAP_TARGETS: what each key may be, and readable errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, get_args

import msgspec
from msgspec import Meta

from handler.blinds import quotable
from handler.core.model.marks import Marks
from handler.core.model.policy import Mode, Policy, Target
from handler.core.model.values import Strategy
from handler.triggers.faults import broken, in_words, kind_of, nearest, repeated_key

# With its mark, a name of 71 characters fills the 80 of a description: see core.model.marks.
_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.\-\u4e00-\u9fff]{1,71}\Z")]
_GroupId = Annotated[str, Meta(pattern=r"^rsp-[A-Za-z0-9_\-]{1,60}\Z")]
_LoadBalancerId = Annotated[str, Meta(pattern=r"^lb-[A-Za-z0-9_\-]{1,60}\Z")]
# Older ids of scaling groups lack asg-.
_ScalingGroupId = Annotated[str, Meta(pattern=r"^(?!(rsp|sgp|[an]?lb|i)-)[A-Za-z0-9][\w.\-]{0,127}\Z")]
_Count = Annotated[int, Meta(ge=0)]
_Share = Annotated[str, Meta(pattern=r"^(100|[0-9]{1,2})%\Z")]
_Seconds = Annotated[float, Meta(ge=0, le=86400)]
_Wait = Annotated[float, Meta(gt=0, le=86400)]

#: The keys of a target and their types. ``Policy`` has the defaults.
_TARGET: Final[Mapping[str, Any]] = {
    "name": _Name,
    "vserver_group_id": _GroupId,
    "load_balancer_id": _LoadBalancerId,
    "scaling_group_ids": list[_ScalingGroupId],
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

#: What each key expects; ``[]`` stands for the items of a list.
_EXPECTED: Final[Mapping[str, str]] = {
    "name": "1 to 71 letters, digits, '-', '_' or '.'",
    "vserver_group_id": "the id of a VServer group, which begins with rsp-",
    "load_balancer_id": "the id of a Classic Load Balancer, which begins with lb-",
    "scaling_group_ids": "a list of ids of scaling groups",
    "scaling_group_ids[]": "the id of a scaling group",
    "ports": "a list of ports, 1 to 65535",
    "ports[]": "a port, 1 to 65535",
    "weight": "a number from 1 to 100",
    "max_unavailable": 'a number of servers, or a share like "25%"',
    "min_backends": "a number of servers, 0 or more",
    "max_removed": 'a number of servers, or a share like "50%"',
    "exclusive": "true or false",
    "drain_s": "seconds, 0 to 86400",
    "health": "an object with timeout_s and interval_s",
    "timeout_s": "seconds, 0 to 86400",
    "interval_s": "seconds above 0, up to 86400",
}
_CHOICES: Final = {"mode": get_args(Mode), "strategy": get_args(Strategy)}

#: Beginnings of ids that are easily confused.
_IDS: Final = {
    "sgp-": "a server group of an ALB or NLB, which has another API",
    "lb-": "a Classic Load Balancer",
    "alb-": "an ALB",
    "nlb-": "an NLB",
    "asg-": "a scaling group",
    "i-": "an instance",
    "rsp-": "a VServer group",
}
#: The keys that hold ids.
_OF_IDS: Final = frozenset({"vserver_group_id", "load_balancer_id", "scaling_group_ids"})
_WORDS: Final = {"yes": "true", "on": "true", "no": "false", "off": "false"}


#: Characters of a file's name, at most (Linux, NAME_MAX): a longer text is no path.
_LONGEST_PATH: Final = 255
#: Characters of a hint, at most.
_LONGEST_HINT: Final = 64


class _NoListError(ValueError):
    """Why there is no list of targets."""


def read(given: str, read_file: Callable[[str], str], errors: list[str]) -> tuple[Target, ...]:
    """Return the targets of SWAP_TARGETS; errors are added to ``errors``."""
    try:
        listed = _list(given, read_file)
    except _NoListError as why:
        errors.append(f"SWAP_TARGETS: {why}")
        return ()
    found = [_target(item, f"targets[{at}]", errors) for at, item in enumerate(listed)]
    errors.extend(_clashes(found))
    return tuple(target for target in found if target is not None)


def _list(given: str, read_file: Callable[[str], str]) -> list[Any]:
    """Return the list in a setting, or in the file that the setting names."""
    if not given:
        raise _NoListError("expected a JSON list of targets, or the path of one in the package")
    where = ""
    if not given.startswith(("[", "{")):
        where = f"{quotable(given)!r}: "
        given = _in_file(given, read_file)
    try:
        listed = msgspec.json.decode(given)
    except (msgspec.DecodeError, RecursionError) as why:
        raise _NoListError(f"{where}not JSON: {broken(why)}") from None
    except UnicodeError:
        raise _NoListError(f"{where}not UTF-8") from None
    again = repeated_key(given)
    if again is not None:
        raise _NoListError(f"{where}{quotable(again)!r} is twice in one object")
    if not isinstance(listed, list) or not listed:
        got = "an empty list" if listed == [] else kind_of(listed)
        hint = ": put it in [ ]" if isinstance(listed, dict) else ""
        raise _NoListError(f"{where}expected a list of at least one target, got {got}{hint}")
    return listed


def _in_file(path: str, read_file: Callable[[str], str]) -> str:
    if "{" in path or len(path) > _LONGEST_PATH or len(path.splitlines()) > 1:
        raise _NoListError(
            f"expected a JSON list of targets, which begins with [, got text that begins with {path[0]!a}"
        )
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise _NoListError(f"expected a path inside the package, got {quotable(path)!r}")
    try:
        return read_file(path)
    except (OSError, UnicodeDecodeError) as why:
        reason = getattr(why, "strerror", None) or "not UTF-8"
        raise _NoListError(f"cannot read {quotable(path)!r}: {reason}") from None


def _target(item: object, at: str, errors: list[str]) -> Target | None:
    """Return a target; None, with its errors added to ``errors``, if it cannot be used."""
    before = len(errors)
    if not isinstance(item, dict):
        errors.append(f"{at}: expected an object with vserver_group_id, got {kind_of(item)}")
        return None
    said = _fields(item, _TARGET, at, errors)
    health = _fields(said.pop("health", {}), _HEALTH, f"{at}.health", errors)
    if "vserver_group_id" not in item:
        errors.append(f"{at}.vserver_group_id: required")
    for name in ("ports", "scaling_group_ids"):
        errors.extend(f"{at}.{name}: {again!r} twice" for again in _repeated(said.get(name, ())))
    timing = {f"health_{key}": value for key, value in health.items()}
    if len(errors) == before:
        errors.extend(f"{at}.health.{wrong}" for wrong in _hasty(timing))
    if len(errors) > before:
        return None
    group_id = said.pop("vserver_group_id")
    name = said.pop("name", group_id)
    balancer = said.pop("load_balancer_id", None)
    scaling_group_ids = tuple(said.pop("scaling_group_ids", ()))
    mode = said.pop("mode", "apply")
    said["ports"] = tuple(said.get("ports", ()))
    policy = Policy(marks=Marks(name), **said, **timing)
    return Target(name, group_id, scaling_group_ids, mode, policy, balancer)


def _hasty(timing: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with times that let no new server be looked at before its wave is rolled back."""
    policy = Policy(marks=Marks("any"), **timing)
    timeout_s, interval_s = policy.health_timeout_s, policy.health_interval_s
    if interval_s > timeout_s:
        yield f"timeout_s: expected interval_s ({interval_s:g}) or more, got {timeout_s:g}"


def _fields(item: dict[str, Any], known: Mapping[str, Any], at: str, errors: list[str]) -> dict[str, Any]:
    """Return the valid values of an object; add to ``errors`` what each other one should be."""
    good: dict[str, Any] = {}
    for name, value in item.items():
        if name not in known:
            hint = nearest(name, known) or f", expected one of {', '.join(known)}"
            errors.append(f"{at}.{quotable(name)}: unknown{hint}")
            continue
        try:
            good[name] = msgspec.convert(value, known[name])
        except msgspec.ValidationError as why:
            errors.extend(f"{at}.{name}{each}" for each in _wrong(name, value, known[name], why))
    return good


def _wrong(name: str, value: Any, kind: Any, why: Exception) -> Iterator[str]:
    """Yield the path in a key's value, and what it should be, for each item that is wrong, or for the whole.

    ``why`` is msgspec's error, which names the first.
    """
    expected, choices = _of(name, _EXPECTED), _of(name, _CHOICES)
    path, said = in_words(why, value, expected=expected, choices=choices)
    if not path:
        yield f": {said}{_meant(value, kind) or _id_of(name, value, said)}"
        return
    (of_item,) = get_args(kind)
    for at, item in enumerate(value):
        try:
            msgspec.convert(item, of_item)
        except msgspec.ValidationError as of_this:
            _, said = in_words(of_this, item, expected={"": expected["[]"]})
            yield f"[{at}]: {said}{_meant(item, of_item) or _id_of(name, item, said)}"


def _of(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table's rows for a key and for the items of its list, by the rest of the path."""
    return {key.removeprefix(name): table[key] for key in (name, f"{name}[]") if key in table}


def _meant(value: Any, kind: Any) -> str:
    """Return a hint at the value that was meant: a number for its text, or a list for its item."""
    plain = _plainly(value)
    others = [[value], plain, [plain]]
    if isinstance(value, list):
        others += value[:1]
    for other in others:
        try:
            msgspec.convert(other, kind)
        except msgspec.ValidationError:
            continue
        told = msgspec.json.encode(other).decode()
        return f", did you mean {told}?" if len(told) <= _LONGEST_HINT and quotable(told) == told else ""
    return ""


def _id_of(name: str, value: Any, said: str) -> str:
    """Return what a key's id names, if that is known and not expected; ``said`` is what was expected."""
    if name not in _OF_IDS:
        return ""
    for begin, what in _IDS.items():
        if isinstance(value, str) and value.startswith(begin) and what not in said:
            return f", got the id of {what}"
    return ""


def _plainly(value: Any) -> Any:
    """Return the JSON value of a text, such as true for "yes"; else the text without space around it."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    try:
        return msgspec.json.decode(_WORDS.get(text, text))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return value.strip()


def _clashes(found: list[Target | None]) -> Iterator[str]:
    """Yield clashes between targets; only those that share a name or an id are compared."""
    called: dict[str, dict[int, Target]] = {}
    for at, target in enumerate(found):
        if target is None:
            continue
        names = {target.name, target.vserver_group_id}
        others = {other: one for name in names for other, one in called.get(name, {}).items()}
        for earlier in sorted(others):
            yield from _clash(at, target, earlier, others[earlier])
        for name in names:
            called.setdefault(name, {})[at] = target


def _clash(at: int, target: Target, earlier: int, other: Target) -> Iterator[str]:
    if target.name == other.name and target.vserver_group_id != other.vserver_group_id:
        yield f"targets[{at}].name: {target.name!r} is the name of targets[{earlier}] too"
    elif target.name == other.name:
        yield f"targets[{at}].name: targets[{earlier}] has the same group and name; give each a name"
    elif target.name == other.vserver_group_id or other.name == target.vserver_group_id:
        yield f"targets[{at}].name: it is the VServer group id of targets[{earlier}], or the reverse"
    same_group = target.vserver_group_id == other.vserver_group_id
    balancers = (target.load_balancer_id, other.load_balancer_id)
    if same_group and None not in balancers and len(set(balancers)) > 1:
        yield f"targets[{at}].load_balancer_id: targets[{earlier}] has the same group and another one"
    if same_group and (target.policy.exclusive or other.policy.exclusive):
        yield f"targets[{at}].vserver_group_id: targets[{earlier}] has it too, and one is exclusive"


def _repeated(values: Any) -> list[Any]:
    return sorted(value for value, times in Counter(values).items() if times > 1)

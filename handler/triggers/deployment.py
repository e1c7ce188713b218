"""Reads a deployment's request: which servers of a target replace which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal, get_args

import msgspec

from handler.core.model import addresses
from handler.core.model.policy import Target
from handler.core.model.values import BackendType, Cause, Intent, Scope, ServerRef, Strategy
from handler.triggers.choosing import Item, by_name, of_each
from handler.triggers.faults import broken, in_words, repeated_key
from handler.triggers.messages import Unreadable, shown

ForceWord = Literal["min_backends", "max_unavailable", "max_removed", "still_in_service"]
FORCE_WORDS = get_args(ForceWord)
MAX_ENTRIES = 500

_MOST_SHOWN = 8  #: servers of a circle that a message names

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}\Z")]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Weight = Annotated[int, msgspec.Meta(ge=0, le=100)]
# The characters of a backend's Description (SLB, AddVServerGroupBackendServers); an empty one asks for none.
Description = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9/._\u4e00-\u9fff-]{0,80}\\Z")]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_Entries = msgspec.Meta(max_length=MAX_ENTRIES)


class Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A server in a request, with details of its backend; without a port, all of its ports."""

    server_id: Id
    port: Port | None = None
    weight: Weight | None = None
    type: BackendType | None = None
    server_ip: _Text | None = None
    description: Description | None = None


class Request(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The body of a request; see docs/webhook.md."""

    target: _Text
    terminated: Annotated[list[Id | Entry], _Entries] = []
    launched: Annotated[list[Id | Entry], _Entries] = []
    pairs: Annotated[list[tuple[Id, Id]], _Entries] = []
    gone: bool = False
    dry_run: bool = False
    strategy: Strategy | None = None
    force: Annotated[list[ForceWord], msgspec.Meta(max_length=len(FORCE_WORDS))] = []


_ENTRY_FIELDS = Entry.__struct_fields__
_FIELDS = {"": Request.__struct_fields__, ".terminated[]": _ENTRY_FIELDS, ".launched[]": _ENTRY_FIELDS}
_CHOICES: dict[str, tuple[str, ...]] = {
    ".strategy": get_args(Strategy),
    ".force[]": FORCE_WORDS,
    ".terminated[].type": get_args(BackendType),
    ".launched[].type": get_args(BackendType),
}
_SERVERS = f"a list of at most {MAX_ENTRIES} servers, each an id or an object with server_id"
_SERVER = "a server's id of 1 to 128 letters, digits and - _ . :, or an object with server_id"
_EXPECTED = {
    "": "an object with target, and servers in terminated, launched or pairs",
    ".target": "the name of a target, or the id of its VServer group, up to 128 characters",
    ".pairs": f"a list of at most {MAX_ENTRIES} pairs [old, new]",
    ".pairs[]": "two servers' ids, [old, new]",
    ".pairs[][]": "a server's id of 1 to 128 letters, digits and - _ . :",
    ".gone": "true or false",
    ".dry_run": "true or false",
    ".force": f"a list of at most {len(FORCE_WORDS)} words of {', '.join(FORCE_WORDS)}",
}
for _side in (".terminated", ".launched"):
    _EXPECTED |= {
        _side: _SERVERS,
        f"{_side}[]": _SERVER,
        f"{_side}[].server_id": "a server's id of 1 to 128 letters, digits and - _ . :",
        f"{_side}[].port": "a port, 1 to 65535",
        f"{_side}[].weight": "a weight, 0 to 100",
        f"{_side}[].server_ip": "an IPv4 or IPv6 address",
        f"{_side}[].description": "at most 80 letters, digits, Chinese characters and - / . _",
    }


def read(body: bytes, targets: Sequence[Target], event_ids: tuple[str, ...]) -> list[Item]:
    """Return the intent of a request's bytes. Raises Unreadable: 404 for an unknown target, else 400."""
    if not body.strip():
        raise Unreadable(f"the request: empty, expected {_EXPECTED['']}")
    try:
        request = msgspec.json.decode(body, type=Request)
    except msgspec.ValidationError as error:
        raise Unreadable(_told(error, _loosely(body))) from None
    except msgspec.DecodeError as error:
        raise Unreadable(f"the request: not JSON: {broken(error)}") from None
    except UnicodeDecodeError:
        raise Unreadable("the request: not UTF-8") from None
    again = repeated_key(body)
    if again is not None:
        raise Unreadable(f"the request: {shown(again)} is twice in one object")
    return _intent(request, targets, event_ids)


def read_value(value: object, targets: Sequence[Target], event_ids: tuple[str, ...]) -> list[Item]:
    """Return the intent of a request that is a JSON value already. Raises like ``read``."""
    try:
        request = msgspec.convert(value, Request)
    except msgspec.ValidationError as error:
        raise Unreadable(_told(error, value)) from None
    return _intent(request, targets, event_ids)


def _loosely(body: bytes) -> object:
    """Return a request's value, of any form, for a hint; None if it cannot be read."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _told(error: Exception, value: object) -> str:
    path, said = in_words(error, value, expected=_EXPECTED, choices=_CHOICES, fields=_FIELDS)
    return f"the request: ${path}: {said}" if path else f"the request: {said}"


def _intent(request: Request, targets: Sequence[Target], event_ids: tuple[str, ...]) -> list[Item]:
    _check_pairs(request.pairs)
    inner = {old for old, _ in request.pairs}  # of a chain old, new1, new2 only new2 is launched
    terminated = _listed(request.terminated, (old for old, _ in request.pairs), "terminated")
    launched = _listed(request.launched, (new for _, new in request.pairs if new not in inner), "launched")
    if not terminated and not launched:
        raise Unreadable("the request: expected at least one entry in terminated, launched or pairs")
    gone_for = _Covered()
    for entry in terminated:
        if gone_for.overlaps(entry):
            raise Unreadable(f"the request: terminated names {_shown(entry)} twice")
        gone_for.add(entry)
    come_for = _Covered()
    for entry in launched:
        if come_for.overlaps(entry):
            raise Unreadable(f"the request: launched names {_shown(entry)} twice")
        if gone_for.overlaps(entry):
            raise Unreadable(f"the request: {_shown(entry)} is both terminated and launched")
        come_for.add(entry)
    target = by_name(request.target, targets)
    # Nobody else gets a request: passed over as another writer's, it would be lost silently.
    target = msgspec.structs.replace(target, writer="us")
    cause = Cause.GONE if request.gone else Cause.REQUESTED
    asked = Intent(
        target.name,
        "deployment",
        event_ids,
        Scope.LITERAL,
        terminated=tuple(_named(entry, cause) for entry in terminated),
        launched=tuple(_named(entry, Cause.REQUESTED) for entry in launched),
        pairs=tuple(request.pairs),
        force=frozenset(request.force),
        dry_run=request.dry_run,
        strategy=request.strategy,
    )
    return of_each([target], asked)


def _listed(entries: Iterable[str | Entry], in_pairs: Iterable[str], side: str) -> list[Entry]:
    """Return a list's entries, followed by servers that only a pair names.

    Raises Unreadable for an address that no server can have.
    """
    listed = [
        Entry(entry) if isinstance(entry, str) else _at_its_address(entry, f"the request: $.{side}[{at}]")
        for at, entry in enumerate(entries)
    ]
    names = {entry.server_id for entry in listed}
    return listed + [Entry(one) for one in in_pairs if one not in names]


def _at_its_address(entry: Entry, path: str) -> Entry:
    if entry.server_ip is None:
        return entry
    try:
        return msgspec.structs.replace(entry, server_ip=addresses.normal(entry.server_ip))
    except ValueError as why:
        raise Unreadable(f"{path}.server_ip: {why}") from None


def _check_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    olds: set[str] = set()
    news: set[str] = set()
    for index, (old, new) in enumerate(pairs):
        if old == new:
            raise Unreadable(f"the request: $.pairs[{index}]: expected two servers")
        if old in olds or new in news:
            raise Unreadable(
                f"the request: $.pairs[{index}]: one of its servers is on that side of another pair"
            )
        olds.add(old)
        news.add(new)
    successor = dict(pairs)
    for head in olds - news:
        while head in successor:
            head = successor.pop(head)  # noqa: PLW2901 - from link to link
    if successor:
        names = ", ".join(shown(one) for one in _circle(successor))
        raise Unreadable(f"the request: $.pairs: expected chains with an end, got a circle: {names}")


def _circle(successor: Mapping[str, str]) -> Iterator[str]:
    """Yield the servers of the first circle, at most 8, in their order."""
    first = one = next(iter(successor))
    for _ in range(_MOST_SHOWN):
        yield one
        one = successor[one]
        if one == first:
            return


class _Covered:
    """The backends that entries cover: finds overlaps without comparing all pairs."""

    _ANY, _ALL = "any", "all"

    def __init__(self) -> None:
        self._seen: set[tuple[str, int | str, str | None]] = set()

    def add(self, entry: Entry) -> None:
        ports = (entry.port or self._ALL, self._ANY)
        addresses = ("=" + entry.server_ip if entry.server_ip else self._ALL, self._ANY)
        self._seen.update((entry.server_id, port, address) for port in ports for address in addresses)

    def overlaps(self, entry: Entry) -> bool:
        ports = (entry.port, self._ALL) if entry.port else (self._ANY,)
        addresses = ("=" + entry.server_ip, self._ALL) if entry.server_ip else (self._ANY,)
        return any((entry.server_id, port, address) in self._seen for port in ports for address in addresses)


def _shown(entry: Entry) -> str:
    """Return a server as an operator would name it: its id, with the entry's address if there is one."""
    return shown(entry.server_id if entry.server_ip is None else f"{entry.server_id}@{entry.server_ip}")


def _named(entry: Entry, cause: Cause) -> ServerRef:
    return ServerRef(
        entry.server_id,
        entry.port,
        entry.weight,
        entry.type,
        entry.server_ip,
        entry.description,
        cause,
    )

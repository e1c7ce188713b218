"""Reads a deployment's request: which servers of a target are to be replaced by which."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from handler.core.model.policy import Target
from handler.core.model.values import BackendType, Cause, Intent, Scope, ServerRef, Strategy
from handler.triggers.choosing import Item, by_name, switched_on
from handler.triggers.messages import Unreadable, shown

FORCE_WORDS = ("min_backends", "max_unavailable", "max_removed", "still_in_service")
MAX_ENTRIES = 500

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}\Z")]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Weight = Annotated[int, msgspec.Meta(ge=0, le=100)]
Address = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f:.]{2,45}\Z")]
# The alphabet of a backend's Description (SLB, AddVServerGroupBackendServers); an empty one asks for none.
Description = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9/._\u4e00-\u9fff-]{0,80}\\Z")]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_Entries = msgspec.Meta(max_length=MAX_ENTRIES)

_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.*?)`( - at `\$[\w.\[\]]{0,60}`)?", re.DOTALL)


class Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A server in a request, with what is said of its backend; no port means each of its ports."""

    server_id: Id
    port: Port | None = None
    weight: Weight | None = None
    type: BackendType | None = None
    server_ip: Address | None = None
    description: Description | None = None


class Request(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The body of a request; see the README for an example."""

    target: _Text
    terminated: Annotated[list[Id | Entry], _Entries] = []
    launched: Annotated[list[Id | Entry], _Entries] = []
    pairs: Annotated[list[tuple[Id, Id]], _Entries] = []
    gone: bool = False
    dry_run: bool = False
    strategy: Strategy | None = None
    force: Annotated[list[_Text], msgspec.Meta(max_length=len(FORCE_WORDS))] = []


def read(body: bytes, targets: Sequence[Target], event_ids: tuple[str, ...]) -> list[Item]:
    """Return the intent of a request's bytes. Raises Unreadable: 404 for an unknown target, else 400."""
    try:
        request = msgspec.json.decode(body, type=Request)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(_told(error)) from None
    return _intent(request, targets, event_ids)


def read_value(value: object, targets: Sequence[Target], event_ids: tuple[str, ...]) -> list[Item]:
    """Return the intent of a request that is already a JSON value. Raises as ``read``."""
    try:
        request = msgspec.convert(value, Request)
    except msgspec.ValidationError as error:
        raise Unreadable(_told(error)) from None
    return _intent(request, targets, event_ids)


def _told(error: Exception) -> str:
    """Return msgspec's message, which names path and type; a value that it quotes is left out."""
    if isinstance(error, UnicodeDecodeError):
        return "the request: not UTF-8"
    message = re.sub(r"^(Invalid enum value) .*( - at `)", r"\1\2", str(error), flags=re.DOTALL)
    message = re.sub(r" matching regex .*( - at `)", r" in the documented form\1", message, flags=re.DOTALL)
    field = _UNKNOWN_FIELD.fullmatch(message)
    if field:
        message = f"unknown field {shown(field[1])}{field[2] or ''}"
    return f"the request: {message}"


def _intent(request: Request, targets: Sequence[Target], event_ids: tuple[str, ...]) -> list[Item]:
    for index, word in enumerate(request.force):
        if word not in FORCE_WORDS:
            raise Unreadable(f"the request: $.force[{index}]: expected one of {', '.join(FORCE_WORDS)}")
    _check_pairs(request.pairs)
    inner = {old for old, _ in request.pairs}  # of a chain old, new1, new2 only the last is launched
    terminated = _listed(request.terminated, (old for old, _ in request.pairs))
    launched = _listed(request.launched, (new for _, new in request.pairs if new not in inner))
    if not terminated and not launched:
        raise Unreadable("the request: expected at least one entry in terminated, launched or pairs")
    gone_for = _Covered()
    for entry in terminated:
        if gone_for.overlaps(entry):
            raise Unreadable(f"the request: terminated names {shown(entry.server_id)} twice")
        gone_for.add(entry)
    come_for = _Covered()
    for entry in launched:
        if come_for.overlaps(entry):
            raise Unreadable(f"the request: launched names {shown(entry.server_id)} twice")
        if gone_for.overlaps(entry):
            raise Unreadable(f"the request: {shown(entry.server_id)} is both terminated and launched")
        come_for.add(entry)
    target = by_name(request.target, targets)
    chosen, items = switched_on([target], event_ids)
    cause = Cause.GONE if request.gone else Cause.REQUESTED
    return items + [
        Intent(
            one.name,
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
        for one in chosen
    ]


def _listed(entries: Iterable[str | Entry], in_pairs: Iterable[str]) -> list[Entry]:
    """Return a list's entries, and those that only a pair names after them."""
    listed = [Entry(entry) if isinstance(entry, str) else entry for entry in entries]
    names = {entry.server_id for entry in listed}
    return listed + [Entry(one) for one in in_pairs if one not in names]


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
        raise Unreadable("the request: $.pairs: expected chains with an end, got a circle")


class _Covered:
    """The backends that a list's entries cover: finds an overlap without comparing all with all."""

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

"""The share of the targets that a function writes to, if there are several writers: SWAP_SHARD."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from handler import targets as listed
from handler.core.model.policy import Target, Writer

#: The variables that are read here. Those with BEFORE tell the former state while writers change.
VARIABLES: Final = frozenset({"SWAP_SHARD", "SWAP_WRITERS", "SWAP_WRITERS_BEFORE", "SWAP_TARGETS_BEFORE"})

_SHARD: Final = re.compile(r"([1-9]\d{0,2})/([1-9]\d{0,2})")
_NUMBER: Final = re.compile(r"[1-9]\d{0,2}")


class _Shard(Struct, frozen=True):
    """One of ``writers``, counted from 1; ``own`` is None for a function that knows all of them."""

    own: int | None
    writers: int


def read(
    environ: Mapping[str, str],
    targets: Sequence[Target],
    read_file: Callable[[str], str],
    errors: list[str],
) -> tuple[tuple[Target, ...], dict[str, int]]:
    """Return the targets, each with its writer, and the writers of all VServer groups if there are several.

    Anything wrong is added to ``errors``.
    """
    shard = _shard(environ, errors)
    writers: dict[str, int] = {}
    if shard.writers > 1:
        from handler.core.planning.shares import shares  # noqa: PLC0415 - one writer starts without

        writers = shares(targets, shard.writers)
    if shard.own is None:
        unsaid: Writer = "unsaid" if writers else "us"
        return tuple(replace(target, writer=unsaid) for target in targets), writers
    resting = _resting(environ, targets, shard, read_file, errors)

    def writer(group_id: str) -> Writer:
        if writers.get(group_id, 1) != shard.own:
            return "another"
        return "nobody" if group_id in resting else "us"

    return tuple(replace(target, writer=writer(target.vserver_group_id)) for target in targets), writers


def _shard(environ: Mapping[str, str], errors: list[str]) -> _Shard:
    given = environ.get("SWAP_SHARD", "").strip()
    number = _number("SWAP_WRITERS", environ.get("SWAP_WRITERS", ""), errors)
    if not given:
        for name in ("SWAP_WRITERS_BEFORE", "SWAP_TARGETS_BEFORE"):
            if environ.get(name, "").strip():
                errors.append(f"{name}: expected SWAP_SHARD beside it, without which all targets are ours")
        return _Shard(None, number or 1)
    found = _SHARD.fullmatch(given)
    if found is None or int(found[1]) > int(found[2]):
        errors.append(f"SWAP_SHARD: expected a writer and how many there are, such as 2/3{_meant(given)}")
        return _Shard(None, 1)
    if number is not None and number != int(found[2]):
        errors.append(f"SWAP_WRITERS: expected {found[2]}, as SWAP_SHARD says, got {number}")
    return _Shard(int(found[1]), int(found[2]))


def _meant(given: str) -> str:
    """Return a hint at the share that was meant: with another sign, turned around, or counted from 0."""
    numbers = [int(one) for one in re.findall(r"\d{1,3}", given)]
    if len(numbers) != 2 or not max(numbers):
        return ""
    own, writers = min(numbers), max(numbers)
    return f", did you mean {own}/{writers}?" if own else f", counted from 1: did you mean 1/{writers}?"


def _number(name: str, given: str, errors: list[str]) -> int | None:
    given = given.strip()
    if given and not _NUMBER.fullmatch(given):
        digits = re.search(r"[1-9]\d{0,2}", given)
        hint = f", did you mean {digits[0]}?" if digits else ""
        errors.append(f"{name}: expected a number of writers, 1 to 999{hint}")
        return None
    return int(given) if given else None


def _resting(
    environ: Mapping[str, str],
    targets: Sequence[Target],
    shard: _Shard,
    read_file: Callable[[str], str],
    errors: list[str],
) -> frozenset[str]:
    """Return the VServer groups that nobody writes to, because they change their writer.

    A run may go on for the function's time after its settings were replaced, and functions get theirs one
    after the other. So there are settings in between, under which neither writer writes.
    """
    number = _number("SWAP_WRITERS_BEFORE", environ.get("SWAP_WRITERS_BEFORE", ""), errors)
    given = environ.get("SWAP_TARGETS_BEFORE", "").strip()
    before: Sequence[Target] = targets
    if given:
        wrong: list[str] = []
        before = listed.read(given, read_file, wrong)
        errors.extend(f"SWAP_TARGETS_BEFORE: {one.removeprefix('SWAP_TARGETS: ')}" for one in wrong)
    elif number in {None, shard.writers}:
        return frozenset()
    from handler.core.planning.shares import moved  # noqa: PLC0415 - needed while shares change alone

    return moved(before, number or shard.writers, targets, shard.writers)

"""Weights, ports, addresses and descriptions at the end: what was there is as it was, what is new is as what it replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from localcloud.state import Backend
from tests.explore.oracle.facts import Run, is_ours
from tests.explore.oracle.served import Served, Unit, unit
from tests.explore.playing import Played

#: Reasons for which one that was replaced may still be there, beside the new one.
LIMITS = frozenset({"min_backends", "max_unavailable", "floor"})

Key = tuple[str, int, str | None]
Shape = dict[int, int]


@dataclass
class Past:
    """Of each backend of a group what its owner last made of it, and who made of it what it is."""

    owners: dict[Key, Backend] = field(default_factory=dict)
    here: dict[Key, Backend] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)  #: descriptions that owners have given
    ours: set[Key] = field(default_factory=set)
    left: set[Key] = field(default_factory=set)  #: those that were out when some attempt had ended


def past_of(
    played: Played, served: Served, group: str, requested: set[tuple[str, int]], upto: int | None = None
) -> Past:
    """Go through the instants of a group: what others changed is their word, what our writes changed is not,
    but for a weight that a request has named.
    """
    past = Past()
    meanwhile = {at for attempt in played.all for at in attempt.others}
    ends = {attempt.last for attempt in played.all}
    for at in served.instants(group, 0, len(served.history) if upto is None else upto):
        now = {b.key: b for b in served.history[at].backends}
        if any(end <= at for end in ends):
            ends = {end for end in ends if end > at}
            past.left |= past.owners.keys() - past.here.keys()
        for key in now.keys() | past.here.keys():
            if now.get(key) == past.here.get(key):
                continue
            if at in played.others:
                past.ours.discard(key)
                past.left.discard(key)
                if key in now:
                    past.owners[key] = now[key]
                    past.said.add(now[key].description)
                elif at not in meanwhile:  # a run may put back what somebody else took out while it went on
                    past.owners.pop(key, None)
            else:
                past.ours.add(key)
                if key in now and key in past.owners and (key[0], now[key].weight) in requested:
                    past.owners[key] = replace(past.owners[key], weight=now[key].weight)
        past.here = now
    return past


def carried(played: Played, served: Served, target: dict[str, object], runs: list[Run]) -> Iterator[str]:
    """Compare the end of a group with what it must be."""
    group, mark = str(target["vserver_group_id"]), f"slb-swap/{target['name']}"
    weighed = {(e.server, e.weight) for run in runs if run.acts for e in run.launched if e.weight is not None}
    final = played.final
    upto = final.last if final is not None else None
    past = past_of(played, served, group, weighed, upto)
    requested = {e.server: e for run in runs if run.acts for e in run.launched if e.weight is not None}
    come = {server for run in runs for server in run.come}
    last = next((run for run in runs if run.attempt is final and run.acts and run.was_read), None)
    if last is None:
        played.excused.allow("not_its_turn")
        return
    if played.excused.allow("refused_for_good", group in last.refused):
        return
    for key, now in sorted(past.here.items(), key=str):
        if key not in past.ours:
            continue
        asked = requested.get(key[0])
        owner = past.owners.get(key) if key not in past.left else None
        if asked is not None and now.weight == asked.weight:
            continue
        if now.weight == 0:
            if owner is not None and owner.weight == 0:
                continue
            sick = (
                owner is None
                and final is not None
                and final.raised
                and key[0] in served.sick(served.before(group, final.last))
            )
            pending = last.listed.get(key[0], ("",))[0] == "pending"
            if owner is None and played.excused.allow("hook_still_waits", pending):
                continue
            if not _not_remembered(played, owner) and not played.excused.allow("sick_at_nothing", sick):
                yield f"left at weight 0 by us: {key[0]}:{key[1]}"
            continue
        if owner is None:
            yield from _new_description(now, past, mark, runs)
            continue
        lifted = owner.weight == 0 and key[0] in come
        if now.weight != owner.weight and not lifted and not _not_remembered(played, owner):
            yield f"not as it was: {key[0]}:{key[1]} has weight {now.weight}, had {owner.weight}"
        if now.description != owner.description and not _is_a_word(now.description, owner.description):
            yield f"not as it was: {key[0]}:{key[1]} is {now.description!r}, was {owner.description!r}"
    yield from _shapes(played, served, group, weighed, runs)


def _not_remembered(played: Played, owner: Backend | None) -> bool:
    foreign = owner is not None and bool(owner.description) and not is_ours(owner.description)
    trouble = any(attempt.killed or attempt.outcome == "raised" for attempt in played.attempts)
    return bool(played.excused.allow("drain_not_remembered", foreign and trouble))


def _is_a_word(now: str, before: str) -> bool:
    """Whether a description that was empty holds a word of ours that is no mark: no call can empty it again."""
    return not before and now.startswith("swap") and not is_ours(now)


def _new_description(now: Backend, past: Past, mark: str, runs: list[Run]) -> Iterator[str]:
    said = {e.description for run in runs for e in run.launched if e.server == now.server_id}
    if now.description not in {mark, *filter(None, past.said), *said}:
        yield f"a new one with a description of nobody: {now.server_id}: {now.description!r}"


def _shapes(
    played: Played, served: Served, group: str, weighed: set[tuple[str, int]], runs: list[Run]
) -> Iterator[str]:
    """The new ones of each delivery stand as those did that left: the same ports, the same weights on them."""
    for step in dict.fromkeys(run.attempt.step for run in runs):
        tries = [run for run in runs if run.attempt.step == step and run.acts]
        if not tries:
            continue
        begin, end = tries[0].start, tries[-1].backends(tries[-1].end)
        if any(at in played.others for at in served.instants(group, tries[0].begin + 1, tries[-1].end + 1)):
            continue
        began, ended = tries[0].attempt.began, tries[-1].attempt.ended
        if any(began < when <= ended for _, _, when in played.happened):
            continue
        explicit = {e.server for run in tries for e in run.launched if e.port or e.weight is not None}
        if played.excused.allow("refused_for_good", group in tries[-1].refused):
            continue
        partial = {e.server for e in tries[-1].terminated if e.port or e.address}
        if partial:
            continue
        was, now = _by_unit(begin), _by_unit(end)
        if was.keys() == now.keys():
            continue
        past = past_of(played, served, group, weighed, tries[0].begin + 1)
        addresses = Counter(one[0] for one in was)
        news = {one: shape for one, shape in now.items() if one[0] not in explicit and all(shape.values())
                and (one not in was or (_unfinished(begin, one) and not _owned(past, one)))}  # fmt: skip
        part = {one for one in news if one in was and was[one].keys() != news[one].keys()}
        if played.excused.allow("was_there_in_part", part):
            continue
        if any(run.wrong_listing for run in tries):
            played.excused.allow("wrong_listing")
            continue
        held = {s.partition("@")[0] for s, reason in tries[-1].refused.items() if reason in LIMITS}
        leave = set().union(*(run.units(run.leave) for run in tries))
        gone = {one: s for one, s in was.items()
                if one not in news and (one not in now or (one in leave and one[0] in held))}  # fmt: skip
        if any(addresses[one[0]] > 1 for one in was.keys() - now.keys()):
            continue  # which of its addresses a new one took is not known here
        others = len(
            {server for server in explicit if any(one[0] == server for one in now.keys() - was.keys())}
        )
        yield from _fits(
            news, {one: _original(past, one, s) for one, s in gone.items()}, others, tries[0], past
        )


def _fits(
    news: dict[Unit, Shape], gone: dict[Unit, Shape], others: int, run: Run, past: Past
) -> Iterator[str]:
    usual = _usual(run, past)
    left = sorted(gone.values(), key=lambda shape: sum(not weight for weight in shape.values()))
    strangers = []
    for one, shape in sorted(news.items(), key=str):
        match = next((old for old in left if _like(old, shape, usual)), None)
        if match is None:
            strangers.append((one, shape))
        else:
            left.remove(match)
    for one, shape in strangers:
        alike = [old for old in left if old.keys() == shape.keys()]
        if alike and len(news) + others <= len(gone):
            yield f"not as the one it replaced: {one[0]} is {shape}, of {alike}"
        elif not left and not all(weight in usual for weight in shape.values()):
            yield f"of a weight of nobody: {one[0]} is {shape}, usual is {sorted(usual)}"


def _like(old: Shape, new: Shape, usual: set[int]) -> bool:
    if old.keys() != new.keys():
        return False
    others = {weight for weight in old.values() if weight} or usual
    return all(new[port] == weight if weight else new[port] in others | usual for port, weight in old.items())


def _usual(run: Run, past: Past) -> set[int]:
    """The weights that a new one may have where it replaces nobody: the target's, else the commonest."""
    if run.target.get("weight"):
        return {int(run.target["weight"])}
    found = {100} if not run.start else set()
    owners = [past.owners.get(b.key, b) for b in run.start]
    for backends in (run.start, owners):
        counts = Counter(b.weight for b in backends if b.weight)
        most = max(counts.values(), default=0)
        found |= {weight for weight, count in counts.items() if count == most} or {100}
    return found


def _by_unit(backends: tuple[Backend, ...]) -> dict[Unit, Shape]:
    found: dict[Unit, Shape] = {}
    for b in backends:
        found.setdefault(unit(b), {})[b.port] = b.weight
    return found


def _original(past: Past, one: Unit, shape: Shape) -> Shape:
    """The weights that the owner gave, where a run of ours has drained them since."""
    owned = {key[1]: b.weight for key, b in past.owners.items() if (key[0], key[2]) == one}
    return {port: owned.get(port, weight) if weight == 0 else weight for port, weight in shape.items()}


def _owned(past: Past, one: Unit) -> bool:
    return any((key[0], key[2]) == one for key in past.owners)


def _unfinished(begin: tuple[Backend, ...], one: Unit) -> bool:
    return any(unit(b) == one and b.weight == 0 for b in begin)

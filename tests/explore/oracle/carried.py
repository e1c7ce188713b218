"""Weights, ports, addresses and descriptions at the end: as they were, or as those of what was replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from localcloud.state.world import Backend
from tests.explore.oracle.facts import Run, is_ours, was_drained
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
    weights: dict[Key, int] = field(default_factory=dict)  #: the last above 0, or that a request has named


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
        past.weights.update((key, b.weight) for key, b in now.items() if b.weight or (key[0], 0) in requested)
    return past


def carried(played: Played, served: Served, target: dict[str, object], runs: list[Run]) -> Iterator[str]:
    """Compare the end of a group with what it must be."""
    group, final = str(target["vserver_group_id"]), played.final
    weighed = {(e.server, e.weight) for run in runs if run.acts for e in run.launched if e.weight is not None}
    past = past_of(played, served, group, weighed, final.last if final is not None else None)
    last = next((run for run in runs if run.attempt is final and run.acts and run.was_read), None)
    found = [*_kept(played, past, last, runs), *_shapes(played, served, group, weighed, runs)]
    allow = played.excused.allow
    if not found or allow("not_its_turn", last is None):
        return
    step = last.attempt.step if last is not None else None
    if allow("others_meanwhile", any(run.meddled for run in runs if run.attempt.step == step)):
        return
    if not allow("refused_for_good", last is not None and group in last.refused):
        yield from found


def _kept(played: Played, past: Past, last: Run | None, runs: list[Run]) -> Iterator[str]:
    """What was there, and what we have changed, is as its owner made it, or as a request says."""
    requested = {e.server: e for run in runs if run.acts for e in run.launched if e.weight is not None}
    come = {server for run in runs for server in run.come}
    for key in sorted(past.ours & past.here.keys(), key=str):
        now, asked = past.here[key], requested.get(key[0])
        if played.excused.allow("others_meanwhile", any(_changed_by_others(run, key) for run in runs)):
            continue  # a run takes back how it found a backend, not how others have made it since
        owner = past.owners.get(key) if key not in past.left else None
        if asked is not None and now.weight == asked.weight:
            continue
        if now.weight == 0:
            owned = owner is not None and owner.weight == 0
            if not owned and not _may_be_at_nothing(played, key, owner, last):
                yield f"left at weight 0 by us: {key[0]}:{key[1]}"
        elif owner is None:
            yield from _new_description(now, past, runs)
        else:
            yield from _as_it_was(played, key, now, owner, lifted=owner.weight == 0 and key[0] in come)


def _changed_by_others(run: Run, key: Key) -> bool:
    """Whether somebody else changed a backend that was in while the run went on."""
    for before, at in run.steps_of_others(run.begin + 1, run.end + 1):
        then, now = ({b.key: b for b in run.backends(one)} for one in (before, at))
        if key in then and then[key] != now.get(key):
            return True
    return False


def _as_it_was(played: Played, key: Key, now: Backend, owner: Backend, *, lifted: bool) -> Iterator[str]:
    if now.weight != owner.weight and not lifted and not _not_remembered(played, owner):
        yield f"not as it was: {key[0]}:{key[1]} has weight {now.weight}, had {owner.weight}"
    if now.description != owner.description and not _is_a_word(now.description, owner.description):
        yield f"not as it was: {key[0]}:{key[1]} is {now.description!r}, was {owner.description!r}"


def _may_be_at_nothing(played: Played, key: Key, owner: Backend | None, last: Run | None) -> bool:
    """Whether a backend that we have put, or taken, to weight 0 may stay so."""
    allow = played.excused.allow
    if owner is not None or last is None:
        return _not_remembered(played, owner)
    if allow("nobody_listed", bool(last.sources) and not last.listed):
        return True
    if allow("hook_still_waits", last.listed.get(key[0], ("",))[0] == "pending"):
        return True
    if allow("held_by_a_limit", key[0] in last.refused):
        return True
    waits_to_leave = any(b.key == key and b.weight == 0 for b in last.leave)
    if allow("still_sick", waits_to_leave and {"not_healthy", "bad_backend"} & {*last.refused.values()}):
        return True  # the new server that was to take its place has failed
    return bool(allow("sick_at_nothing", key[0] in last.served.sick(last.end)))


def _not_remembered(played: Played, owner: Backend | None) -> bool:
    foreign = owner is not None and _foreign(owner)
    trouble = any(attempt.killed or attempt.outcome == "raised" for attempt in played.attempts)
    return bool(played.excused.allow("drain_not_remembered", foreign and trouble))


def _is_a_word(now: str, before: str) -> bool:
    """Whether a description that was empty holds a word of ours that is no mark: no call can empty it."""
    return not before and now.startswith("swap") and not is_ours(now)


def _new_description(now: Backend, past: Past, runs: list[Run]) -> Iterator[str]:
    said = {e.description for run in runs for e in run.launched if e.server == now.server_id}
    mark = runs[0].mark if runs else ""
    if now.description not in {mark, *filter(None, past.said), *said}:
        yield f"a new one with a description of nobody: {now.server_id}: {now.description!r}"


def _shapes(
    played: Played, served: Served, group: str, weighed: set[tuple[str, int]], runs: list[Run]
) -> Iterator[str]:
    """The new ones of each delivery stand as those did that left: on the same ports, at the same weights."""
    for step in dict.fromkeys(run.attempt.step for run in runs):
        tries = [run for run in runs if run.attempt.step == step and run.acts]
        if tries and _by_unit(tries[0].start).keys() != _by_unit(tries[-1].backends(tries[-1].end)).keys():
            past = past_of(played, served, group, weighed, tries[0].begin + 1)
            found = list(_compared(tries, past))
            if found and not _cannot_be_told(played, served, tries, past):
                yield from found


def _compared(tries: list[Run], past: Past) -> Iterator[str]:
    begin, last = tries[0].start, tries[-1]
    was, now = _by_unit(begin), _by_unit(last.backends(last.end))
    explicit = {e.server for run in tries for e in run.launched if e.port or e.weight is not None}
    news = {
        one: shape
        for one, shape in now.items()
        if one[0] not in explicit and all(shape.values()) and _is_new(one, was, begin, past)
    }
    held = {s.partition("@")[0] for s, reason in last.refused.items() if reason in LIMITS}
    leave = set().union(*(run.units(run.leave) for run in tries))
    gone = {
        one: _original(past, one, shape)
        for one, shape in was.items()
        if one not in news and (one not in now or one in leave)
    }
    others = len({one[0] for one in now.keys() - was.keys()} & explicit)
    # A launched server that others have put in may be what an old one made way for.
    others += len({e.server for e in last.launched} & {one[0] for one in was} - {one[0] for one in news})
    places = sum(one not in now or one[0] in held for one in gone) - others
    yield from _fits(news, gone, places, tries[0], past)


def _left_drained(run: Run) -> bool:
    """Whether a run that has to come again has left a backend drained whose description its owner wrote."""
    weights = {b.key: b.weight for b in run.start}
    return any(_foreign(b) and b.weight == 0 < weights.get(b.key, 0) for b in run.backends(run.end))


def _was_left_drained(run: Run, past: Past) -> bool:
    """Whether a run before this delivery has left a backend drained whose description its owner wrote."""
    drained = (b for b in run.start if _foreign(b) and not b.weight)
    return any(b.key in past.owners and past.owners[b.key].weight for b in drained)


def _is_new(one: Unit, was: dict[Unit, Shape], begin: tuple[Backend, ...], past: Past) -> bool:
    return one not in was or (_unfinished(begin, one) and not _owned(past, one))


def _cannot_be_told(played: Played, served: Served, tries: list[Run], past: Past) -> bool:
    """Whether it cannot be known from here who took whose place."""
    allow, first, last = played.excused.allow, tries[0], tries[-1]
    began, ended = first.attempt.began, last.attempt.ended
    theirs = set(served.instants(first.group, first.begin + 1, last.end + 1)) & played.others
    meanwhile = theirs or any(began < when <= ended for _, _, when in played.happened)
    named = {e.server for e in last.terminated if e.port or e.address}
    was, now = _by_unit(first.start), _by_unit(last.backends(last.end))
    several = [one for one in was.keys() - now.keys() if sum(one[0] == other[0] for other in was) > 1]
    part = [
        one
        for one in now
        if one in was
        and _unfinished(first.start, one)
        and (was[one].keys() != now[one].keys() or any(was[one].values()))
    ]
    return any(
        [
            allow("others_meanwhile", meanwhile),
            allow(
                "drain_not_remembered",
                (any(run.attempt.killed for run in tries) and any(map(_foreign, first.start)))
                or any(map(_left_drained, tries[:-1]))
                or _was_left_drained(first, past),
            ),
            allow("still_sick", any("not_healthy" in run.refused.values() for run in tries)),
            allow("hook_abandoned", any(h.result == "ABANDON" for run in tries for h in run.attempt.hooks)),
            allow("killed_between", any(_killed_between(run) or _cut_off(run) for run in tries)),
            allow("named_in_part", named),
            allow("several_addresses", several),
            allow("was_there_in_part", part),
            allow("wrong_listing", any(run.wrong_listing for run in tries)),
        ]
    )


def _foreign(backend: Backend) -> bool:
    return bool(backend.description) and not is_ours(backend.description)


def _killed_between(run: Run) -> bool:
    """Whether one side of a replacement was done and the other was not: a kill, no room, a refusal.

    A Modify that is refused, or that skips the new one, may have taken out the old one all the same. Where
    Modify or Remove is refused for good, nobody remembers which old one a new one was added for.
    """
    done = {c.action[:6] for c in run.writes if c.last > c.first}
    for_good = any(c.trouble == "refused" for c in run.writes)
    removed = bool(done & {"Remove", "Modify"}) and bool(run.attempt.killed or run.refused or for_good)
    return removed or ("AddVSe" in done and (run.group in run.refused or for_good))


def _cut_off(run: Run) -> bool:
    """Whether a run that wrote could not read the load balancer to its end: it may have been taking back."""
    reads = [c for c in run.attempt.calls if c.action.startswith(("DescribeVServerGroupA", "DescribeHealth"))]
    return bool(run.writes and reads) and reads[-1].answer != "ok"


def _fits(
    news: dict[Unit, Shape], gone: dict[Unit, Shape], places: int, run: Run, past: Past
) -> Iterator[str]:
    usual = _usual(run, past)
    units, olds = sorted(news, key=str), list(gone.values())
    taken = _matched([[at for at, old in enumerate(olds) if _like(old, news[one], usual)] for one in units])
    left = [old for at, old in enumerate(olds) if at not in taken.values()]
    for number, one in enumerate(units):
        shape = news[one]
        if number in taken:
            continue
        alike = [old for old in left if old.keys() == shape.keys()]
        if alike and len(news) <= places:
            yield f"not as the one it replaced: {one[0]} is {shape}, of {alike}"
        elif not left and not all(weight in usual for weight in shape.values()):
            yield f"of a weight of nobody: {one[0]} is {shape}, usual is {sorted(usual)}"


def _matched(choices: list[list[int]]) -> dict[int, int]:
    """As many new ones as can be, each with an old one that it may have replaced (Kuhn)."""
    of_old: dict[int, int] = {}

    def find(number: int, seen: set[int]) -> bool:
        for old in choices[number]:
            if old not in seen:
                seen.add(old)
                if old not in of_old or find(of_old[old], seen):
                    of_old[old] = number
                    return True
        return False

    for number in range(len(choices)):
        find(number, set())
    return {number: old for old, number in of_old.items()}


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
    """The weights that the owner gave, or else a run of ours, where a run has drained them since."""
    owned = {key[1]: weight for key, weight in past.weights.items() if (key[0], key[2]) == one}
    owned.update((key[1], b.weight) for key, b in past.owners.items() if (key[0], key[2]) == one)
    return {port: owned.get(port, weight) if weight == 0 else weight for port, weight in shape.items()}


def _owned(past: Past, one: Unit) -> bool:
    return any((key[0], key[2]) == one for key in past.owners)


def _unfinished(begin: tuple[Backend, ...], one: Unit) -> bool:
    return any(unit(b) == one and b.weight == 0 and not was_drained(b) for b in begin)

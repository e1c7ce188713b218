"""What a case should come to, computed slowly and simply, without a line of the function's own reasoning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from handler.core.model.observed import Source
from handler.core.model.steps import Add, Modify, Remove, SetWeight, Step
from handler.core.model.values import Backend, Cause, Group, Key, Scope, ServerRef, Verdict
from tests.support.builders import kind
from tests.support.strategies import Case


@dataclass(frozen=True)
class Asked:
    """Which units of capacity are to go and which are to come, in order: servers, or their addresses."""

    out: dict[str, list[Backend]]
    coming: dict[str, list[ServerRef]]
    gone: set[str]
    exactly: bool


def unit_of(key: Key) -> str:
    """A server at an address is a unit of its own."""
    return key.server_id if key.server_ip is None else f"{key.server_id}@{key.server_ip}"


def server_of(unit: str) -> str:
    return unit.split("@", maxsplit=1)[0]


def units_of(case: Case, ref: ServerRef) -> list[str]:
    """The units that are meant: without an address, all that the server has, or the server itself."""
    here = [unit_of(key) for key in case.view.group.backends if key.server_id == ref.server_id]
    if ref.server_ip is None:
        return list(dict.fromkeys(here)) or [ref.server_id]
    if kind(ref.server_id) == "ecs":
        return [ref.server_id]
    return [unit_of(Key(ref.server_id, 0, ref.server_ip))]


def asked(case: Case) -> Asked:
    return _of_request(case) if case.intent.scope is Scope.LITERAL else _of_event(case)


def _of_request(case: Case) -> Asked:
    intent = case.intent
    out: dict[str, list[Backend]] = {}
    for named in intent.terminated:
        for unit in units_of(case, named):
            out[unit] = [
                b
                for b in case.view.group.backends.values()
                if unit_of(b.key) == unit
                and any(
                    b.key.server_id == one.server_id
                    and one.port in {None, b.key.port}
                    and one.server_ip in {None, b.key.server_ip}
                    for one in intent.terminated
                )
            ]
    coming: dict[str, list[ServerRef]] = {}
    for named in intent.launched:
        for unit in units_of(case, named):
            coming.setdefault(unit, []).append(named)
    gone = {u for named in intent.terminated if named.cause is Cause.GONE for u in units_of(case, named)}
    return Asked(out, coming, gone, exactly=True)


def _of_event(case: Case) -> Asked:
    intent, view, policy = case.intent, case.view, case.policy
    here = {key.server_id for key in view.group.backends}
    named = {n.server_id: n for n in intent.terminated}
    coming: list[str] = []
    for one in intent.launched:
        listed = view.servers.get(one.server_id)
        if listed and (
            (listed.state == "in_service" and listed.healthy)
            or (one.cause is Cause.HOOK and listed.state == "pending")
        ):
            coming.append(one.server_id)
    for listed in view.servers.values():
        waits = any(
            b.weight == 0 and b.description == policy.marks.waiting and key.server_id == listed.id
            for key, b in view.group.backends.items()
        )
        fresh = (listed.id not in here or waits) and listed.id not in named and listed.id not in coming
        if listed.state == "in_service" and listed.healthy and fresh:
            coming.append(listed.id)
    going: list[str] = []
    gone = set()
    for one in named.values():
        listed = view.servers.get(one.server_id)
        if one.server_id not in here and not (listed and listed.state == "in_service"):
            going.append(one.server_id)  # its place may be taken already
        if one.server_id not in here or one.server_id in coming:
            continue
        known = view.source in {Source.COMPLETE, Source.SOME_EMPTY}
        if one.cause is Cause.DELETED:
            if not (listed and listed.state == "in_service"):  # else it is to be looked at again
                gone.add(one.server_id)
                going.append(one.server_id)
        elif one.cause is Cause.FINISHED and listed is None and known:
            gone.add(one.server_id)
            going.append(one.server_id)
        elif (
            one.cause is Cause.INTERRUPTED
            or (listed and listed.state == "leaving")
            or (one.cause is Cause.HOOK and listed is None and known)
        ):
            going.append(one.server_id)
    order = list(dict.fromkeys(key.server_id for key in view.group.backends))
    for server_id in order:
        listed = view.servers.get(server_id)
        if listed and listed.state == "leaving" and server_id not in (*going, *coming):
            going.append(server_id)
    for server_id in order:
        ours = policy.exclusive or any(
            b.description in {policy.marks.ours, policy.marks.waiting}
            for b in view.group.backends.values()
            if b.key.server_id == server_id
        )
        unknown = server_id not in view.servers and server_id not in named and server_id not in coming
        if unknown and ours and view.source is Source.COMPLETE:
            going.append(server_id)
    # Those that stay until something replaces them come last.
    doomed = [one for one in going if one in named and named[one].cause is Cause.INTERRUPTED and one in here]
    going = [one for one in going if one not in doomed] + doomed
    backends = view.group.backends.values()
    units = [unit for one in going for unit in units_of(case, ServerRef(one))]
    return Asked(
        {unit: [b for b in backends if unit_of(b.key) == unit] for unit in units},
        {unit: [ServerRef(one)] for one in coming for unit in units_of(case, ServerRef(one))},
        gone | {unit for one in gone for unit in units_of(case, ServerRef(one))},
        exactly=False,
    )


def matched(case: Case, wish: Asked) -> list[tuple[str | None, str | None]]:
    """Who takes whose place: as said, the same server, the same ports, in order; then those that are in."""
    here = case.view.group.backends
    pairs: list[tuple[str | None, str | None]] = []
    for old, new in case.intent.pairs:
        of_old = [unit for unit in wish.out if server_of(unit) == old] or [old]
        pairs += zip_longest(of_old, [unit for unit in wish.coming if server_of(unit) == new])
    olds = [old for old, out in wish.out.items() if out and old not in {o for o, _ in pairs}]
    news = [new for new in wish.coming if new not in {n for _, n in pairs}]
    arrived = [
        new
        for new in news
        if any(unit_of(key) == new for key in here)
        and all(
            n.port is None or any(unit_of(key) == new and key.port == n.port for key in here)
            for n in wish.coming[new]
        )
    ]
    waiting = [new for new in news if new not in arrived]
    for fits in (_is_same, _has_same_ports, _is_any):
        for old in list(olds):
            for new in waiting:
                if fits(wish, old, new):
                    pairs.append((old, new))
                    olds.remove(old)
                    waiting.remove(new)
                    break
    absent = [old for old, out in wish.out.items() if not out and old not in {o for o, _ in pairs}]
    arrived.sort(key=lambda new: any(b.weight == 0 for key, b in here.items() if unit_of(key) == new))
    for new in arrived:
        if absent:  # whose place it has taken already
            pairs.append((None, new))
            absent.pop()
        else:
            pairs.append((olds.pop(0) if olds else None, new))
    return pairs + [(None, new) for new in waiting] + [(old, None) for old in olds]


def _is_same(wish: Asked, old: str, new: str) -> bool:
    return old == new


def _has_same_ports(wish: Asked, old: str, new: str) -> bool:
    return {b.key.port for b in wish.out[old]} == {n.port for n in wish.coming[new]}


def _is_any(wish: Asked, old: str, new: str) -> bool:
    return True


def left_over(case: Case, wish: Asked) -> set[Key]:
    """What a run before left to wait for its weight, and nobody names: it goes, where nothing lists it."""
    if case.view.source is not Source.ABSENT:
        return set()
    named = {b.key for out in wish.out.values() for b in out}
    units: dict[str, list[Backend]] = {}
    for key, backend in case.view.group.backends.items():
        units.setdefault(unit_of(key), []).append(backend)
    return {
        backend.key
        for unit, backends in units.items()
        if unit not in wish.coming
        and all(b.weight == 0 and b.description == "slb-swap.web" and b.key not in named for b in backends)
        for backend in backends
    }


def wished(case: Case) -> Group:
    """The group that is asked for, if nothing is refused."""
    start, policy = case.view.group, case.policy
    wish = asked(case)
    result = dict(start.backends)
    for out in wish.out.values():
        for b in out:
            result.pop(b.key, None)
    for key in left_over(case, wish):
        result.pop(key)
    weights = Counter(b.weight for b in start.backends.values() if b.weight)
    usual = policy.weight or max(weights, key=lambda w: (weights[w], w), default=100)
    everywhere: set[int] | None = None
    for unit in {unit_of(key) for key in start.backends}:
        ports = {key.port for key in start.backends if unit_of(key) == unit}
        everywhere = ports if everywhere is None else everywhere & ports
    for old, new in matched(case, wish):
        if new is None:
            continue
        out = list(wish.out.get(old or "", ()))
        mine = [b for key, b in start.backends.items() if unit_of(key) == new]
        named = [n for n in wish.coming[new] if n.port is not None]
        if not named:
            whole = wish.coming[new][0]
            if mine and not wish.exactly:
                ports = [b.key.port for b in mine]
            else:
                ports = [b.key.port for b in [*out, *mine]] or sorted(policy.ports or everywhere or ())
            named = [
                ServerRef(whole.server_id, p, whole.weight, None, whole.server_ip, whole.description)
                for p in dict.fromkeys(ports)
            ]
        taken: list[Backend] = []
        for n in named:
            taken += [b for b in out if b.key.port == n.port and b not in taken][:1]
        rest = [b for b in out if b not in taken]
        for n in named:
            same = [b for b in taken if b.key.port == n.port]
            beside = same[:1] or ([rest.pop(0)] if rest else [])
            own = [b for b in mine if b.key.port == n.port and n.server_ip in {None, b.key.server_ip}]
            address = n.server_ip or (own[0].key.server_ip if own else None)
            key = Key(n.server_id, n.port or 0, None if kind(n.server_id) == "ecs" else address)
            weight = n.weight
            if weight is None:
                weight = next((b.weight for b in [*own, *beside] if b.weight), usual)
            # A mark says something of the backend that bears it, and nothing of what takes its place.
            marks = {policy.marks.ours, policy.marks.waiting, ""}
            handed_on = next((b.description for b in beside if b.description not in marks), policy.marks.ours)
            description = handed_on if n.description is None else n.description
            waits = own and own[0].description == policy.marks.waiting and own[0].weight != weight
            if own and not waits:  # of what is in, only the weight is ours to change
                description = own[0].description
            elif own:
                description = handed_on if n.description is None else n.description
            result[key] = Backend(key, weight, kind(new), description)  # type: ignore[arg-type]
    return Group(start.id, start.load_balancer_id, result)


def instants(start: Group, steps: tuple[Step, ...]) -> Iterator[tuple[Step, dict[Key, Backend], set[Key]]]:
    """Every instant, with what nobody has seen normal yet: between old out and new in, and after a step."""
    now = dict(start.backends)
    for step in steps:
        match step:
            case Modify(pairs):
                for pair in pairs:
                    now.pop(pair.old.key, None)
                yield step, dict(now), set()
                before = set(now)
                now.update((pair.new.key, pair.new) for pair in pairs)
                yield step, dict(now), set(now) - before
            case Add(backends):
                before = set(now)
                now.update((b.key, b) for b in backends)
                yield step, dict(now), set(now) - before
            case Remove(backends):
                for b in backends:
                    now.pop(b.key, None)
                yield step, dict(now), set()
            case SetWeight(_, after):
                now.update((b.key, b) for b in after)
                yield step, dict(now), set()


def in_service(case: Case, now: dict[Key, Backend], unproven: set[Key], gone: set[str]) -> set[str]:
    """Units with a weight above 0 that are not known to be abnormal, and not new and unproven."""
    return {
        unit_of(key)
        for key, b in now.items()
        if b.weight > 0 and unit_of(key) not in gone and key not in unproven and not is_abnormal(case, key)
    }


def is_abnormal(case: Case, key: Key) -> bool:
    """Whether every listener checks a backend, and found it abnormal when the run began."""
    view = case.view
    said = view.health.get(key, {}).values()
    return bool(said) and not view.listeners.unchecking and set(said) == {Verdict.ABNORMAL}


def floor_of(case: Case, wish: Asked) -> int:
    """The floor, by who served when the run began, a pair side by side as one; less what is forced."""
    serving = in_service(case, dict(case.view.group.backends), set(), wish.gone)
    twice = [(old, new) for old, new in matched(case, wish) if old != new and {old, new} <= serving]
    baseline = len(serving) - len(twice)
    limit = case.policy.max_unavailable
    if isinstance(limit, str):
        percent = int(limit[:-1])
        limit = max(1, baseline * percent // 100) if percent else 0
    lowest = 0 if "min_backends" in case.intent.force else case.policy.min_backends
    return lowest if "max_unavailable" in case.intent.force else max(lowest, baseline - limit)

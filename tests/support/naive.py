"""What a case should come to, computed slowly and simply, without a line of the function's own reasoning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from handler.core.model.observed import Source
from handler.core.model.steps import Add, Modify, Remove, SetWeight, Step
from handler.core.model.values import Backend, Cause, Group, Key, Scope, ServerRef, Verdict
from tests.support.builders import kind
from tests.support.strategies import Case


@dataclass(frozen=True)
class Asked:
    """Who is to go and who is to come, in order."""

    out: dict[str, list[Backend]]
    coming: dict[str, list[ServerRef]]
    gone: set[str]
    exactly: bool


def asked(case: Case) -> Asked:
    return _of_request(case) if case.intent.scope is Scope.LITERAL else _of_event(case)


def _of_request(case: Case) -> Asked:
    intent = case.intent
    out: dict[str, list[Backend]] = {}
    for named in intent.terminated:
        out[named.server_id] = [
            b
            for b in case.view.group.backends.values()
            if any(
                b.key.server_id == named.server_id == one.server_id
                and one.port in {None, b.key.port}
                and one.server_ip in {None, b.key.server_ip}
                for one in intent.terminated
            )
        ]
    coming: dict[str, list[ServerRef]] = {}
    for named in intent.launched:
        coming.setdefault(named.server_id, []).append(named)
    gone = {named.server_id for named in intent.terminated if named.cause is Cause.GONE}
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
        if one.cause is Cause.GONE or (one.cause is Cause.FINISHED and listed is None and known):
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
    backends = view.group.backends.values()
    return Asked(
        {one: [b for b in backends if b.key.server_id == one] for one in going},
        {one: [ServerRef(one)] for one in coming},
        gone,
        exactly=False,
    )


def matched(case: Case, wish: Asked) -> list[tuple[str | None, str | None]]:
    """Who takes whose place: as said, the same server, the same ports, in order; then those that are in."""
    here = case.view.group.backends
    pairs: list[tuple[str | None, str | None]] = [*case.intent.pairs]
    olds = [old for old, out in wish.out.items() if out and old not in {o for o, _ in pairs}]
    news = [new for new in wish.coming if new not in {n for _, n in pairs}]
    arrived = [
        new
        for new in news
        if any(key.server_id == new for key in here)
        and all(
            n.port is None or any(key.server_id == new and key.port == n.port for key in here)
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
    arrived.sort(key=lambda new: any(b.weight == 0 for key, b in here.items() if key.server_id == new))
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


def wished(case: Case) -> Group:
    """The group that is asked for, if nothing is refused."""
    start, policy = case.view.group, case.policy
    wish = asked(case)
    result = dict(start.backends)
    for out in wish.out.values():
        for b in out:
            result.pop(b.key, None)
    weights = Counter(b.weight for b in start.backends.values() if b.weight)
    usual = policy.weight or max(weights, key=lambda w: (weights[w], w), default=100)
    everywhere: set[int] | None = None
    for server_id in {key.server_id for key in start.backends}:
        ports = {key.port for key in start.backends if key.server_id == server_id}
        everywhere = ports if everywhere is None else everywhere & ports
    for old, new in matched(case, wish):
        if new is None:
            continue
        out = list(wish.out.get(old or "", ()))
        mine = [b for key, b in start.backends.items() if key.server_id == new]
        named = [n for n in wish.coming[new] if n.port is not None]
        if not named:
            whole = wish.coming[new][0]
            if mine and not wish.exactly:
                ports = [b.key.port for b in mine]
            else:
                ports = [b.key.port for b in [*out, *mine]] or sorted(policy.ports or everywhere or ())
            named = [
                ServerRef(new, p, whole.weight, None, whole.server_ip, whole.description)
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
            key = Key(new, n.port or 0, None if kind(new) == "ecs" else address)
            weight = n.weight
            if weight is None:
                weight = next((b.weight for b in [*own, *beside] if b.weight), usual)
            carried = next((b.description for b in [*own[:1], *beside[: not own]]), "")
            description = carried or policy.marks.ours if n.description is None else n.description
            waits = own and own[0].description == policy.marks.waiting and own[0].weight != weight
            if own and not waits:  # of what is in, only the weight is ours to change
                description = own[0].description
            elif own:
                description = next((b.description for b in beside if b.description), policy.marks.ours)
                description = description if n.description is None else n.description
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
    """Servers with a weight above 0 that are not known to be abnormal, and not new and unproven."""
    return {
        key.server_id
        for key, b in now.items()
        if b.weight > 0
        and key.server_id not in gone
        and key not in unproven
        and (case.view.verdict(key) is not Verdict.ABNORMAL or key not in case.view.group.backends)
    }


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

"""What is right, said naively: over the instants that the local cloud wrote down, never over our own log.

Who is to leave, to come and to stay is known by the roles that a world begins with. The function's pairing,
its decisions and its plan are not asked; its outcome is only compared with what happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.prove.playing import READ, UNKNOWN, WRITES, Delivery, Played
from tests.prove.worlds import Beginning

LIMITS = {"min_backends", "max_unavailable"}
LISTED_WRONG = {"empty", "short", "missing"}

Rows = list[dict[str, Any]]


def violations(played: Played) -> list[str]:
    """Return everything that is not right in a world, each in a line that begins with the invariant."""
    return list(_Trial(played).all())


class _Trial:
    def __init__(self, played: Played) -> None:
        self.played = played
        self.beginning: Beginning = played.beginning
        self.instants: list[Rows] = [instant["backends"] for instant in played.history]
        self.leave, self.come = set(self.beginning.leave), set(self.beginning.come)
        self.gone, self.there = set(self.beginning.gone), set(self.beginning.there)
        self.foreign = set(self.beginning.foreign)
        self.gated = self.beginning.circumstance != "u"
        self.serving = [self.in_service(rows) for rows in self.instants]
        self.flawed = bool(played.sick or played.bad)

    def all(self) -> Iterator[str]:
        deliveries = [*self.played.deliveries, *([self.played.again] if self.played.again else [])]
        for number, delivery in enumerate(deliveries, 1):
            for found in self.of_delivery(delivery):
                yield f"{found} (delivery {number})"
        yield from self.untouched()
        if not deliveries[-1].livelock:
            yield from self.ending()

    def of_delivery(self, delivery: Delivery) -> Iterator[str]:
        if delivery.livelock:
            yield "livelock"
            return
        yield from self.floor(delivery)
        yield from self.retired(delivery)
        yield from self.blind(delivery)
        yield from self.needless(delivery)
        yield from self.refused(delivery)
        yield from self.told(delivery)
        yield from self.hooks(delivery)

    # Who is in service.

    def in_service(self, rows: Rows) -> set[str]:
        """Servers with a weight above 0 that are not known to be abnormal; new ones once normal."""
        servers: dict[str, Rows] = {}
        for row in rows:
            if row["weight"] > 0:
                servers.setdefault(row["server_id"], []).append(row)
        return {server for server, weighted in servers.items() if self.serves(server, weighted)}

    def serves(self, server: str, weighted: Rows) -> bool:
        if server in self.gone:
            return False
        if server in self.come and server not in self.there and self.gated:
            return all(row["health"] == "normal" for row in weighted)
        return any(row["health"] != "abnormal" for row in weighted)

    def least(self, at: int, *, highest: bool = False) -> int:
        """The floor of a run that began at an instant: half may be spared, one at least.

        New ones that a run cut short has left count, unless they are abnormal; beside an old one that they
        replace, the two count as one. Who replaces whom is not known here; the highest floor that a run may
        hold itself to counts them all, and old ones that a run cut short may have drained.
        """
        rows = [row for row in self.instants[at] if row["server_id"] not in self.gone]
        start = {row["server_id"] for row in rows if row["weight"] > 0 and row["health"] != "abnormal"}
        start_count = len(start) - min(len(start & self.leave), len(start & self.come))
        if highest:
            drained = {row["server_id"] for row in rows if row["weight"] == 0} & self.leave
            start_count = len(start | drained)
        return max(1, start_count - max(1, start_count * 50 // 100))

    # Invariants of every instant.

    def untouched(self) -> Iterator[str]:
        start = {key(row): row for row in self.instants[0] if row["server_id"] in self.foreign}
        for number, rows in enumerate(self.instants):
            now = {key(row): row for row in rows if row["server_id"] in self.foreign}
            if {k: said(r) for k, r in now.items()} != {k: said(r) for k, r in start.items()}:
                yield f"foreign backends touched: instant {number}"
                return

    def floor(self, delivery: Delivery) -> Iterator[str]:
        least = self.least(delivery.first)
        for at in range(delivery.first + 1, delivery.last + 1):
            taken = self.serving[at - 1] - self.serving[at]
            if taken and len(self.serving[at]) < least and at not in delivery.others:
                yield f"floor: {len(self.serving[at])} in service, {least} promised: instant {at}"
                return

    def retired(self, delivery: Delivery) -> Iterator[str]:
        """Under surge, no serving one leaves service but for a new one that has passed."""
        if self.beginning.strategy != "u" or self.beginning.circumstance in "qo":
            return
        if any(call.trouble in LISTED_WRONG for call in delivery.calls):
            return  # who is left out of a listing is nobody's replacement; the floor still holds
        first = self.serving[0]
        kept = sum(role == "k" for role in self.beginning.olds.values())
        unpaired = max(0, len(self.leave) + kept - len(self.come - self.abandoned()))
        others = set().union(*(each.others for each in self.played.deliveries))
        for at in range(delivery.first + 1, delivery.last + 1):
            lost = (first & self.leave) - self.serving[at]
            passed = self.serving[at] & self.come
            removed = sum(other <= at for other in others)
            if len(lost) > len(passed) + unpaired + removed:
                yield f"retired before the new one passed: {sorted(lost)}: instant {at}"
                return

    def abandoned(self) -> set[str]:
        """New ones of a hook that was abandoned: they are no more."""
        if not any(each.hooks.get("scale_out") == "ABANDON" for each in self.played.deliveries):
            return set()
        return {server for server, role in self.beginning.coming.items() if role == "e"}

    def emptied(self) -> bool:
        """Whether the scaling group has nobody left."""
        return not any(group.instances for group in self.played.cloud.world.scaling_groups.values())

    # Invariants of the calls.

    def blind(self, delivery: Delivery) -> Iterator[str]:
        """After a write of unknown result comes a look, before any other write."""
        unknown = False
        for call in delivery.calls:
            if call.action == READ and call.answer and not call.trouble:
                unknown = False
            elif call.action in WRITES:
                if unknown:
                    yield f"sent again without a look: {call.action}"
                    return
                unknown = call.trouble in UNKNOWN

    def needless(self, delivery: Delivery) -> Iterator[str]:
        """No write after a read that shows that all is done."""
        if self.flawed:
            return
        done = False
        for call in delivery.calls:
            if call.action in WRITES and done and not delivery.others:
                yield f"a write after a read that shows it converged: {call.action}"
                return
            done = done or (call.shows is not None and self.is_done(call.shows))

    def is_done(self, backends: Any) -> bool:
        here: dict[str, list[int]] = {}
        for backend in backends:
            here.setdefault(backend.server_id, []).append(backend.weight)
        return not self.leave & here.keys() and all(
            server in here and all(here[server]) and server not in self.there for server in self.come
        )

    def refused(self, delivery: Delivery) -> Iterator[str]:
        """What may pass is not refused for good, and no call names more than it may."""
        if any(size > self.beginning.policy.max_per_call for size in delivery.sizes):
            yield "more backends in a call than it may name"
        troubles = {call.trouble for call in delivery.calls} - {""}
        conflict = any(call.answer == "InvalidBackendServers.ServerIpConflict" for call in delivery.calls)
        if conflict and not any(each.troubled or each.killed for each in self.played.deliveries):
            yield "sent again what had been done"
        reason = str(delivery.told.get("reason"))
        passing = (
            troubles
            and self.beginning.circumstance != "b"
            and troubles <= {"busy", "throttled", "lost", "reset", "5xx"}
        )
        if (
            passing
            and delivery.outcome in {"refused", "partial"}
            and reason[0].isupper()
            and reason != "None"
        ):
            yield f"refused for what may pass: {reason}"
        if delivery.outcome in {"applied", "unchanged"} and troubles and not troubles & {"missing", "empty"}:
            here = {row["server_id"] for row in self.instants[min(delivery.hooked_at, delivery.last)]}
            undone = [s for s in self.beginning.come if s not in here]
            lagged = self.played.cloud.world.readings.get("read_lag")
            if undone and not lagged and not self.abandoned():
                yield f"told {delivery.outcome}, with {undone} not in"

    def hooks(self, delivery: Delivery) -> Iterator[str]:
        """A hook is not completed before the drain, and no instance abandoned that has no fault."""
        here = {row["server_id"] for row in self.instants[min(delivery.hooked_at, delivery.last)]}
        roles = self.beginning.olds
        if delivery.hooks.get("scale_in") and any(roles.get(server) == "h" for server in here):
            yield "hook completed before the removal"
        entering = {server for server, role in self.beginning.coming.items() if role == "e"}
        result = delivery.hooks.get("scale_out")
        if result == "ABANDON" and not entering & (self.played.sick | self.played.bad):
            yield "hook abandoned for what is not the instance's fault"
        if result == "CONTINUE" and not entering <= here:
            yield "hook continued without its instances"
        serving = self.serving[min(delivery.hooked_at, delivery.last)]
        if result == "CONTINUE" and self.gated and not entering <= serving:
            yield "hook continued with instances that are not in service"

    # What is told.

    def told(self, delivery: Delivery) -> Iterator[str]:
        """What the outcome reports is what the history shows."""
        told = delivery.told
        if not told or delivery.outcome == "raised":
            return
        before = Counter(map(key, self.instants[delivery.first]))
        after = Counter(map(key, self.instants[min(delivery.hooked_at, delivery.last)]))
        left = Counter(map(key, told["removed"]))
        came = Counter(map(key, told["added"]))
        lagged = bool(self.played.cloud.world.readings.get("read_lag"))
        wrote = any(call.action in WRITES for call in delivery.calls)
        # A run that writes nothing cannot know that its first look lags behind another run's write.
        if Counter(map(key, told["after"])) != after and (wrote or not lagged):
            yield "told another group than there is at the end"
        if lagged:
            return
        if Counter(map(key, told["before"])) != before:
            yield "told another group than there was at the start"
        servers_left = Counter(k[0] for k in (before - after)) - Counter(k[0] for k in left)
        servers_came = Counter(k[0] for k in (after - before)) - Counter(k[0] for k in came)
        if servers_left != Counter(pair["old"] for pair in told["pairs"]):
            yield "told others as removed or replaced than were"
        if servers_came != Counter(pair["new"] for pair in told["pairs"]):
            yield "told others as added or replacing than were"
        if told["outcome"] == "unchanged" and before != after and not delivery.others:
            yield "told unchanged, and changed"

    # The end.

    def ending(self) -> Iterator[str]:
        """After the last delivery, in which nothing went wrong, the group is what was wished, or it is said
        why not, by a cause that can be seen from here.
        """
        again = self.played.again
        assert again is not None
        final = self.played.deliveries[-1]
        rows = self.instants[final.last]
        full = any(r["reason"] == "over_quota" for r in final.told.get("refused", ()))
        full = full or self.beginning.circumstance == "b"
        # Each run may spare a share of what it began with: where that held it up, the next one goes further.
        cut_short = any(each.killed for each in self.played.deliveries)
        limits = {"max_unavailable", "max_removed"} | (LIMITS if cut_short else set())
        limited = any(r["reason"] in limits for r in final.told.get("refused", ()))
        tries_again = self.flawed or full or limited or final.outcome == "raised"
        if final.outcome in {"applied", "unchanged"} or not tries_again:
            writes = [call.action for call in again.calls if call.action in WRITES]
            if writes:
                yield f"a repeated delivery writes: {writes[0]}"
            expected = {"unchanged", "raised"} if self.emptied() else {"unchanged"}
            if final.outcome in {"applied", "unchanged"} and again.outcome not in expected:
                yield f"a repeated delivery is not unchanged but {again.outcome}"
        if final.outcome == "raised" and final.troubled:
            yield "raised in the last delivery, in which nothing went wrong"
        yield from self.put_back(final)
        refused = {r["subject"]: r["reason"] for r in final.told.get("refused", ())}
        reasons = set(refused.values()) | {str(final.told.get("reason"))}
        here: dict[str, Rows] = {}
        for row in rows:
            here.setdefault(row["server_id"], []).append(row)
        left_over = [server for server in self.leave if server in here]
        missing = [server for server in self.come - self.abandoned() if server not in here]
        idle = [s for s in self.come if s in here and any(row["weight"] == 0 for row in here[s])]
        # An interrupted one is said to wait, and nobody has to see to it.
        waits = {s for s, reason in refused.items() if reason == "waiting_for_replacement"} & set(left_over)
        waits = {s for s in waits if self.beginning.olds[s] == "i"}
        undone = [s for s in left_over + missing + idle if s not in waits]
        if undone and final.outcome in {"applied", "unchanged"}:
            yield f"told {final.outcome}, with {undone} undone"
        for server in left_over:
            if not self.excused(server, rows, refused, reasons, final):
                yield f"not converged: {server} is still there: {final.outcome}, {final.told.get('reason')}"
        # What was to replace one that the scaling group keeps in service is refused with it.
        kept = sum(role == "k" for role in self.beginning.olds.values())
        bad = {s for s, reason in refused.items() if reason == "bad_backend"} & self.played.bad
        absent = [server for server in missing + idle if server not in bad]
        for server in absent[kept if "still_in_service" in reasons else 0 :]:
            if not self.excused_new(reasons):
                yield f"not converged: {server} is not in: {final.outcome}, {final.told.get('reason')}"
        if not (left_over or missing or idle or self.flawed):
            yield from self.shape(rows)

    def put_back(self, final: Delivery) -> Iterator[str]:
        """What was taken back is as it was."""
        may_return = self.leave - self.gone
        before = {key(r): said(r) for r in self.instants[final.first] if r["server_id"] in may_return}
        after = {key(r): said(r) for r in self.instants[min(final.hooked_at, final.last)]}
        if final.outcome == "rolled_back":
            wrong = [k for k, what in before.items() if after.get(k, what) != what]
            if wrong:
                yield f"not put back as it was: {wrong}"

    def excused(
        self, server: str, rows: Rows, refused: dict[str, str], reasons: set[str], final: Delivery
    ) -> bool:
        """Whether it can be seen why a server that is to leave is still there."""
        if self.excused_new(reasons) or (self.played.bad and "bad_backend" in reasons):
            return True
        in_service = self.in_service(rows)
        # Who was in when this run began, and is not named, need not be known as a replacement; nor need one
        # to which a run that was cut off gave its weight, for a server that goes only once it is replaced.
        cut_off = any(delivery.outcome in {"killed", "raised"} for delivery in self.played.deliveries)
        roles = {"u", "n", "e"} if cut_off and self.beginning.olds.get(server) == "i" else {"u"}
        known = {row["server_id"] for row in self.instants[final.first] if row["weight"] or roles == {"u"}}
        known &= {s for s, role in self.beginning.coming.items() if role in roles}
        unpaired = max(0, len(self.leave) - len(self.come - self.there - known))
        if reasons & {*LIMITS, "floor"} and server not in self.gone:
            costs = len(self.leave & in_service) if self.beginning.kind == "r" else 1
            if server in in_service and len(in_service) - costs < self.least(final.first, highest=True):
                return True
        if final.told.get("reason") == "floor" and self.beginning.olds[server] == "i":
            return unpaired > 0
        if refused.get(server) == "max_removed":
            meant = self.leave if self.beginning.kind in "rg" else set(self.beginning.inferred)
            let_go = self.abandoned() & {row["server_id"] for row in rows}  # by the scaling group
            there = {row["server_id"] for row in self.instants[0]} | let_go
            return len(meant | let_go) > max(1, len(there - self.gone) * 50 // 100)
        if refused.get(server) == "waiting_for_replacement":
            waiting = [s for s, reason in refused.items() if reason == "waiting_for_replacement"]
            return self.beginning.olds[server] == "i" and len(waiting) <= unpaired
        if refused.get(server) == "source_incomplete":
            return not self.beginning.anyone_listed or self.emptied()
        return False

    def excused_new(self, reasons: set[str]) -> bool:
        """Whether it can be seen why a server that is to come is not in."""
        if self.played.sick and reasons & {"not_healthy", "after_rollback", "health"}:
            return True
        if "over_quota" in reasons and self.beginning.circumstance in "qo":
            return True
        if "TooManyBackendServers" in reasons and self.beginning.circumstance == "b":
            return True
        if "no_ports" in reasons:
            return not self.usual_ports(self.instants[self.played.deliveries[-1].first])
        return False

    def shape(self, rows: Rows) -> Iterator[str]:
        """The new ones stand on the ports of those they replace, at a weight above 0."""
        news = {row["server_id"] for row in rows} & (self.come - self.there)
        ports = Counter(frozenset(r["port"] for r in rows if r["server_id"] == server) for server in news)
        if any(row["weight"] != 100 for row in rows if row["server_id"] in news):
            yield "weight 0 handed on"
        replaced = Counter(
            frozenset(row["port"] for row in self.instants[0] if row["server_id"] == server)
            for server in self.leave
        )
        replaced.pop(frozenset(), None)
        usual = set(self.usual_ports(self.instants[0]))
        if self.there or "i" in self.beginning.olds.values():
            return  # who is there already may be the one that replaces
        extra = ports - replaced
        if sum(ports.values()) <= sum(replaced.values()):
            wrong = extra
        else:
            wrong = Counter({p: n for p, n in extra.items() if set(p) != usual})
            wrong += replaced - ports if set.union(set(), *ports) and replaced - ports else Counter()
        if wrong:
            yield f"on other ports than those replaced: {sorted(map(sorted, wrong))}"

    def usual_ports(self, rows: Rows) -> list[int]:
        configured = self.beginning.policy.ports
        if configured:
            return list(configured)
        servers: dict[str, set[int]] = {}
        for row in rows:
            servers.setdefault(row["server_id"], set()).add(row["port"])
        return sorted(set.intersection(*servers.values())) if servers else []


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    """Name a backend."""
    return (row["server_id"], row["port"], row["server_ip"])


def said(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a backend has."""
    return (row["weight"], row["type"], row["description"])

"""One world, from its beginning to its end: what is delivered, as often as the platform does, and happens."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from handler import outcome
from handler.running import delivering
from handler.running.ports import Means
from handler.triggers import door, reading
from localcloud.cloud import Cloud
from tests.explore import happening
from tests.explore.oracle.excuses import Excuses
from tests.explore.ports import (
    LAGS_S,
    WRONG,
    Attempt,
    Balancer,
    Calls,
    Clock,
    Endless,
    Scaling,
    WireBalancer,
)
from tests.explore.worlds import Asked, Setup, Step, World
from tests.support import deliveries
from tests.support.level_a import Killed, ModelEcs

#: Epoch seconds at which the clock stands at 0.
EPOCH = 1_700_000_000.0
#: Deliveries of one message, the first included, after which the platform gives it up.
TRIES = 3
#: Deliveries in which nothing goes wrong any more, after those of the last message.
QUIET = 4
#: Seconds between deliveries, and until a message comes again; one that was signed and queued takes longer.
BETWEEN_S, AGAIN_S, QUEUED_S = 300.0, 60.0, 400.0

_ACTIVITIES = {
    "out": "ScaleOutSuccess",
    "in": "ScaleInSuccess",
    "outerr": "ScaleOutError",
    "inerr": "ScaleInError",
}
_HOOKS = {
    "hookin": ("ScaleIn", "ash-in"),
    "hooksin": ("ScaleIn", "ash-in"),
    "hookout": ("ScaleOut", "ash-out"),
}


@dataclass
class Played:
    """A world that was played to its end. ``again`` is its last delivery once more, after everything."""

    world: World
    cloud: Cloud
    attempts: list[Attempt] = field(default_factory=list)
    again: Attempt | None = None
    happened: list[tuple[int, Step, float]] = field(default_factory=list)  #: before which instant, what, when
    others: set[int] = field(default_factory=set)  #: instants that nobody's run brought about
    excused: Any = field(default_factory=Excuses)  #: the excuses that the oracle has used

    @property
    def setup(self) -> Setup:
        """What the world's clauses say."""
        return self.world.setup

    @property
    def all(self) -> list[Attempt]:
        """Every attempt, the last one again included."""
        return [*self.attempts, *([self.again] if self.again else [])]

    @property
    def final(self) -> Attempt | None:
        """The last attempt before it came once more."""
        return self.attempts[-1] if self.attempts else None


class _Player:
    def __init__(self, world: World) -> None:
        self.world, self.setup = world, world.setup
        self.cloud = world.cloud()
        self.cloud.world.readings = Asked(self.setup.readings)
        self.clock = Clock()
        self.played = Played(world, self.cloud)
        self.lagging: dict[str, Any] = {}
        self.targets, self.secrets = world.targets
        self.pending, self.met_at = 0, 0.0  #: what is still to happen meanwhile, and when something last did
        self.queued: dict[int, Any] = {}  #: what the door has handed on, by its step

    def play(self) -> Played:
        history = self.cloud.world.history
        for group in self.cloud.world.groups.values():
            self.cloud.world.record(group.vserver_group_id, group.backends, "")
        self.played.others.update(range(len(history)))
        deliveries_at = [at for at, step in enumerate(self.setup.steps) if step.delivered]
        last = deliveries_at[-1] if deliveries_at else -1
        later: list[Step] = []
        for at, step in enumerate(self.setup.steps):
            if not step.delivered:
                if step.after:
                    later.append(step)
                elif at < last:
                    self._happen(step)
                continue
            for planned in sorted(later, key=lambda one: one.after):
                self.pending += 1
                self.clock.planned.append(
                    (self.clock.at + planned.after, lambda one=planned: self._happen_meanwhile(one))
                )
            later = []
            going_on = self._deliver(at, step, last=at == last)
            if not going_on:
                break
            self.clock.sleep(BETWEEN_S)
            self.cloud.world.before.clear()
        return self.played

    def _happen(self, step: Step) -> None:
        world = self.cloud.world
        before = len(world.history)
        self.played.happened.append((before, step, self.clock.at))
        happening.happen(self.cloud, step, self.lagging)
        self.played.others.update(range(before, len(world.history)))

    def _happen_meanwhile(self, step: Step) -> None:
        self.pending -= 1
        self.met_at = self.clock.at
        self._happen(step)

    def _deliver(self, at: int, step: Step, *, last: bool) -> bool:
        """Deliver a message until it is done or given up; tell whether the world goes on."""
        quiet = 0
        tries = 1 if self.setup.once else TRIES
        for attempt_number in range(TRIES + QUIET if last else tries):
            attempt = self._attempt(at, step, quiet=last and attempt_number >= TRIES)
            self.played.attempts.append(attempt)
            if attempt.endless or attempt.broken:
                return False
            settled = not attempt.troubled and not self._meddled(attempt)
            quiet = quiet + 1 if settled else 0
            if not attempt.raised and (settled or not last):  # what others do meanwhile is for the next one
                break
            if last and quiet == 2:
                break
            self._pass(QUEUED_S if "async" in step.words else AGAIN_S)
        if last:
            self._pass(BETWEEN_S)
            self.played.again = self._attempt(at, step, quiet=True)
        return True

    def _meddled(self, attempt: Attempt) -> bool:
        """Whether something has happened since an attempt began, or is still to happen."""
        return self.pending > 0 or self.met_at >= attempt.began

    def _pass(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.cloud.world.before.clear()

    def _attempt(self, at: int, step: Step, *, quiet: bool) -> Attempt:
        world, clock = self.cloud.world, self.clock
        attempt = Attempt(
            len(self.played.all),
            at,
            (step.kind, *step.words),
            clock.at,
            clock.at + self.setup.time_s,
            len(world.history),
            world.instances,
            {name: group.instances for name, group in world.scaling_groups.items()},
            quiet=quiet,
        )
        clock.planned.append((clock.at + LAGS_S, self.lagging.clear))
        clock.planned.sort(key=lambda one: one[0])
        calls: Any = Calls(self.cloud, self.setup, attempt, clock, self.lagging)
        attempt.read = self._read(at, step)
        told = _Told(attempt)
        wired = self.setup.has_rules
        try:
            means = Means(
                lambda reader: WireBalancer(calls, reader) if wired else Balancer(calls),
                Scaling(calls),
                ModelEcs(calls),
                clock,
                attempt.deadline,
                told,
            )
            done, hooks = delivering.deliver(
                attempt.read.intents, self.targets, means, calls=lambda: len(attempt.calls)
            )
            results = [outcome.of_done(one) for one in done]
            attempt.results = outcome.with_hooks(results, hooks)
            summed_up = outcome.summed_up(attempt.results, attempt.read.rejected, attempt.read.ignored, "")
            attempt.outcome = summed_up["outcome"]
        except Killed:
            attempt.killed = True
        except Endless:
            attempt.endless = True
        except Exception:
            attempt.broken = traceback.format_exc()
        attempt.last, attempt.ended = len(world.history), clock.at
        attempt.instances_after = world.instances
        if any(call.trouble in WRONG for call in attempt.calls):
            clock.at = max(clock.at, attempt.began + LAGS_S)
        self.lagging.clear()
        self.played.others.update(attempt.others)
        return attempt

    def _read(self, at: int, step: Step) -> Any:
        now = EPOCH + self.clock.at
        event = self._event(at, step, now)
        return reading.read(
            event, targets=self.targets, region=deliveries.REGION, now=now, secrets=self.secrets
        )

    def _event(self, at: int, step: Step, now: float) -> Any:
        words = step.words
        if step.kind in _ACTIVITIES:
            return deliveries.activity(_ACTIVITIES[step.kind], " ".join(words[1:]), words[0])
        if step.kind in _HOOKS:
            transition, hook = _HOOKS[step.kind]
            each = words[1:] if step.kind == "hooksin" else (" ".join(words[1:]),)
            waiting = [
                deliveries.hooked(
                    transition, servers, words[0], hook=hook, token=f"token-{servers.split()[0]}"
                )
                for servers in each
            ]
            return waiting[0] if len(waiting) == 1 else waiting
        if step.kind == "interrupted":
            return deliveries.interrupted(words[0])
        if step.kind == "deleted":
            return deliveries.deleted(words[0])
        if step.kind == "timer":
            return deliveries.timer(*words)
        body = json.dumps(request(words)).encode()
        if "async" not in words:
            return deliveries.http_event(body, deliveries.signed(body, at=now))
        if at not in self.queued:
            word = door.Word(int(now), asynchronous=True)
            self.queued[at] = door.handed_on(deliveries.signed(body, at=now), body, word, self.secrets)
        return self.queued[at]


def request(words: tuple[str, ...]) -> dict[str, Any]:
    """The body of a request, in the words of a clause: ``web t:i-0 l:n-0:port=80:weight=30 p:i-1/n-1``."""
    body: dict[str, Any] = {"target": words[0], "terminated": [], "launched": [], "pairs": [], "force": []}
    for word in words[1:]:
        kind, _, said = word.partition(":")
        if kind in {"t", "l"}:
            body["terminated" if kind == "t" else "launched"].append(_entry(said))
        elif kind == "p":
            body["pairs"].append(said.split("/"))
        elif kind == "force":
            body["force"] = said.split(",")
        elif kind in {"swap", "surge"}:
            body["strategy"] = kind
        elif kind in {"gone", "dry_run"}:
            body[kind] = True
    return body


def _entry(said: str) -> Any:
    server, *rest = said.split(":")
    server, _, address = server.partition("@")
    entry: dict[str, Any] = {"server_id": server}
    if address:
        entry["server_ip"] = address
    for word in rest:
        key, _, value = word.partition("=")
        entry[key] = int(value) if value.isdigit() else value
    return entry


class _Told:
    """Takes notice only of what breaks."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def __call__(self, name: str, **said: object) -> None:
        if name == "swap.failed":
            self._attempt.broken = traceback.format_exc()


def play(world: World) -> Played:
    """Play one world; raises ValueError or KeyError where a clause says nothing."""
    return _Player(world).play()


def fingerprint(played: Played) -> object:
    """Return all that happened, to be compared: every instant, every call, and what came of it."""
    return (
        [(i.group_id, i.backends, i.action) for i in played.cloud.world.history],
        [[(c.action, c.trouble, c.answer) for c in a.calls] for a in played.all],
        [(a.outcome, _plain(a)) for a in played.all],
    )


def _plain(attempt: Attempt) -> Iterator[object]:
    return tuple(  # type: ignore[return-value]
        (one["outcome"], one["reason"], tuple((r["subject"], r["reason"]) for r in one["refused"]))
        for one in attempt.results
    )

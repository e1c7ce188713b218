"""One world, from its beginning to its end: deliveries, what goes wrong at their calls, and what was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from handler.cloud.errors import classify
from handler.cloud.slb import CloudSlb
from handler.core.deciding.hooks import Ending
from handler.core.model.answers import Answer, CallFailed, Result
from handler.core.model.observed import Listing
from handler.core.model.steps import Step, new_side, old_side
from handler.core.model.values import Group, Instance
from handler.outcome import of_run
from handler.running import loop
from handler.running.hooks import Hooks
from handler.running.loop import Run
from handler.running.ports import Means
from localcloud.cloud import Cloud
from localcloud.http import ConnectionCut
from localcloud.rpc.errors import ApiError
from localcloud.state import world as state
from tests.prove.choices import READING, Choices, Readings
from tests.prove.worlds import BALANCER, GROUP, Beginning
from tests.support.level_a import FakeClock, Killed, ModelEss, ModelSlb
from tests.support.tasks import alone
from tests.support.wire import WireClient

T = TypeVar("T")
TIMEOUT_S = 60.0
#: Calls of one run after which it is a livelock.
MOST_CALLS = 400
#: Deliveries in which something may go wrong, and those after them, if the last one was raised.
TROUBLED, QUIET = 3, 3

READ = "DescribeVServerGroupAttribute"
WRITES = {
    "ModifyVServerGroupBackendServers",
    "AddVServerGroupBackendServers",
    "RemoveVServerGroupBackendServers",
    "SetVServerGroupAttribute",
}

#: What may go wrong at a write, at a read, and at the reading of a scaling group.
AT_WRITE = ("", "busy", "lost", "reset", "5xx", "bad", "kill", "killed", "other")
AT_READ = ("", "throttled", "reset", "5xx", "kill")
AT_LISTING = (*AT_READ, "empty", "short", "missing")
UNKNOWN = {"lost", "reset", "5xx"}


class Livelock(Exception):  # noqa: N818 - it is a finding, no error of ours
    """A run that goes on and on."""


@dataclass
class Call:
    """One call as it went."""

    action: str
    trouble: str = ""
    answer: str = ""
    shows: tuple[Any, ...] | None = None  #: of a read of the group: its backends
    instant: int = 0  #: how many instants there were before it
    at: float = 0.0


@dataclass
class Delivery:
    """One delivery: where its instants begin and end, its calls, and its run unless it was killed."""

    first: int
    last: int = 0
    calls: list[Call] = field(default_factory=list)
    others: set[int] = field(default_factory=set)  #: instants that somebody else brought about
    run: Run | None = None
    told: dict[str, Any] = field(default_factory=dict)
    hooks: dict[str, str | None] = field(default_factory=dict)
    hooked_at: int = 0
    sizes: list[int] = field(default_factory=list)  #: backends named in each write
    killed: bool = False
    livelock: bool = False

    @property
    def troubled(self) -> bool:
        """Whether anything went wrong at a call."""
        return any(call.trouble for call in self.calls)

    @property
    def outcome(self) -> str:
        """How it ended."""
        return self.run.finish.outcome if self.run else "killed"


@dataclass
class Played:
    """A world that was played to its end."""

    beginning: Beginning
    cloud: Cloud
    deliveries: list[Delivery]
    again: Delivery | None  #: the same delivery once more, after everything
    sick: set[str]
    bad: set[str]
    history: list[dict[str, Any]] = field(default_factory=list)


class Clock(FakeClock):
    """A clock whose jitter is no matter of chance."""

    def jitter(self) -> float:
        return 0.5


class Calls:
    """Makes the calls, and asks at each what goes wrong."""

    def __init__(self, cloud: Cloud, choices: Choices, delivery: Delivery, clock: Clock, old: str) -> None:
        self.cloud = cloud
        self._choices, self._delivery, self._clock, self._old = choices, delivery, clock, old

    def make(self, action: str, work: Callable[[], T], options: tuple[str, ...] | None = None) -> T:
        """Make one call; raises CallFailed with what the error table says of what came instead."""
        delivery, world = self._delivery, self.cloud.world
        if len(delivery.calls) >= MOST_CALLS:
            raise Livelock
        call = Call(action, instant=len(world.history), at=self._clock.at)
        delivery.calls.append(call)
        options = options or (AT_WRITE if action in WRITES else AT_READ)
        call.trouble = trouble = self._choices.fault(action, options)
        try:
            if trouble:
                self._before(trouble)
            found = self._lost(work) if trouble == "lost" else work()
            if trouble == "killed":
                raise Killed
        except ApiError as error:
            call.answer = error.code
            result = classify(action, error.code, error.status, error.message)
            raise CallFailed(Answer(result, error.code, error.message)) from None
        except ConnectionCut:
            call.answer = "cut"
            raise CallFailed(Answer(Result.UNKNOWN, "SDK.HttpError")) from None
        if action == READ:
            call.shows = found.backends if hasattr(found, "backends") else None
        call.answer = repr(getattr(found, "rows", found))
        return found

    def _before(self, trouble: str) -> None:
        if trouble == "kill":
            raise Killed
        if trouble == "reset":
            raise ConnectionCut
        if trouble == "other":
            self._somebody_else()
        codes = {"busy": ("BackendServer.configuring", None), "throttled": ("Throttling", 400)}
        codes |= {"5xx": ("InvalidParameter", 503), "bad": ("ObtainIpFail", 400)}
        if trouble in codes:
            code, status = codes[trouble]
            raise ApiError(code, status=status)

    @staticmethod
    def _lost(work: Callable[[], T]) -> T:
        with suppress(ApiError):
            work()
        raise ConnectionCut

    def _somebody_else(self) -> None:
        """Somebody else takes an old one out: a Modify that names nothing new."""
        slb = self.cloud.slb
        theirs = [b for b in self.cloud.world.groups[GROUP].backends if b.server_id == self._old]
        before = len(self.cloud.world.history)
        if theirs:
            try:
                slb.modify(GROUP, theirs[:1], ())
            except ApiError:
                return
        self._delivery.others.update(range(before, len(self.cloud.world.history)))


class Balancer(ModelSlb):
    """The load balancer; notes how much a write names."""

    def do(self, group: Group, step: Step) -> Answer:
        calls: Any = self._calls
        calls._delivery.sizes.append(max(len(old_side(step)), len(new_side(step))))
        return super().do(group, step)


class Scaling(ModelEss):
    """Auto Scaling, whose listings may leave out what is there."""

    def listing(self, scaling_group_id: str) -> Listing:
        calls: Any = self._calls
        found = calls.make(
            "DescribeScalingInstances", lambda: self._ess.members(scaling_group_id), AT_LISTING
        )
        servers = super_servers(found)
        trouble = calls._delivery.calls[-1].trouble
        if trouble == "empty":
            servers = ()
        elif trouble == "missing":
            servers = servers[1:]
        elif trouble == "short":
            servers = servers[:-1]
        return Listing(servers, complete=trouble != "short", counted=len(found))


def super_servers(found: Any) -> tuple[Any, ...]:
    from tests.support.level_a import _server

    return tuple(_server(member) for _, member in found)


class Instances:
    """ECS, which answers whatever goes wrong elsewhere, and finds all that it knows running.

    So what the load balancer will not take is found out by its answers. What ECS says is for sampled worlds.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def instances(self, ids: tuple[str, ...]) -> Mapping[str, Any]:
        """Return what is so now, without a call in which anything may go wrong."""
        known = self._cloud.ecs.instances(ids)
        return {one.instance_id: Instance(one.instance_id, "running", reclaimed=False) for one in known}


def play(beginning: Beginning, choices: Choices) -> Played:
    """Play one world."""
    cloud = beginning.cloud.copy()
    world = cloud.world
    world.readings = Readings(choices)
    played = Played(beginning, cloud, [], None, set(), set())
    _instances(beginning, cloud, choices, played)
    clock = Clock()
    quiet = 0
    for number in range(TROUBLED + QUIET):
        choices.quiet = number >= TROUBLED
        delivery = _deliver(beginning, cloud, choices, clock)
        played.deliveries.append(delivery)
        if delivery.livelock:
            break
        quiet = 0 if delivery.troubled else quiet + 1
        if not delivery.troubled and (delivery.outcome != "raised" or quiet == 2):
            break
    choices.quiet = True
    if not played.deliveries[-1].livelock:
        played.again = _deliver(beginning, cloud, choices, clock)
    played.history = cloud.history(GROUP)
    return played


def _instances(beginning: Beginning, cloud: Cloud, choices: Choices, played: Played) -> None:
    """Release who is no more, and choose who is unhealthy or cannot be taken."""
    released = [server for server, role in beginning.olds.items() if role == "d"]
    others = [s for s in [*beginning.olds, *beginning.coming] if s not in released]
    options = ["", *(f"sick {s}" for s in others), *(f"bad {s}" for s in beginning.coming)]
    what, _, server = choices.fault("instance", options).partition(" ")
    if what == "sick":
        played.sick.add(server)
        cloud.world.set_instance(state.Instance(server, health="abnormal"))
    elif what == "bad":
        played.bad.add(server)
        cloud.world.set_instance(state.Instance(server, status="Stopped"))
    for server_id in released:
        cloud.world.release(server_id)
    cloud.world.history.clear()


def _deliver(beginning: Beginning, cloud: Cloud, choices: Choices, clock: Clock) -> Delivery:
    world = cloud.world
    delivery = Delivery(len(world.history))
    world.record(GROUP, world.groups[GROUP].backends, "")
    leave = beginning.leave
    calls: Any = Calls(cloud, choices, delivery, clock, leave[0] if leave else "")
    ess = Scaling(calls)
    slb = CloudSlb(WireClient(calls)) if beginning.circumstance == "w" else Balancer(calls)
    target, intent = beginning.target, beginning.intent
    means = Means(lambda _: slb, ess, Instances(cloud), clock, clock.now() + TIMEOUT_S, _unheard)
    hooks = Hooks(intent.hooks, means)
    try:
        run = alone(loop.run(target, intent, means), clock, hooks.keep_alive)
        delivery.run = run
        delivery.told = of_run(run)
        delivery.hooked_at = len(world.history) - 1
        ending = [Ending(run.finish, run.observed, run.goal.gates)]
        completed = [alone(hooks.complete(one, ending), clock, hooks.keep_alive) for one in hooks.all]
        delivery.hooks = {done.hook.transition: done.result for done in completed}
    except Killed:
        delivery.killed = True
    except Livelock:
        delivery.livelock = True
    delivery.last = len(world.history) - 1
    clock.at += 60
    return delivery


def _unheard(name: str, **said: object) -> None:
    """Take no notice of what the loop tells."""


def fingerprint(played: Played) -> object:
    """Return all that happened, to be compared: every instant, every call and what was answered."""
    return (
        repr(played.history),
        [[(c.action, c.trouble, c.answer) for c in d.calls] for d in played.deliveries],
    )


__all__ = ["BALANCER", "READING", "Delivery", "Played", "fingerprint", "play"]

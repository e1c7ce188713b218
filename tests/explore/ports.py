"""The function's ports over the local cloud's models: each call is written down, and may go wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from msgspec import structs

from handler.cloud.errors import classify
from handler.cloud.slb import CloudSlb
from handler.core.model.answers import Answer, CallFailed, Result
from handler.core.model.observed import Listing
from handler.core.model.steps import Step, new_side, old_side
from handler.core.model.values import Group, Hook
from handler.sharing import Reader
from localcloud.cloud import Cloud
from localcloud.http import ConnectionCut
from localcloud.rpc.errors import ApiError
from localcloud.state.world import Member
from tests.explore.worlds import Setup
from tests.support.level_a import FakeClock, Killed, ModelEss, ModelSlb
from tests.support.wire import WireClient

T = TypeVar("T")

#: Calls of one attempt after which it goes on and on.
MOST_CALLS = 500
READ = "DescribeVServerGroupAttribute"
HEALTH_READ = "DescribeHealthStatus"
KINDS = {
    READ: "read",
    HEALTH_READ: "health",
    "DescribeVServerGroups": "read",
    "DescribeLoadBalancerListeners": "read",
    "DescribeRules": "read",
    "DescribeScalingInstances": "list",
    "DescribeScalingGroups": "list",
    "DescribeInstances": "ecs",
    "CompleteLifecycleAction": "hook",
    "RecordLifecycleActionHeartbeat": "hook",
    "DescribeLifecycleActions": "hook",
}
#: What may go wrong at a call of each kind.
TROUBLES = {
    "write": ("busy", "lost", "reset", "5xx", "bad", "kill", "killed", "other"),
    "read": ("throttled", "reset", "5xx", "forbidden", "kill"),
    "health": ("throttled", "reset", "5xx", "forbidden", "kill"),
    "list": ("throttled", "reset", "5xx", "forbidden", "kill", "empty", "short", "missing"),
    "ecs": ("throttled", "5xx", "forbidden", "kill"),
    "hook": ("throttled", "lost", "kill", "killed"),
}
#: What may go on to go wrong until the attempt ends, and at calls of which kinds.
LASTING = ("throttled", "forbidden")
LASTING_KINDS = ("read", "health", "list", "ecs")
CODES: dict[str, tuple[str, int | None]] = {
    "busy": ("BackendServer.configuring", None),
    "throttled": ("Throttling", 400),
    "5xx": ("InvalidParameter", 503),
    "bad": ("ObtainIpFail", 400),
    "forbidden": ("Forbidden.RAM", 403),
}
#: Listings that do not say what is so.
WRONG = frozenset({"empty", "short", "missing", "lag"})
#: Seconds after the beginning of a delivery at which a listing that lags has caught up.
LAGS_S = 8.0

Key = tuple[str, int, str | None]


class Endless(BaseException):
    """A run that goes on and on."""


@dataclass(slots=True)
class Call:
    """One call as it went. ``first`` and ``last`` are the instants that it made, from and up to."""

    action: str
    kind: str
    at: float
    trouble: str = ""
    answer: str = ""
    group: str = ""
    old: tuple[Key, ...] = ()
    new: tuple[tuple[Key, int], ...] = ()
    form: str = ""  #: where its parameters went; a gateway that does not read the body is asked again
    first: int = 0
    last: int = 0

    @property
    def passing(self) -> bool:
        """Whether it was refused as busy or throttled."""
        return self.trouble in {"busy", "throttled"} or self.answer in {
            "BackendServer.configuring",
            "VServerGroupProcessing",
        }


@dataclass(frozen=True, slots=True)
class Told:
    """A hook that was completed, the instant before which that was, and what was true of instances then."""

    transition: str
    servers: tuple[str, ...]
    scaling_group: str
    result: str
    instant: int
    instances: Mapping[str, Any]


@dataclass
class Attempt:
    """One delivery to the function: what was true when it began, its calls, and what came of it."""

    number: int
    step: int  #: which of the world's deliveries
    words: tuple[str, ...]
    began: float
    deadline: float
    first: int
    instances: Mapping[str, Any]
    members: Mapping[str, tuple[Member, ...]]
    quiet: bool = False
    last: int = 0
    ended: float = 0.0
    instances_after: Mapping[str, Any] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    others: set[int] = field(default_factory=set)  #: instants that somebody else brought about
    shown: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)  #: listings as they were read
    results: list[dict[str, Any]] = field(default_factory=list)
    outcome: str = "killed"
    hooks: list[Told] = field(default_factory=list)  #: the hooks that were completed
    read: Any = None
    killed: bool = False
    endless: bool = False
    broken: str = ""

    @property
    def troubled(self) -> bool:
        """Whether anything went wrong at a call."""
        return any(call.trouble for call in self.calls)

    @property
    def raised(self) -> bool:
        """Whether it is to be delivered again."""
        return self.killed or self.outcome == "raised"

    @property
    def writes(self) -> list[Call]:
        """Its writes to VServer groups."""
        return [call for call in self.calls if call.kind == "write"]


class Clock(FakeClock):
    """A clock at whose turning something may happen; its jitter is no matter of chance."""

    def __init__(self) -> None:
        super().__init__()
        self.planned: list[tuple[float, Callable[[], None]]] = []

    def sleep(self, seconds: float) -> None:
        """Let time pass, and happen what is planned for it."""
        until = self.at + max(seconds, 0.001)
        while self.planned and self.planned[0][0] <= until:
            self.at, happens = max(self.at, self.planned[0][0]), self.planned.pop(0)[1]
            happens()
        self.at = until

    def jitter(self) -> float:
        return 0.5


class Calls:
    """Makes the calls of one attempt."""

    def __init__(
        self, cloud: Cloud, setup: Setup, attempt: Attempt, clock: Clock, lagging: dict[str, Any]
    ) -> None:
        self.cloud, self.attempt, self.lagging = cloud, attempt, lagging
        self._setup, self._clock = setup, clock
        self._faults = [] if attempt.quiet else [f for f in setup.faults if f.attempt == attempt.number]
        self._met: dict[str, int] = {}
        self.doing: tuple[str, Step] | None = None
        self.reading = self.form = ""

    def make(self, action: str, work: Callable[[], T], *, by_id: bool = False) -> T:
        """Make one call; raises CallFailed with what the error table says of what came instead."""
        attempt, world = self.attempt, self.cloud.world
        if len(attempt.calls) >= MOST_CALLS:
            raise Endless
        kind = KINDS.get(action, "write")
        call = Call(action, kind, self._clock.at, form=self.form, first=len(world.history))
        attempt.calls.append(call)
        if kind == "write" and self.doing is not None:
            call.group, step = self.doing
            call.old = tuple(tuple(one.key) for one in old_side(step))
            call.new = tuple((tuple(one.key), one.weight) for one in new_side(step))
        elif action == READ:
            call.group = self.reading
        call.trouble = self._trouble(kind, by_id=by_id)
        try:
            self._before(call, kind)
            call.first = len(world.history)
            found = self._lost(work) if call.trouble == "lost" else work()
            if call.trouble == "killed":
                raise Killed
        except ApiError as error:
            call.answer = error.code
            result = classify(action, error.code, error.status, error.message)
            raise CallFailed(Answer(result, error.code, error.message)) from None
        except ConnectionCut:
            call.answer = "cut"
            raise CallFailed(Answer(Result.UNKNOWN, "SDK.HttpError")) from None
        finally:
            call.last = len(world.history)
        call.answer = "ok"
        return found

    def _trouble(self, kind: str, *, by_id: bool) -> str:
        self._met[kind] = nth = self._met.get(kind, -1) + 1
        struck = next((f.what for f in self._faults if f.kind == kind and f.strikes(nth)), "")
        return "" if by_id and struck in WRONG else struck

    def _before(self, call: Call, kind: str) -> None:
        if kind in self._setup.denied:
            raise ApiError("Forbidden.RAM", status=403)
        match call.trouble:
            case "kill":
                raise Killed
            case "reset":
                raise ConnectionCut
            case "other":
                self._somebody_else(call.group)
            case trouble if trouble in CODES:
                code, status = CODES[trouble]
                raise ApiError(code, status=status)
        refused = self._refused(call)
        if refused and not self.attempt.quiet:
            call.trouble = call.trouble or "refused"
            raise ApiError(refused)

    def _refused(self, call: Call) -> str:
        """The code with which a call is refused, for its action or for a server that it names."""
        named = {key[0] for key in (*call.old, *(key for key, _ in call.new))}
        of = (code for action, code, server in self._setup.refuse_of
              if action in {call.action, "any"} and server in named)  # fmt: skip
        return self._setup.refuse.get(call.action) or next(of, "")

    @staticmethod
    def _lost(work: Callable[[], T]) -> T:
        with suppress(ApiError):
            work()
        raise ConnectionCut

    def _somebody_else(self, group_id: str) -> None:
        """Somebody else takes the first backend of the group out."""
        world = self.cloud.world
        group = world.groups[group_id]
        before = len(world.history)
        if group.backends:
            world.put_backends(group, group.backends[1:], "other")
        self.attempt.others.update(range(before, len(world.history)))


class Balancer(ModelSlb):
    """The load balancer."""

    def group(self, vserver_group_id: str) -> Group:
        calls: Any = self._calls
        calls.reading = vserver_group_id
        return super().group(vserver_group_id)

    def do(self, group: Group, step: Step) -> Answer:
        calls: Any = self._calls
        calls.doing = (group.id, step)
        return super().do(group, step)


class WireBalancer(CloudSlb):
    """The load balancer through the function's own client, which reads rules, and health row by row."""

    def __init__(self, calls: Calls, reader: Reader) -> None:
        super().__init__(WireClient(calls), reader)
        self._made = calls

    def group(self, vserver_group_id: str) -> Group:
        self._made.reading = vserver_group_id
        return super().group(vserver_group_id)

    def do(self, group: Group, step: Step) -> Answer:
        self._made.doing = (group.id, step)
        return super().do(group, step)


class Scaling(ModelEss):
    """Auto Scaling, whose listings may leave out what is there, or lag."""

    def listing(self, scaling_group_id: str) -> Listing:
        calls: Any = self._calls
        lagging, before = calls.lagging.get(scaling_group_id), len(calls.attempt.calls)
        if lagging is None or scaling_group_id not in calls.cloud.world.scaling_groups:
            found = super().listing(scaling_group_id)
        else:
            with _as_it_was(calls.cloud, scaling_group_id, lagging):
                found = super().listing(scaling_group_id)
            calls.attempt.calls[-1].trouble = calls.attempt.calls[-1].trouble or "lag"
        made = [call.trouble for call in calls.attempt.calls[before:]]
        servers, wrong = found.servers, next((one for one in made if one in WRONG), "")
        if wrong == "empty":
            servers = ()
        elif wrong == "missing":
            servers = servers[1:]
        elif wrong == "short":
            servers = servers[:-1]
        # Who is left out here is still there for whoever asks by its id.
        calls.attempt.shown.setdefault(scaling_group_id, []).append(found.servers)
        return structs.replace(found, servers=servers, complete=wrong != "short")

    def listed(self, scaling_group_id: str, instance_ids: tuple[str, ...]) -> tuple[Any, ...]:
        calls: Any = self._calls
        lagging = calls.lagging.get(scaling_group_id)
        if lagging is None or scaling_group_id not in calls.cloud.world.scaling_groups:
            return super().listed(scaling_group_id, instance_ids)
        with _as_it_was(calls.cloud, scaling_group_id, lagging):
            return super().listed(scaling_group_id, instance_ids)

    def complete(self, hook: Hook, result: Any) -> Answer:
        calls: Any = self._calls
        world, waiting = calls.cloud.world, self._waits(hook)
        instant, instances = len(world.history), world.instances
        try:
            return super().complete(hook, result)
        finally:
            if waiting and not self._waits(hook):
                told = Told(
                    hook.transition, hook.instance_ids, hook.scaling_group_id, result, instant, instances
                )
                calls.attempt.hooks.append(told)

    def _waits(self, hook: Hook) -> bool:
        groups = self._calls.cloud.world.scaling_groups.values()
        found = (a for group in groups for a in group.lifecycle_actions)
        return any(a.lifecycle_action_token == hook.token and a.status == "Pending" for a in found)


class _as_it_was:  # noqa: N801 - it reads as a statement
    """The members of a scaling group, for a moment, as they were."""

    def __init__(self, cloud: Cloud, name: str, members: tuple[Member, ...]) -> None:
        self._groups, self._name, self._members = cloud.world.scaling_groups, name, members

    def __enter__(self) -> None:
        self._now = self._groups[self._name]
        self._groups[self._name] = replace(self._now, instances=self._members)

    def __exit__(self, *problem: object) -> None:
        self._groups[self._name] = self._now

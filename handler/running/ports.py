"""What the loop needs of the outside: the cloud and the clock are handed in, as protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from msgspec import Struct, field

from handler.core.model.answers import Answer
from handler.core.model.observed import Listing
from handler.core.model.steps import Step
from handler.core.model.values import Group, Hook, Instance, Key, Listeners, Server, Verdict
from handler.running.beside import Beside, in_turn
from handler.running.pacing import Pacing
from handler.sharing import Reader, Readings


class Slb(Protocol):
    """The calls to the load balancer. Reads raise CallFailed; a write always gives an Answer."""

    def group(self, vserver_group_id: str) -> Group:
        """Read the group (DescribeVServerGroupAttribute)."""

    def listeners(self, group: Group) -> Listeners:
        """Read which listeners and rules use the group, and what they do."""

    def health(self, group: Group) -> Mapping[Key, Mapping[str, Verdict]]:
        """Read what each listener that checks, by its name, says of every backend (DescribeHealthStatus)."""

    def do(self, group: Group, step: Step) -> Answer:
        """Do one step to the group, and return its result."""


class Ess(Protocol):
    """The calls to Auto Scaling. Reads raise CallFailed; the hook calls give an Answer."""

    def listing(self, scaling_group_id: str) -> Listing:
        """Read all instances of a scaling group, every page, without a filter."""

    def named(self, scaling_group_id: str, instance_ids: tuple[str, ...]) -> Listing:
        """Read some instances by id, and what ``listing`` says of the scaling group itself."""

    def listed(self, scaling_group_id: str, instance_ids: tuple[str, ...]) -> tuple[Server, ...]:
        """Read some instances by id; those that are not in the scaling group are left out."""

    def pending_hooks(self, activity_id: str) -> tuple[Hook, ...]:
        """Read the lifecycle actions of a scaling activity that still wait (DescribeLifecycleActions)."""

    def complete(self, hook: Hook, result: Literal["CONTINUE", "ABANDON"]) -> Answer:
        """Complete a lifecycle action; GONE if its token has expired or was used before."""

    def heartbeat(self, hook: Hook) -> Answer:
        """Ask for more time for a lifecycle action."""


class Ecs(Protocol):
    """The calls to ECS. Raises CallFailed; PERMANENT if we may not read instances."""

    def instances(self, ids: tuple[str, ...]) -> Mapping[str, Instance]:
        """Read instances by id (DescribeInstances); those that ECS does not know are absent."""


class Clock(Protocol):
    """Time, as a port: tests can turn it."""

    def now(self) -> float:
        """Return seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def jitter(self) -> float:
        """Return a random share, from 0 up to 1."""


class Means(Struct, frozen=True):
    """What the runs of one delivery work with. No write is sent after ``deadline``, in seconds of the clock.

    ``slb`` makes the port for one run. ``log`` is told of everything that happens: a name, and what belongs
    to it. ``beside`` is how two services are asked at once. What the runs learn of a load balancer's pace and
    read of the cloud, they share.
    """

    slb: Callable[[Reader], Slb]
    ess: Ess
    ecs: Ecs
    clock: Clock
    deadline: float
    log: Callable[..., None]
    beside: Beside = in_turn
    pacing: Pacing = field(default_factory=Pacing)
    readings: Readings = field(default_factory=dict)

    def reader(self) -> Reader:
        """Return one run's view of the readings."""
        return Reader(self.clock.now, self.readings)

"""The cloud in one object: the models, the readings and the faults, driven without any wire."""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from localcloud import faults
from localcloud.ecs import actions as ecs_actions
from localcloud.ecs.model import Ecs
from localcloud.ess import actions as ess_actions
from localcloud.ess.model import Ess
from localcloud.faults import Fault, Faults
from localcloud.rpc.credentials import Identity
from localcloud.rpc.errors import ApiError
from localcloud.slb import actions as slb_actions
from localcloud.slb.model import Slb
from localcloud.state import dump as state_dump
from localcloud.state import parsing as state_json
from localcloud.state.history import render
from localcloud.state.readings import Readings
from localcloud.state.world import Instant, World

T = TypeVar("T")
SLB_VERSION, ESS_VERSION, ECS_VERSION = "2014-05-15", "2014-08-28", "2014-05-26"


class Cloud:
    """SLB, ESS and ECS over one world. `call` takes wire parameters; `slb`, `ess` and `ecs` are typed."""

    def __init__(
        self,
        state: Mapping[str, Any] | None = None,
        *,
        readings: Readings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`readings`, where given, is asked instead of the state's own: it may be any mapping.

        `clock` tells the seconds by which a write keeps the load balancer busy (reading `busy_ms`).
        """
        state = state or {}
        self.clock = clock
        self.faults = Faults(faults.parse(state.get("faults")))
        self._enter(state_json.world(state))
        if readings is not None:
            self.world.readings = readings

    def use_clock(self, clock: Callable[[], float]) -> None:
        """Tell the time by another clock from now on."""
        self.clock = self.world.clock = clock

    def _enter(self, world: World) -> None:
        world.clock = self.clock
        self.world = world
        self.slb = Slb(world)
        self.ess = Ess(world)
        self.ecs = Ecs(world)

    def copy(self) -> "Cloud":
        """A cloud that goes its own way from here; it costs a few dictionaries."""
        new = object.__new__(Cloud)
        new.faults, new.clock = self.faults.copy(), self.clock
        new._enter(self.world.copy())
        return new

    def replace(self, state: Mapping[str, Any]) -> None:
        """Take another state, all or nothing; history and counts begin anew."""
        checked = faults.parse(state.get("faults"))
        watcher = self.world.watcher
        self._enter(state_json.world(state))
        self.watch(watcher)
        self.faults = Faults(checked, self.faults.on_kill)

    def watch(self, watcher: Callable[[Instant], None] | None) -> None:
        """Tell of each instant of the history as it is recorded, inside the call that makes it."""
        self.world.watcher = watcher

    def put_faults(self, value: object) -> None:
        """Replace the faults; their counts begin at 0."""
        self.faults = Faults(faults.parse(value), self.faults.on_kill)

    def state(self) -> dict[str, Any]:
        """The whole state as JSON."""
        return {**state_dump.dump(self.world), "faults": faults.dump(self.faults.faults)}

    def history(self, vserver_group_id: str | None = None) -> list[dict[str, Any]]:
        """Every state a group, or each group, was ever in."""
        return render(self.world, vserver_group_id)

    def call(
        self, action: str, params: Mapping[str, str], identity: Identity | None = None
    ) -> dict[str, Any]:
        """One RPC call with the parameters of the wire, faults included; ApiError where the cloud refuses."""
        fault = self.faults.strike(action, params)
        return self.faults.around(fault, lambda: self.apply(action, params), identity)

    def under_faults(self, action: str, work: Callable[[], T], params: Mapping[str, str] | None = None) -> T:
        """Typed work under the same faults as `call`: `under_faults(name, lambda: cloud.slb.modify(...))`."""
        fault: Fault | None = self.faults.strike(action, params or {})
        return self.faults.around(fault, work)

    def apply(self, action: str, params: Mapping[str, str]) -> dict[str, Any]:
        """One call, without faults."""
        if (slb := slb_actions.ACTIONS.get(action)) is not None:
            return slb(self.slb, params)
        if (ess := ess_actions.ACTIONS.get(action)) is not None:
            return ess(self.ess, params)
        if (ecs := ecs_actions.ACTIONS.get(action)) is not None:
            return ecs(self.ecs, params)
        raise ApiError("InvalidAction.NotFound")

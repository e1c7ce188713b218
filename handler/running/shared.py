"""Auto Scaling and ECS as one run of a delivery sees them: other runs' readings are not repeated."""

from __future__ import annotations

from collections.abc import Mapping

from handler.core.model.observed import Listing
from handler.core.model.values import Instance, Server
from handler.running.ports import Ecs, Ess
from handler.sharing import Reader

#: Seconds for which another target of the delivery may use a reading.
SHARED_S = 5.0


class SharedEss:
    """What a run reads of ``running.ports.Ess``."""

    def __init__(self, ess: Ess, reader: Reader) -> None:
        self._ess, self._reader = ess, reader

    def listing(self, scaling_group_id: str) -> Listing:
        """Read all instances of a scaling group; raises CallFailed."""
        question = ("listing", scaling_group_id)
        return self._reader.read("", question, SHARED_S, lambda: self._ess.listing(scaling_group_id))

    def named(self, scaling_group_id: str, instance_ids: tuple[str, ...]) -> Listing:
        """Read some instances of a scaling group by id, and the group itself; raises CallFailed."""
        question = ("named", scaling_group_id, instance_ids)
        return self._reader.read(
            "", question, SHARED_S, lambda: self._ess.named(scaling_group_id, instance_ids)
        )

    def listed(self, scaling_group_id: str, instance_ids: tuple[str, ...]) -> tuple[Server, ...]:
        """Read some instances by id; raises CallFailed."""
        question = ("listed", scaling_group_id, instance_ids)
        return self._reader.read(
            "", question, SHARED_S, lambda: self._ess.listed(scaling_group_id, instance_ids)
        )


class SharedEcs:
    """``running.ports.Ecs`` as a run sees it."""

    def __init__(self, ecs: Ecs, reader: Reader) -> None:
        self._ecs, self._reader = ecs, reader

    def instances(self, ids: tuple[str, ...]) -> Mapping[str, Instance]:
        """Read instances by id; those that ECS does not know are absent. Raises CallFailed."""
        return self._reader.read_each("ecs", ids, SHARED_S, lambda left: dict(self._ecs.instances(left)))

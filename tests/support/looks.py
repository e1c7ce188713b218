"""What a test sees of a world at level (b) or (c): what a delivery came to, and what became of the groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support import builders


@dataclass(frozen=True)
class Told:
    """What a delivery came to. ``result`` is what was returned, or logged where it was raised."""

    result: Mapping[str, Any]
    raised: str = ""
    killed: bool = False
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        return "killed" if self.killed else str(self.result.get("outcome"))

    @property
    def reason(self) -> Any:
        return self.result.get("reason")

    def of(self, name: str = "") -> Mapping[str, Any]:
        """The result of one target, or of the only one; the last of several intents for it."""
        return [one for one in self.result["targets"] if name in {"", one["target"]}][-1]

    def refused(self, name: str = "") -> dict[str, str]:
        """Subjects with the reason for which they were refused."""
        return {one["subject"]: one["reason"] for one in self.of(name)["refused"]}

    def pairs(self, name: str = "") -> list[tuple[str, str]]:
        return [(one["old"], one["new"]) for one in self.of(name)["pairs"]]

    def added(self, name: str = "") -> list[str]:
        return [one["server_id"] for one in self.of(name)["added"]]

    def removed(self, name: str = "") -> list[str]:
        return [one["server_id"] for one in self.of(name)["removed"]]


class Looks:
    """What a test reads of a world, at whichever level: the rest is ``state`` and ``_now`` of who has it."""

    name = "web"
    _past: list[dict[str, Any]]

    def state(self) -> dict[str, Any]:
        raise NotImplementedError

    def calls(self, *actions: str) -> list[dict[str, Any]]:
        raise NotImplementedError

    def _history(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def history(self, name: str = "") -> list[dict[str, Any]]:
        """Every state the group was in since the world began, the instants inside a call included."""
        wanted = f"rsp-{name or self.name}"
        return [one for one in [*self._past, *self._history()] if one["vserver_group_id"] == wanted]

    def backends(self, name: str = "") -> list[dict[str, Any]]:
        groups = [group for one in self.state()["load_balancers"] for group in one["vserver_groups"]]
        (found,) = [one for one in groups if one["vserver_group_id"] == f"rsp-{name or self.name}"]
        return list(found["backends"])

    def servers(self, name: str = "") -> list[str]:
        """Ids of the servers in the group, sorted, each as often as it is there."""
        return sorted(one["server_id"] for one in self.backends(name))

    def shown(self, name: str = "") -> str:
        """The group in the words of ``builders``, sorted: ``i-1 i-2:9090=0``."""
        said = []
        for one in self.backends(name):
            port = "" if one["port"] == builders.PORT else f":{one['port']}"
            said.append(one["server_id"] + port + ("" if one["weight"] == 100 else f"={one['weight']}"))
        return " ".join(sorted(said))

    def writes(self) -> list[str]:
        """The actions of the calls that write to a load balancer."""
        return [
            one["action"]
            for one in self.calls()
            if one["version"] == "2014-05-15" and not one["action"].startswith("Describe")
        ]

    def scaling(self, name: str = "") -> dict[str, Any]:
        (found,) = [
            one
            for one in self.state()["scaling_groups"]
            if one["scaling_group_id"] == f"asg-{name or self.name}"
        ]
        return dict(found)

    def hooks(self, name: str = "") -> dict[str, tuple[str, str]]:
        """Status and result of each lifecycle action, by its token."""
        actions = self.scaling(name)["lifecycle_actions"]
        return {one["lifecycle_action_token"]: (one["status"], one["result"]) for one in actions}

    def in_service(self, instant: Mapping[str, Any], gone: str = "") -> set[str]:
        """Who could serve at an instant: some weight, found normal (or checked by nobody), not gone."""
        return {
            one["server_id"]
            for one in instant["backends"]
            if one["weight"] > 0
            and one["health"] in ({"normal"} if self.checked else {"normal", "unavailable"})
            and one["server_id"] not in gone.split()
        }

    checked = True

    def lowest(self, name: str = "", gone: str = "") -> int:
        """The least number of servers in service at any instant."""
        return min(len(self.in_service(one, gone)) for one in self.history(name))

    def ever(self, server: str, name: str = "") -> list[tuple[int, int] | None]:
        """What became of a server: its (port, weight) from instant to instant, None while it is out."""
        found = []
        for one in self.history(name):
            rows = [(b["port"], b["weight"]) for b in one["backends"] if b["server_id"] == server]
            found.append(rows[0] if rows else None)
        return [one for at, one in enumerate(found) if not at or found[at - 1] != one]

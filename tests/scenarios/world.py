"""The worlds of the scenarios: in-process, or over HTTP with worker processes, to be used alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.support import deliveries
from tests.support.level_b import World
from tests.support.level_c import Http
from tests.support.looks import Looks, Told
from tests.support.places import merged, place, relisted, target

#: The targets, with what is theirs; green is fed by the scaling group of blue.
POLICIES: Mapping[str, Mapping[str, Any]] = {
    "web": {},
    "surge": {"strategy": "surge"},
    "exclusive": {"exclusive": True},
    "drain": {"drain_s": 30},
    "blue": {},
    "green": {"scaling_group_ids": ["asg-blue"]},
}
TARGETS = [target(name, **policy) for name, policy in POLICIES.items()]

Make = Callable[..., "World | Remote"]


def here(
    of: str = "",
    listed: str | None = None,
    *,
    name: str = "web",
    policy: Mapping[str, Any] | None = None,
    **also: Any,
) -> World:
    """A world in-process, with the target of that name."""
    return World(of, listed, name=name, policy={**POLICIES[name], **(policy or {})}, **also)


class Remote(Looks):
    """A world over HTTP: the running cloud with another state."""

    def __init__(
        self,
        http: Http,
        of: str = "",
        listed: str | None = None,
        *,
        name: str = "web",
        places: Sequence[Mapping[str, Any]] = (),
        **state: Any,
    ) -> None:
        self.http, self.name, self.checked = http, name, state.get("health_check", True)
        self._past = []
        given = [place(name, of, "" if listed is None else listed, **state), *places]
        taken = {one["load_balancers"][0]["load_balancer_id"] for one in given}
        # Every place is there, used or not, in one order: so the functions' policy and processes stay.
        spare = [place(one, "", "") for one in POLICIES if f"lb-{one}" not in taken]
        whole = merged(*given, *spare)
        whole["load_balancers"].sort(key=lambda one: one["load_balancer_id"])
        whole["scaling_groups"].sort(key=lambda one: one["scaling_group_id"])
        http.put_state(whole)
        http.send("DELETE", "/_local/logs")

    def deliver(self, event: Any) -> Told:
        """Hand a delivery to the function ``swap``."""
        reply = self.http.deliver(event if isinstance(event, bytes) else json.dumps(event).encode())
        answer = reply.json()
        if reply.status == 200:
            return Told(answer)
        if answer.get("errorType") == "NotYet":
            return Told(self.logs("swap.unfinished")[-1], answer["errorMessage"])
        assert "exited unexpectedly" in answer["errorMessage"], answer
        return Told({}, killed=True)

    def request(self, body: Mapping[str, Any] | bytes = b"", *, sign: bool = True, **also: Any) -> Told:
        """Send a request to the HTTP trigger, signed; ``also`` are its fields."""
        raw = body if isinstance(body, bytes) and not also else _request(self.name, body, also)
        headers = deliveries.signed(raw) if sign else {"content-type": "application/json"}
        reply = self.http.webhook(raw, headers)
        return Told(reply.json(), "", False, reply.status, reply.headers)

    def logs(self, *events: str) -> list[dict[str, Any]]:
        printed = self.http.send("GET", "/_local/logs?function=swap").json()
        lines = [json.loads(line) for line in printed if line.startswith("{")]
        return [one for one in lines if not events or one.get("event") in events]

    def state(self) -> dict[str, Any]:
        return dict(self.http.state())

    def _history(self) -> list[dict[str, Any]]:
        return list(self.http.send("GET", "/_local/history").json())

    def calls(self, *actions: str) -> list[dict[str, Any]]:
        return self.http.calls(*actions)

    def forget_calls(self) -> None:
        self.http.forget_calls()

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the state by its JSON; the history goes on."""
        state = self.state()
        change(state)
        self._past += self._history()
        self.http.put_state(state)

    def faults(self, *faults: Mapping[str, Any]) -> None:
        self.http.send("PUT", "/_local/faults", list(faults))

    def lists(self, listed: str, name: str = "") -> None:
        self.edit(lambda state: relisted(state, name or self.name, listed))

    def health(self, instance: str, health: str) -> None:
        self.http.send("PUT", f"/_local/instances/{instance}", {"health": health})

    def release(self, instance: str) -> None:
        self.http.send("DELETE", f"/_local/instances/{instance}")


def _request(name: str, body: Mapping[str, Any] | bytes, also: Mapping[str, Any]) -> bytes:
    return json.dumps({"target": name, **(body if isinstance(body, Mapping) else {}), **also}).encode()

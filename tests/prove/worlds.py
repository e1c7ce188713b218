"""Where worlds begin: a small group, what Auto Scaling says of its servers, and a delivery about them.

A beginning is written ``ewc/11d,1-s/n``: an event (``e``), under the strategy ``swap`` (``w``), in the plain
circumstances (``c``); one server on both ports (``11``) that a finished scale-in names (``d``), one on the
first port that stays (``s``); and one new server that Auto Scaling has launched (``n``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations_with_replacement, product

from handler.core.model.marks import Marks
from handler.core.model.policy import Policy, Target
from handler.core.model.values import Cause, Hook, Intent, Scope, ServerRef
from localcloud.cloud import Cloud
from localcloud.state import world as local

GROUP, BALANCER, SCALING = "rsp-web", "lb-web", "asg-web"
PORTS = (80, 81)
MARK = "slb-swap/web"

#: A server's weight on the first and on the second port; "-" where it has no backend.
WEIGHTS = {"1": 100, "0": 0}
SHAPES = tuple(a + b for a, b in product("10-", repeat=2) if a + b != "--")
ONE_PORT = ("1-", "0-")
FULL = ("1-",)
FEW_SHAPES = ("1-", "0-", "11", "10")

KINDS = {
    "r": "a request that names servers which may still serve",
    "g": "a request with gone: true",
    "e": "events of Auto Scaling: finished activities, hooks and interruptions in one delivery",
    "t": "the timer",
    "x": "the timer, on an exclusive target",
}
STRATEGIES = {"w": "swap", "u": "surge"}

#: What a server of the group is to the delivery.
OLD_ROLES = {
    "r": {
        "s": "not named",
        "t": "terminated",
        "f": "launched, and there already",
        "k": "terminated, and listed in service",
    },
    "g": {"s": "not named", "t": "terminated", "f": "launched, and there already"},
    "e": {
        "s": "in service, not named",
        "d": "named by a finished scale-in, no longer listed",
        "h": "named by a scale-in hook, Removing:Wait",
        "b": "named by a finished scale-in, and listed in service",
        "i": "interrupted",
        "o": "a stray: not listed, not marked",
        "m": "stale: not listed, marked as ours",
        "y": "on standby",
        "f": "launched, and there already",
    },
    "t": {
        "s": "in service",
        "h": "Removing",
        "o": "a stray",
        "m": "stale, marked",
        "y": "on standby",
        "v": "unhealthy for Auto Scaling",
    },
    "x": {"s": "in service", "h": "Removing", "o": "stale", "y": "on standby"},
}
#: What a server outside of the group is to the delivery.
NEW_ROLES = {
    "r": {"n": "launched"},
    "g": {"n": "launched"},
    "e": {
        "n": "named by a finished scale-out, in service",
        "u": "in service, not named",
        "e": "named by a scale-out hook, Pending:Wait",
        "p": "Pending:Wait, not named",
        "x": "named, and unhealthy for Auto Scaling",
        "l": "named, and not listed",
    },
    "t": {"u": "in service", "p": "Pending:Wait", "x": "unhealthy for Auto Scaling"},
    "x": {"u": "in service", "p": "Pending:Wait"},
}
CIRCUMSTANCES = {
    "c": "health is checked",
    "u": "health is not checked",
    "d": "checked; drained by us",
    "r": "checked; to be drained, under rr",
    "q": "checked; the load balancer is full",
    "o": "checked; room for one more backend",
    "w": "checked; through the function's own client, as the wire has it",
    "b": "calls of up to 40",
}
STATES = {
    "s": "InService", "b": "InService", "i": "InService", "f": "InService", "k": "InService",
    "n": "InService",
    "u": "InService", "y": "Standby", "v": "InService", "x": "InService", "e": "Pending:Wait",
    "p": "Pending:Wait",
}  # fmt: skip
UNHEALTHY = {"v", "x"}
LEAVING = {"r": "t", "g": "t", "e": "dhim", "t": "hm", "x": "ho"}
COMING = {"r": "n", "g": "n", "e": "nue", "t": "u", "x": "u"}


@dataclass(frozen=True)
class Beginning:
    """Where a world begins. ``servers`` are a shape and a role each, ``news`` roles."""

    kind: str
    strategy: str
    circumstance: str
    servers: tuple[str, ...]
    news: str

    def __str__(self) -> str:
        return f"{self.kind}{self.strategy}{self.circumstance}/{','.join(self.servers)}/{self.news}"

    @cached_property
    def olds(self) -> dict[str, str]:
        """The servers of the group with their roles."""
        return {f"i-{at}{server[2]}": server[2] for at, server in enumerate(self.servers)}

    @cached_property
    def coming(self) -> dict[str, str]:
        """The servers outside of the group with their roles."""
        return {f"i-n{at}{role}": role for at, role in enumerate(self.news)}

    @property
    def leave(self) -> list[str]:
        """Who is to leave: naively, by role."""
        return [server for server, role in self.olds.items() if role in LEAVING[self.kind]]

    @property
    def come(self) -> list[str]:
        """Who is to be in the group at the end, of those that the delivery is about."""
        return [s for s, role in self.coming.items() if role in COMING[self.kind]] + self.there

    @property
    def there(self) -> list[str]:
        """Who was launched and is there already."""
        return [server for server, role in self.olds.items() if role == "f"]

    @property
    def gone(self) -> list[str]:
        """Who cannot be serving any more."""
        return [s for s, role in self.olds.items() if role == "d" or (self.kind == "g" and role == "t")]

    @property
    def inferred(self) -> list[str]:
        """Who leaves only because nobody lists them."""
        return [s for s, role in self.olds.items() if role == "m" or (self.kind == "x" and role == "o")]

    @property
    def foreign(self) -> list[str]:
        """Who is nobody's business in this delivery."""
        leave = self.leave
        return [server for server, role in self.olds.items() if server not in leave and role != "f"]

    @property
    def is_listed(self) -> bool:
        """Whether the target has a scaling group."""
        return self.kind not in "rg" or "k" in self.olds.values()

    @property
    def anyone_listed(self) -> bool:
        """Whether the scaling group has any instance."""
        return any(role not in "domtl" for role in [*self.olds.values(), *self.coming.values()])

    @property
    def policy(self) -> Policy:
        """The target's policy: small limits, and times that a virtual clock can wait out."""
        used = tuple(p for at, p in enumerate(PORTS) if any(server[at] != "-" for server in self.servers))
        return Policy(
            marks=Marks("web"),
            ports=(used or PORTS[:1]) if self.kind not in "rg" else (),
            strategy=STRATEGIES[self.strategy],  # type: ignore[arg-type]
            max_unavailable="50%",
            exclusive=self.kind == "x",
            drain_s=3 if self.circumstance in "dr" else 0,
            health_timeout_s=12,
            health_interval_s=4,
            max_per_call=40 if self.circumstance == "b" else 2,
        )

    @property
    def target(self) -> Target:
        return Target("web", GROUP, (SCALING,) if self.is_listed else (), "apply", self.policy)

    @property
    def intent(self) -> Intent:
        if self.kind in "rg":
            cause = Cause.GONE if self.kind == "g" else Cause.REQUESTED
            return Intent(
                "web",
                "deployment",
                scope=Scope.LITERAL,
                terminated=tuple(ServerRef(s, cause=cause) for s, role in self.olds.items() if role in "tk"),
                launched=tuple(ServerRef(s) for s in [*self.coming, *self.there]),
            )
        if self.kind in "tx":
            return Intent("web", "timer")
        causes = {"d": Cause.FINISHED, "b": Cause.FINISHED, "h": Cause.HOOK, "i": Cause.INTERRUPTED}
        launched = {"n": Cause.FINISHED, "x": Cause.FINISHED, "l": Cause.FINISHED, "e": Cause.HOOK}
        come = {**self.coming, **dict.fromkeys(self.there, "n")}
        return Intent(
            "web",
            "autoscaling",
            terminated=tuple(ServerRef(s, cause=causes[r]) for s, r in self.olds.items() if r in causes),
            launched=tuple(ServerRef(s, cause=launched[r]) for s, r in come.items() if r in launched),
            hooks=self.hooks,
        )

    @cached_property
    def hooks(self) -> tuple[Hook, ...]:
        if self.kind != "e":
            return ()
        leaving = tuple(server for server, role in self.olds.items() if role == "h")
        entering = tuple(server for server, role in self.coming.items() if role == "e")
        hooks = []
        if leaving:
            hooks.append(Hook("ash-in", "token-in", "asa-in", SCALING, "scale_in", leaving))
        if entering:
            hooks.append(Hook("ash-out", "token-out", "asa-out", SCALING, "scale_out", entering))
        return tuple(hooks)

    @cached_property
    def cloud(self) -> Cloud:
        """The cloud at the beginning; to be copied."""
        backends = tuple(
            local.Backend(server_id, port, WEIGHTS[server[at]], description=self._description(server[2]))
            for server_id, server in zip(self.olds, self.servers, strict=True)
            for at, port in enumerate(PORTS)
            if server[at] != "-"
        )
        room = {"q": 0, "o": 1}.get(self.circumstance, 200)
        listener = local.Listener(
            80,
            vserver_group_id=GROUP,
            health_check=self.circumstance != "u",
            scheduler="rr" if self.circumstance == "r" else "wrr",
        )
        members = tuple(
            local.Member(
                server,
                STATES.get(role) or ("Removing:Wait" if self.kind == "e" else "Removing"),
                "Unhealthy" if role in UNHEALTHY else "Healthy",
            )
            for server, role in {**self.olds, **self.coming}.items()
            if self.is_listed and role not in "domtl" and not (self.kind == "r" and role in "sfn")
        )
        actions = tuple(
            local.LifecycleAction(hook.id, hook.token or "", hook.instance_ids, hook.activity_id or "")
            for hook in self.hooks
        )
        cloud = Cloud()
        world = cloud.world
        balancer = local.LoadBalancer(BALANCER, listeners=(listener,), backend_quota=len(backends) + room)
        world.load_balancers[BALANCER] = balancer
        world.groups[GROUP] = local.Group(GROUP, BALANCER, "web", backends)
        world.instances = {server: local.Instance(server) for server in [*self.olds, *self.coming]}
        world.scaling_groups[SCALING] = local.ScalingGroup(SCALING, "", (), members, actions)
        return cloud

    def _description(self, role: str) -> str:
        return MARK if self.kind not in "rg" and role != "o" else ""


def of_text(text: str) -> Beginning:
    """Read a beginning as ``str`` writes it."""
    how, servers, news = text.split("/")
    return Beginning(how[0], how[1], how[2], tuple(filter(None, servers.split(","))), news)


def groups(kind: str, size: int, shapes: Iterable[str], roles: str = "") -> Iterator[tuple[str, ...]]:
    """Yield every group of a size: servers that are alike are interchangeable, and so are the ports."""
    every = sorted(shape + role for shape in shapes for role in roles or OLD_ROLES[kind])
    for servers in combinations_with_replacement(every, size):
        mirrored = tuple(sorted(server[1] + server[0] + server[2] for server in servers))
        # Of a group and its mirror image, the one that comes first stands for both; a group that has no
        # mirror image among the shapes stands for itself.
        if servers <= mirrored or any(server[:2] not in shapes for server in mirrored):
            yield servers


def newcomers(kind: str, servers: tuple[str, ...], most: int) -> Iterator[str]:
    """Yield who may be new beside a group: up to one more than leave, of any role."""
    leaving = sum(server[2] in LEAVING[kind] for server in servers)
    for count in range(min(most, leaving + 1) + 1):
        yield from map("".join, combinations_with_replacement(NEW_ROLES[kind], count))


def beginnings(
    kinds: str, size: int, shapes: Iterable[str], *, most: int, circumstances: str = "c", roles: str = ""
) -> Iterator[Beginning]:
    """Yield all beginnings of a size."""
    shapes = tuple(shapes)
    for kind in kinds:
        chosen = "".join(role for role in roles if role in OLD_ROLES[kind]) if roles else ""
        for servers in groups(kind, size, shapes, chosen):
            if kind == "r" and size > 2 and any(server[2] == "k" for server in servers):
                continue
            for news, strategy, circumstance in product(
                newcomers(kind, servers, most), STRATEGIES, circumstances
            ):
                yield Beginning(kind, strategy, circumstance, servers, news)


def big() -> Iterator[Beginning]:
    """Yield the one group that is too large for a call of 20, where calls of 40 are set."""
    yield Beginning("g", "w", "b", ("1-t",) * 21, "n" * 21)


def over(*several: Iterable[Beginning]) -> list[Beginning]:
    """Return several enumerations as one."""
    return list(chain(*several))

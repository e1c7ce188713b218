"""The same call gives the same answer and leaves the same state at every level.

(a) the function's ports over the models; (b) the function's clients and the real SDK over the gateway, with
no socket; (c) the same over HTTP. So what is proven at (a) holds for what is deployed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from handler.cloud.client import Client
from handler.cloud.credentials import Credentials
from handler.cloud.ecs import CloudEcs
from handler.cloud.endpoints import Endpoints
from handler.cloud.ess import CloudEss
from handler.cloud.slb import CloudSlb
from handler.core.model.answers import Answer, CallFailed
from handler.core.model.steps import Add, Modify, Remove, SetWeight, Step
from handler.core.model.values import Backend, Group, Hook, Key, Pair
from localcloud.cloud import Cloud
from localcloud.rpc.credentials import Registry, new_identity
from localcloud.rpc.gateway import Gateway
from localcloud.rpc.session import InProcessSession
from localcloud.serving import LocalCloud
from localcloud.state.readings import TABLE
from tests.support.cloud import local
from tests.support.level_a import Calls, ModelEcs, ModelEss, ModelSlb

REGION = "cn-hangzhou"
GROUP, BALANCER, SCALING, ACTIVITY = "rsp-web", "lb-web", "asg-web", "asa-1"
MANY = tuple(f"i-many{number}" for number in range(41))  #: unknown servers, more than a call may carry
SERVERS = ("i-1", "i-2", "i-3", "i-4", "i-stopped", "i-sick", "i-unknown", "eni-1", "eci-1")
ADDRESSES = {"eni-1": ("10.0.0.1", "10.0.0.2"), "eci-1": ("10.0.0.3",)}
WRITES = (
    "ModifyVServerGroupBackendServers",
    "AddVServerGroupBackendServers",
    "RemoveVServerGroupBackendServers",
    "SetVServerGroupAttribute",
)
OTHERS = (
    "DescribeVServerGroupAttribute",
    "DescribeHealthStatus",
    "DescribeScalingInstances",
    "DescribeLifecycleActions",
    "CompleteLifecycleAction",
    "RecordLifecycleActionHeartbeat",
    "DescribeInstances",
)
ERRORS = (
    {"error": "BackendServer.configuring"},
    {"error": "Throttling.User"},
    {"error": "InternalError"},
    {"error": "InvalidParameter", "status": 400},
    {"error": "InvalidParameter", "status": 404},
    {"error": "InvalidParameter", "status": 503},
    {"error": "ServiceUnavailable", "status": 503},
    {"error": "ObtainIpFail"},
    {"error": "InstanceBackendServerNumberOverLimit"},
    {"error": "ActionNotAllowed"},
    {"error": "SignatureNonceUsed"},
    {"error": "InvalidSecurityToken.Expired"},
    {"effect": "drop_response"},
    {"effect": "reset"},
    {"effect": "garbage"},
)


class Level:
    """The function's ports, and the cloud behind them."""

    def __init__(self, *ports: Any, cloud: Cloud) -> None:
        self.ports, self.cloud = ports, cloud

    def ask(self, call: tuple[Any, ...]) -> Any:
        """Make one call of a port; what it gives, without what differs by nature (ids, texts)."""
        name, *arguments = call
        port = next(one for one in self.ports if hasattr(one, name))
        try:
            return plain(getattr(port, name)(*arguments))
        except CallFailed as failed:
            return ("failed", plain(failed.answer))

    def seen(self) -> Any:
        """The state, and how it came about."""
        history = [{**one, "request_id": None} for one in self.cloud.history()]
        return self.cloud.state(), history


def plain(value: Any) -> Any:
    if isinstance(value, Answer):
        return replace(value, message="", request_id="", action="")
    return dict(value) if hasattr(value, "keys") else value


def _stopped() -> float:
    """A clock of which no level sees more than another."""
    return 0.0


def level_a(state: dict[str, Any]) -> Level:
    calls = Calls(Cloud(state, clock=_stopped))
    return Level(ModelSlb(calls), ModelEss(calls), ModelEcs(calls), cloud=calls.cloud)


def level_b(state: dict[str, Any]) -> Level:
    identity = new_identity("swap", temporary=True)
    cloud = Cloud(state, clock=_stopped)
    keys = Credentials(identity.access_key_id, identity.access_key_secret, identity.security_token or "")
    client = Client(keys, REGION, Endpoints())
    client.transport.session = InProcessSession(Gateway(cloud, Registry(identity)))
    return Level(CloudSlb(client), CloudEss(client), CloudEcs(client), cloud=cloud)


@pytest.fixture(scope="module")
def served() -> Iterator[LocalCloud]:
    with LocalCloud() as cloud:
        yield cloud


def level_c(state: dict[str, Any], served: LocalCloud) -> Level:
    with served.gateway.lock:
        served.cloud.use_clock(_stopped)
        served.cloud.replace(state)
    keys = Credentials(served.admin.access_key_id, served.admin.access_key_secret)
    client = Client(keys, REGION, local(served.endpoint))
    return Level(CloudSlb(client), CloudEss(client), CloudEcs(client), cloud=served.cloud)


def keys() -> st.SearchStrategy[Key]:
    def of(server: str) -> st.SearchStrategy[Key]:
        ips = st.sampled_from(ADDRESSES.get(server, (None,)))
        return st.builds(Key, st.just(server), st.sampled_from((80, 8080)), ips)

    return st.sampled_from(SERVERS).flatmap(of)


def backends() -> st.SearchStrategy[Backend]:
    def of(key: Key) -> st.SearchStrategy[Backend]:
        prefix = key.server_id.split("-")[0]
        kind = prefix if prefix in {"eni", "eci"} else "ecs"
        weights, descriptions = st.sampled_from((0, 50, 100)), st.sampled_from(("", "", "blue/1"))
        return st.builds(Backend, st.just(key), weights, st.just(kind), descriptions)  # type: ignore[arg-type]

    return keys().flatmap(of)


def _several(most: int = 4) -> st.SearchStrategy[tuple[Backend, ...]]:
    return st.lists(backends(), min_size=1, max_size=most, unique_by=lambda b: b.key).map(tuple)


_CROWD = st.sampled_from((19, 20, 21, 40, 41)).map(
    lambda count: tuple(Backend(Key(one, 80)) for one in MANY[:count])
)


def steps() -> st.SearchStrategy[Step]:
    pairs = st.tuples(_several(), _several()).map(
        lambda two: Modify(tuple(Pair(old, new) for old, new in zip(*two, strict=False)))
    )
    return st.one_of(
        pairs,
        pairs,
        _several().map(Add),
        _CROWD.map(Add),
        _several().map(Remove),
        _several().map(lambda after: SetWeight(after, after)),
    )


@st.composite
def calls(draw: Any) -> tuple[Any, ...]:
    group = Group(draw(st.sampled_from((GROUP, GROUP, GROUP, GROUP, "rsp-none"))), BALANCER, {})
    token = draw(st.sampled_from(("token-1", "token-1", "token-2", "token-none", None)))
    hook = Hook("ash-1", token, ACTIVITY, SCALING, "scale_out", ("i-4",))
    result = draw(st.sampled_from(("CONTINUE", "ABANDON")))
    some = tuple(draw(st.lists(st.sampled_from(SERVERS), max_size=3, unique=True)))
    return draw(  # type: ignore[no-any-return]
        st.one_of(
            st.just(("group", group.id)),
            st.just(("health",)),
            st.just(("listeners",)),
            *(steps().map(lambda step: ("do", group, step)) for _ in range(3)),
            st.just(("listing", SCALING)),
            st.just(("listing", "asg-none")),
            st.just(("listed", SCALING, some)),
            st.just(("instances", some)),
            st.just(("instances", ("i-unknown",))),
            st.just(("pending_hooks", ACTIVITY)),
            st.just(("complete", hook, result)),
            st.just(("heartbeat", hook)),
        )
    )


@st.composite
def states(draw: Any) -> dict[str, Any]:
    here = draw(st.lists(backends(), max_size=6, unique_by=lambda b: b.key))
    rows = [
        {
            "server_id": one.key.server_id,
            "port": one.key.port,
            "server_ip": one.key.server_ip,
            "weight": one.weight,
            "type": one.type,
            "description": one.description,
        }
        for one in here
    ]
    lifecycle = st.sampled_from(("InService", "Protected", "Pending:Wait", "Removing:Wait", "Standby"))
    listener = {
        "port": 80,
        "vserver_group_id": GROUP,
        "health_check": draw(st.booleans()),
        "connection_drain": draw(st.booleans()),
        "scheduler": draw(st.sampled_from(("wrr", "rr"))),
    }
    rule = {
        "rule_id": "rule-1",
        "vserver_group_id": GROUP,
        "listener_sync": draw(st.booleans()),
        "health_check": draw(st.booleans()),
        "scheduler": draw(st.sampled_from(("wrr", "rr"))),
    }
    other = {
        "port": 443,
        "protocol": draw(st.sampled_from(("https", "tcp"))),
        "health_check": draw(st.booleans()),
        "vserver_group_id": draw(st.sampled_from((None, GROUP))),
        "status": draw(st.sampled_from(("running", "running", "configuring", "stopping", "stopped"))),
    }
    if other["protocol"] == "https" and draw(st.booleans()):
        other["rules"] = [rule]
    readings = {
        name: draw(st.sampled_from((0, 1, 2) if known.counted else known.values))
        for name, known in TABLE.items()
    }
    # A write whose body may not have been read is sent twice, so a fault of it strikes another request.
    faulty = OTHERS if readings["body_params"] == "ignored" else (*OTHERS, *WRITES, *WRITES)
    faults = [
        {
            "action": draw(st.sampled_from(faulty)),
            **draw(st.sampled_from(ERRORS)),
            "nth": draw(st.integers(1, 2)),
        }
        for _ in range(draw(st.integers(0, 2)))
    ]
    return {
        "load_balancers": [
            {
                "load_balancer_id": BALANCER,
                "backend_quota": draw(st.sampled_from((len(rows), len(rows) + 2, 200))),
                "listeners": [listener, other],
                "vserver_groups": [
                    {"vserver_group_id": GROUP, "backends": rows},
                    {"vserver_group_id": "rsp-b"},
                ],
            }
        ],
        "instances": [
            {
                "instance_id": one,
                "status": "Stopped" if one == "i-stopped" else "Running",
                "health": "abnormal" if one == "i-sick" else "normal",
                "health_by_listener": draw(st.sampled_from(({}, {"443": "abnormal"}, {"80": "abnormal"}))),
                "operation_locks": draw(st.sampled_from(([], ["Recycling"], ["financial"]))),
            }
            for one in SERVERS
            if one != "i-unknown"
        ],
        "scaling_groups": [
            {
                "scaling_group_id": SCALING,
                "vserver_groups": [GROUP] if draw(st.booleans()) else [],
                "instances": [
                    {
                        "instance_id": one,
                        "lifecycle_state": draw(lifecycle),
                        "health_status": draw(st.sampled_from(("Healthy", "Unhealthy"))),
                    }
                    for one in ("i-1", "i-2", "i-4")
                ],
                "lifecycle_actions": [
                    {
                        "lifecycle_hook_id": "ash-1",
                        "lifecycle_action_token": token,
                        "instance_ids": ["i-4"],
                        "scaling_activity_id": ACTIVITY,
                        "heartbeats": draw(st.sampled_from((0, 20))),
                        "waited_s": draw(st.sampled_from((600, 21_500))),
                    }
                    for token in ("token-1", "token-2")
                ],
            }
        ],
        "readings": readings,
        "faults": faults,
    }


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(state=states(), asked=st.lists(calls(), min_size=1, max_size=7))
def test_levels_agree(served: LocalCloud, state: dict[str, Any], asked: list[tuple[Any, ...]]) -> None:
    levels = (level_a(state), level_b(state), level_c(state, served))
    group: Group = levels[0].cloud.slb.group(GROUP)  # type: ignore[assignment]
    here = {Key(*one.key): Backend(Key(*one.key), one.weight) for one in group.backends}  # type: ignore[attr-defined]
    read = Group(GROUP, BALANCER, here)
    for call in asked:
        call = (*call, read) if len(call) == 1 else call  # noqa: PLW2901
        answers = [level.ask(call) for level in levels]
        assert answers[0] == answers[1], call
        assert answers[1] == answers[2], call
        seen = [level.seen() for level in levels]
        assert seen[0] == seen[1], call
        assert seen[1] == seen[2], call

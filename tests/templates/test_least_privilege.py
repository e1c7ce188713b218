"""The roles of a template grant what its functions use: each (action, resource), no more and no less."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.rpc.ram import RamPolicy
from localcloud.serving import LocalCloud
from show.signing import SECRET, signed
from tests.support.level_c import ROOT, Http

EVENTS = ROOT / "events"
TEMPLATES = ("template.yml", "template.fc2.yml")

#: On a clock that nobody waits for.
INDEX = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.support.quick import initialize, swap, webhook
"""
TOKEN = json.loads((EVENTS / "eventbridge-ess-hook-scale-in.json").read_text())["data"][
    "lifecycleActionToken"
]

#: Whether Function Compute 2.0 checks a function with its service's version, or without, is not documented.
EITHER = {
    (
        "fc:InvokeFunction",
        "acs:fc:cn-hangzhou:1234567890123456:services/slb-swap/functions/swap",
    )
}


def state(health: str = "normal") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / "state.json").read_text())
    (balancer,), (group,) = found["load_balancers"], found["scaling_groups"]
    rule = {"rule_id": "rule-a", "vserver_group_id": "rsp-web", "domain": "", "url": "/a"}
    balancer["listeners"][0]["rules"] = [rule]
    group["lifecycle_actions"] = [
        {
            "lifecycle_hook_id": "ash-1",
            "lifecycle_action_token": token,
            "scaling_activity_id": "asa-1",
            "instance_ids": [instance],
        }
        for token, instance in ((TOKEN, "i-old1"), ("another", "i-new2"))
    ]
    for instance in found["instances"]:
        if instance["instance_id"] == "i-new1":
            instance["health"] = health
    return found


def target(**more: object) -> list[dict[str, Any]]:
    (one,) = json.loads((EVENTS / "targets.json").read_text())
    return [
        {
            **one,
            "strategy": "surge",
            "drain_s": 30,
            "min_backends": 0,
            "max_unavailable": "100%",
            "max_removed": "100%",
            **more,
        }
    ]


class Deployed:
    """A template's functions at work, with what their roles were asked for."""

    def __init__(self, local: LocalCloud, name: str) -> None:
        self.local, self.http, self.name = local, Http(local.endpoint), name
        self._url = json.loads(local.greeting())["webhook_url"].removeprefix(local.endpoint)

    @property
    def policies(self) -> list[RamPolicy]:
        functions = self.local.functions
        assert functions is not None
        return functions.policies()

    def request(self, **body: object) -> int:
        content = {"content-type": "application/json"}
        given = {"method": "POST", "headers": content, "sign": "standard", "body": {"target": "web", **body}}
        method, headers, sent = signed(given, time.time())
        return self.http.send(method, self._url, sent, headers).status

    def event(self, name: str) -> Any:
        return self.http.deliver((EVENTS / f"{name}.json").read_bytes()).json()

    def used(self) -> set[tuple[str, str]]:
        return set().union(*(one.used for one in self.policies))

    def granted(self) -> set[tuple[str, str]]:
        return set().union(*(one.granted for one in self.policies))

    def denied(self) -> set[tuple[str, str]]:
        return set().union(*(one.denied for one in self.policies))


@pytest.fixture(params=TEMPLATES)
def deployed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployed]:
    yield from deploy(request.param, (ROOT / request.param).read_text(), tmp_path)


def deploy(name: str, template: str, folder: Path) -> Iterator[Deployed]:
    (folder / "index.py").write_text(INDEX)
    (folder / name).write_text(template.replace("MaxAsyncRetryAttempts: 8", "MaxAsyncRetryAttempts: 1"))
    env = {"SWAP_TARGETS": json.dumps(target()), "SWAP_WEBHOOK_SECRETS": SECRET}
    with LocalCloud(state(), template=folder / name, env=env) as local:
        yield Deployed(local, name)


def use_everything(deployed: Deployed) -> None:
    """Swap, surge, drain, keep a hook waiting, complete it, invoke, fail for good."""
    http = deployed.http
    http.put_state(state("abnormal"))  # so that the hook is kept waiting
    deployed.event("eventbridge-ess-hook-scale-in")
    http.put_state(state())
    deployed.event("eventbridge-ess-hook-scale-in")
    http.put_state(state())
    deployed.event("eventbridge-ess-hook-without-token")
    http.put_state(state())
    assert deployed.request(pairs=[["i-old1", "i-new1"]], strategy="swap") == 200
    http.put_state(state())
    http.send("PUT", "/_local/readings", {"fc3_invoke_resource": "name_and_rest"})
    assert deployed.request(terminated=["i-old1"], launched=["i-new1"], strategy="surge") == 200
    fault = {"action": "DescribeVServerGroupAttribute", "error": "ServiceUnavailable", "status": 503}
    http.send("PUT", "/_local/faults", [fault])
    http.send("POST", "/_local/timers/reconcile")
    assert http.send("POST", "/_local/async/drain").status == 200


def test_what_the_functions_use_is_what_their_roles_grant(deployed: Deployed) -> None:
    use_everything(deployed)
    missing = deployed.denied()
    spare = deployed.granted() - deployed.used() - EITHER
    assert (sorted(missing), sorted(spare)) == ([], [])


#: Each right, with a word that its statement alone has, and what the test must name when it is taken away.
TAKEN_AWAY = [
    ("slb:AddVServerGroupBackendServers", "loadbalancer/lb-web"),
    ("slb:DescribeHealthStatus", "loadbalancer/lb-web"),
    ("ess:DescribeScalingInstances", "scalinggroup/asg-web"),
    ("ess:CompleteLifecycleAction", "scalinggroup/asg-web"),
    ("mns:SendMessage", "/queues/slb-swap-failed/messages"),
    ("log:PostLogStoreLogs", "/logstore/slb-swap"),
]


@pytest.mark.parametrize(("action", "resource"), TAKEN_AWAY, ids=[action for action, _ in TAKEN_AWAY])
def test_a_missing_right_is_denied_and_named(action: str, resource: str, tmp_path: Path) -> None:
    template = (ROOT / "template.yml").read_text()
    fewer = template.replace(f"'{action}'", "'slb:DescribeLoadBalancers'")
    assert fewer != template
    for deployed in deploy("template.yml", fewer, tmp_path):
        http = deployed.http
        http.deliver((EVENTS / "eventbridge-ess-hook-scale-in.json").read_bytes())
        http.send(
            "PUT",
            "/_local/faults",
            [{"action": "DescribeVServerGroups", "error": "ServiceUnavailable", "status": 503}],
        )
        http.send("POST", "/_local/timers/reconcile")
        http.send("POST", "/_local/async/drain")
        assert any(one == action and asked.endswith(resource) for one, asked in deployed.denied())


def test_a_spare_right_is_named(tmp_path: Path) -> None:
    template = (ROOT / "template.yml").read_text()
    more = template.replace(
        "- 'slb:DescribeRules'", "- 'slb:DescribeRules'\n                  - 'slb:DeleteVServerGroup'"
    )
    for deployed in deploy("template.yml", more, tmp_path):
        use_everything(deployed)
        spare = deployed.granted() - deployed.used()
        assert spare == {
            ("slb:DeleteVServerGroup", "acs:slb:cn-hangzhou:1234567890123456:loadbalancer/lb-web")
        }


def test_the_topic_may_invoke_what_the_webhook_may() -> None:
    from scripts.validate import checking, reading, rights

    variants, _ = reading.variants(checking.documents()["template.fc2.yml"])
    for variant in variants:
        granted = {role.name: rights.granted(role) for role in variant.of("RAM::Role")}
        invoking = {pair for pair in granted["WebhookRole"] if pair[0] == "fc:InvokeFunction"}
        assert granted["TopicRole"] == invoking

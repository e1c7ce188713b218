"""Health: DescribeHealthStatus, and in the history what the load balancer would send traffic to."""

import pytest

from localcloud.cloud import Cloud
from localcloud.rpc.errors import ApiError
from localcloud.slb.entries import Entry
from tests.support.local_slb import Asked, cloud, new, old, row, state


def statuses(made, **where):
    return {r.backend.server_id: r.status for r in made.slb.health("lb-web", **where)}


def last(made):
    return {b["server_id"]: (b["health"], b["used"]) for b in made.history("rsp-web")[-1]["backends"]}


def with_listener(**listener):
    given = state()
    given["load_balancers"][0]["listeners"][0] |= listener
    return given


def test_a_running_backend_is_normal_and_a_stopped_one_abnormal():
    given = state(instances=[{"instance_id": "i-old0", "status": "Stopped"}])
    made = Cloud(given)
    assert statuses(made) == {"i-old0": "abnormal", "i-old1": "normal"}
    assert last(made) == {"i-old0": ("abnormal", False), "i-old1": ("normal", True)}


def test_health_may_differ_by_port():
    given = state(instances=[{"instance_id": "i-old0", "health_by_port": {"8080": "abnormal"}}])
    given["load_balancers"][0]["vserver_groups"][0]["backends"].append(row("i-old0", 9090))
    rows = [(r.backend.port, r.status) for r in Cloud(given).slb.health("lb-web")]
    assert rows == [(8080, "abnormal"), (8080, "normal"), (9090, "normal")]


def two_listeners(**second):
    given = state(1, instances=[{"instance_id": "i-old0", "health_by_listener": {"443": "abnormal"}}])
    other = {"port": 443, "protocol": "https", "vserver_group_id": "rsp-web", **second}
    given["load_balancers"][0]["listeners"].append(other)
    return given


def rows(made):
    return [(r.listener_port, r.status) for r in made.slb.health("lb-web")]


def test_health_may_differ_by_listener():
    made = Cloud(two_listeners())
    assert rows(made) == [(80, "normal"), (443, "abnormal")]
    assert last(made) == {"i-old0": ("abnormal", True)}, "one of them still sends requests"


def test_health_may_differ_by_group():
    given = state(1, instances=[{"instance_id": "i-old0", "health_by_group": {"rsp-api": "abnormal"}}])
    balancer = given["load_balancers"][0]
    balancer["vserver_groups"].append({"vserver_group_id": "rsp-api", "backends": [row("i-old0")]})
    balancer["listeners"][0]["rules"] = [{"rule_id": "rule-1", "vserver_group_id": "rsp-api"}]
    made = Cloud(given)
    assert rows(made) == [(80, "normal"), (80, "abnormal")]
    assert last(made) == {"i-old0": ("normal", True)}, "the listener's own check has found nothing wrong"


def test_what_a_listener_finds_goes_before_what_the_port_has():
    given = two_listeners()
    given["instances"][0] |= {"health": "abnormal", "health_by_port": {"8080": "normal"}}
    assert rows(Cloud(given)) == [(80, "normal"), (443, "abnormal")]


@pytest.mark.parametrize("status", ["stopped", "stopping"])
def test_a_listener_that_does_not_run_neither_checks_nor_sends_requests(status):
    made = Cloud(two_listeners(status=status))
    assert rows(made) == [(80, "normal"), (443, "unavailable")]
    assert last(made) == {"i-old0": ("normal", True)}
    given = two_listeners(status=status)
    given["load_balancers"][0]["listeners"][0] |= {"vserver_group_id": None}
    given["instances"][0] |= {"health": "abnormal"}
    assert last(Cloud(given)) == {"i-old0": ("unavailable", True)}, "as if no listener used the group"


def rule(**own):
    return {"rule_id": "rule-1", "vserver_group_id": "rsp-web", **own}


@pytest.mark.parametrize(
    ("listener", "own", "expected"),
    [
        ("rsp-web", {"listener_sync": False, "health_check": True}, "abnormal"),
        ("rsp-web", {"listener_sync": False, "health_check": False}, "unavailable"),
        (None, {"listener_sync": False, "health_check": True}, "abnormal"),
        (None, {"listener_sync": True, "health_check": True}, "unavailable"),
    ],
)
def test_a_rule_out_of_sync_checks_for_itself(listener, own, expected):
    made = Cloud(two_listeners(health_check=False, vserver_group_id=listener, rules=[rule(**own)]))
    assert rows(made) == [(80, "normal"), (443, expected)]


@pytest.mark.parametrize(("sync", "used"), [(False, True), (True, False)])
def test_a_rule_out_of_sync_schedules_for_itself(sync, used):
    own = rule(listener_sync=sync, scheduler="rr")
    given = two_listeners(vserver_group_id=None, rules=[own])
    given["instances"] = []
    given["load_balancers"][0]["vserver_groups"][0]["backends"][0] |= {"weight": 0}
    assert last(Cloud(given)) == {"i-old0": ("normal", used)}


def test_fresh_health_is_unavailable_for_so_many_reads():
    made = cloud(fresh_health=2)
    made.slb.add("rsp-web", new(0))
    assert [statuses(made)["i-new0"] for _ in range(3)] == ["unavailable", "unavailable", "normal"]
    assert statuses(made)["i-old0"] == "normal"


def test_a_backend_that_is_not_healthy_does_not_come_nearer_to_normal():
    given = state(instances=[{"instance_id": "i-new0", "health": "abnormal"}], readings={"fresh_health": 1})
    made = Cloud(given)
    made.slb.add("rsp-web", new(0))
    assert [statuses(made)["i-new0"] for _ in range(3)] == ["abnormal"] * 3
    made.world.set_instance(Cloud(state()).world.instances["i-new0"])
    assert [statuses(made)["i-new0"] for _ in range(2)] == ["unavailable", "normal"]


@pytest.mark.parametrize("used", [True, False])
def test_used_before_check_decides_whether_an_unproven_backend_takes_traffic(used):
    made = cloud(fresh_health=1, used_before_check=used)
    made.slb.add("rsp-web", new(0))
    assert last(made)["i-new0"] == ("unavailable", used)
    made.slb.health("lb-web")
    assert last(made)["i-new0"] == ("normal", True)
    assert made.history("rsp-web")[-1]["action"] == "DescribeHealthStatus"


def test_weight_0_is_checked_or_not_and_takes_no_traffic():
    made = cloud()
    made.slb.set("rsp-web", [Entry("i-old0", 8080, 0)])
    assert statuses(made)["i-old0"] == "normal"
    assert last(made)["i-old0"] == ("normal", False)
    made = cloud(weight0_checked=False)
    made.slb.set("rsp-web", [Entry("i-old0", 8080, 0)])
    assert statuses(made)["i-old0"] == "unavailable"


def test_rr_knows_no_weights():
    made = Cloud(with_listener(scheduler="rr"))
    made.slb.set("rsp-web", [Entry("i-old0", 8080, 0)])
    assert last(made)["i-old0"] == ("normal", True)


def test_without_checks_all_is_unavailable_and_used():
    made = Cloud(with_listener(health_check=False))
    made.slb.add("rsp-web", [Entry("i-new0", 8080)])
    assert set(statuses(made).values()) == {"unavailable"}
    assert last(made)["i-new0"] == ("unavailable", True)


def test_a_group_that_only_a_rule_uses_is_checked_too():
    rule = {"rule_id": "rule-a", "vserver_group_id": "rsp-web"}
    given = with_listener(vserver_group_id=None, rules=[rule])
    given["load_balancers"][0]["backend_servers"] = [{"server_id": "i-d"}]
    made = Cloud(given)
    assert statuses(made) == {"i-old0": "normal", "i-old1": "normal", "i-d": "normal"}
    assert last(made)["i-old0"] == ("normal", True)


def test_rows_by_listener():
    made = cloud()
    assert statuses(made, port=80, protocol="http") == statuses(made)
    with pytest.raises(ApiError, match="404 ListenerNotFound"):
        made.slb.health("lb-web", 81)
    with pytest.raises(ApiError, match=r"404 InvalidLoadBalancerId\.NotFound"):
        made.slb.health("lb-none")


def test_readings_of_health_are_asked_only_for_what_is_new_or_at_weight_0():
    readings = Asked()
    made = Cloud(state(), readings=readings)
    made.slb.health("lb-web")
    assert readings.names == []
    made.slb.modify("rsp-web", old(0), new(0))
    readings.names.clear()
    made.slb.health("lb-web")
    assert set(readings.names) == {"fresh_health"}
    made.slb.set("rsp-web", [Entry("i-old1", 8080, 0)])
    readings.names.clear()
    made.slb.health("lb-web")
    assert readings.names == ["weight0_checked"]

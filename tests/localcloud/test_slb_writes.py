"""The other writes, what every entry is checked for, and what a write leaves behind: busy, lag, history."""

import pytest

from localcloud.cloud import Cloud
from localcloud.rpc.errors import ApiError
from localcloud.slb.entries import Entry, parse
from tests.support.local_slb import Asked, cloud, ids, new, old, row, state


def refusal(work):
    with pytest.raises(ApiError) as caught:
        work()
    return caught.value.code, caught.value.status


def test_add_puts_new_backends_at_the_end_with_weight_100():
    made = cloud()
    answer = made.slb.add("rsp-web", new(0))
    assert ids(answer.rows) == ["i-old0", "i-old1", "i-new0"]
    assert answer.rows[-1].weight == 100


def test_the_first_of_equal_entries_counts():
    made = cloud()
    made.slb.add("rsp-web", [*new(0, weight=1), *new(0, weight=2)])
    assert made.world.groups["rsp-web"].backends[-1].weight == 1


def test_adding_what_is_there_follows_present_new():
    assert refusal(lambda: cloud().slb.add("rsp-web", old(0)))[0] == "InvalidBackendServers.ServerIpConflict"
    made = cloud(present_new="updated")
    made.slb.add("rsp-web", [Entry("i-old0", 8080, 3)])
    assert [b.weight for b in made.world.groups["rsp-web"].backends] == [3, 100]


def test_one_server_may_stand_on_several_ports():
    made = cloud()
    made.slb.add("rsp-web", [Entry("i-old0", 9090)])
    made.slb.remove("rsp-web", [Entry("i-old0", 8080)])
    assert [b.key for b in made.world.groups["rsp-web"].backends] == [
        ("i-old1", 8080, None),
        ("i-old0", 9090, None),
    ]


def test_remove_ignores_what_is_not_there_and_answers_what_is_left():
    made = cloud()
    assert ids(made.slb.remove("rsp-web", [*old(0), Entry("i-none", 1)]).rows) == ["i-old1"]


def test_set_changes_weight_and_description_of_what_is_there_alone():
    made = cloud()
    made.slb.set("rsp-web", [Entry("i-old0", 8080, 0, description="x"), Entry("i-none", 1, 5)], name="blue")
    first, second = made.world.groups["rsp-web"].backends
    assert (first.weight, first.description, second.weight) == (0, "x", 100)
    assert made.world.groups["rsp-web"].name == "blue"


def test_an_eni_is_known_by_its_address_as_well():
    made = Cloud(state(instances=[{"instance_id": "eni-a"}]))
    made.slb.add("rsp-web", [Entry("eni-a", 80, type="eni", server_ip=ip) for ip in ("10.0.0.1", "10.0.0.2")])
    made.slb.remove("rsp-web", [Entry("eni-a", 80, type="eni", server_ip="10.0.0.1")])
    assert [b.server_ip for b in made.world.groups["rsp-web"].backends] == [None, None, "10.0.0.2"]


def test_create_and_delete_a_group():
    made = cloud()
    answer = made.slb.create("lb-web", "extra", new(0))
    assert ids(made.slb.backends(answer.vserver_group_id)) == ["i-new0"]
    made.slb.delete(answer.vserver_group_id)
    assert refusal(lambda: made.slb.describe(answer.vserver_group_id)) == ("InvalidParameter", 404)
    assert refusal(lambda: made.slb.create("lb-none")) == ("InvalidLoadBalancerId.NotFound", 404)


def test_a_group_in_use_is_not_deleted():
    assert refusal(lambda: cloud().slb.delete("rsp-web")) == ("RspoolVipExist", 400)
    given = state()
    listener = {"port": 443, "protocol": "https", "rules": [{"rule_id": "r", "vserver_group_id": "rsp-web"}]}
    given["load_balancers"][0]["listeners"] = [listener]
    assert refusal(lambda: Cloud(given).slb.delete("rsp-web")) == ("RspoolRuleExist", 400)


def test_the_quota_counts_all_groups_and_the_default_group():
    given = state()
    balancer = given["load_balancers"][0]
    balancer["vserver_groups"].append({"vserver_group_id": "rsp-b", "backends": [row("i-b")]})
    balancer |= {"backend_servers": [{"server_id": "i-d"}], "backend_quota": 5}
    made = Cloud(given)
    made.slb.add("rsp-web", new(0))
    over = ("InstanceBackendServerNumberOverLimit", 400)
    assert refusal(lambda: made.slb.add("rsp-b", new(1))) == over
    assert refusal(lambda: made.slb.create("lb-web", "c", new(1))) == over


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (Entry("i-new0", 0), "InvalidParameter"),
        (Entry("i-new0", 65536), "InvalidParameter"),
        (Entry("", 80), "InvalidParameter"),
        (Entry("i-new0", 80, 101), "InvalidWeight.Malformed"),
        (Entry("i-new0", 80, -1), "InvalidWeight.Malformed"),
        (Entry("i-new0", 80, type="vm"), "BackendServer.InvalidType"),
        (Entry("eni-a", 80, type="eni"), "InvalidParameter"),
        (Entry("i-new0", 80, description="x" * 81), "InvalidParameterLength"),
    ],
)
def test_an_entry_that_no_state_could_accept(entry, code):
    assert refusal(lambda: cloud().slb.add("rsp-web", [entry])) == (code, 400)


@pytest.mark.parametrize("name", ["eni-a", "eci-a"])
def test_an_eni_or_eci_named_as_ecs_is_not_found(name):
    made = Cloud(state(instances=[{"instance_id": name}]))
    assert refusal(lambda: made.slb.add("rsp-web", [Entry(name, 80)])) == ("InvalidServerId.NotFound", 404)


@pytest.mark.parametrize(
    "text",
    [
        '[{"serverId":"i-a","port":80,"weight":5,"type":"ecs","serverIp":"","IsUserManaged":false,"NodeName":null}]',
        "[{'ServerId':'i-a','Port':'80','Weight':'5','Type':'ecs'}]",
        '[{"ServerId":"i-a","Port":"80","Weight":"5"}]',
    ],
)
def test_lists_are_taken_as_callers_in_production_send_them(text):
    assert parse(text) == [Entry("i-a", 80, 5)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[", "BackendServersMalformed"),
        ("{}", "BackendServersMalformed"),
        ("[1]", "BackendServersMalformed"),
        ("[" * 100_000, "BackendServersMalformed"),
        ('[{"ServerId":["i"],"Port":80}]', "BackendServersMalformed"),
        ('[{"ServerId":"i-a"}]', "InvalidParameter"),
        ('[{"ServerId":"i-a","Port":true}]', "InvalidParameter"),
        ('[{"ServerId":"i-a","Port":80,"Weight":"heavy"}]', "InvalidWeight.Malformed"),
    ],
)
def test_a_list_that_cannot_be_read(text, code):
    assert refusal(lambda: parse(text))[0] == code


def two_groups(**readings):
    given = state(readings=readings)
    given["load_balancers"][0]["vserver_groups"].append({"vserver_group_id": "rsp-b", "backends": []})
    return Cloud(given)


def test_busy_for_refuses_writes_of_the_load_balancer():
    made = two_groups(busy_for=2)
    made.slb.add("rsp-web", new(0))
    for _ in range(2):
        assert refusal(lambda: made.slb.add("rsp-b", new(1))) == ("BackendServer.configuring", 409)
    made.slb.add("rsp-b", new(1))
    assert refusal(lambda: made.slb.remove("rsp-web", new(0))) == ("BackendServer.configuring", 409)


def test_busy_for_refuses_writes_of_the_group():
    made = two_groups(busy_for=1, busy_scope="group")
    made.slb.add("rsp-web", new(0))
    made.slb.add("rsp-b", new(1))
    assert refusal(lambda: made.slb.add("rsp-web", new(1))) == ("VServerGroupProcessing", 400)
    made.slb.add("rsp-web", new(1))


class Clock:
    at = 7.0

    def __call__(self):
        return self.at


@pytest.mark.parametrize(
    ("scope", "code"), [("load_balancer", "BackendServer.configuring"), ("group", "VServerGroupProcessing")]
)
def test_busy_ms_refuses_writes_for_that_long_after_each_write(scope, code):
    clock = Clock()
    made = Cloud(state(readings={"busy_ms": 500, "busy_scope": scope}), clock=clock)
    made.slb.add("rsp-web", new(0))
    clock.at += 0.499
    for _ in range(3):
        assert refusal(lambda: made.slb.add("rsp-web", new(1)))[0] == code
    clock.at += 0.002
    made.slb.add("rsp-web", new(1))
    assert refusal(lambda: made.slb.remove("rsp-web", new(1)))[0] == code
    clock.at += 60
    made.slb.remove("rsp-web", new(1))


def test_busy_ms_holds_up_the_group_or_the_whole_load_balancer():
    for scope in ("load_balancer", "group"):
        made = two_groups(busy_ms=500, busy_scope=scope)
        made.use_clock(Clock())
        made.slb.add("rsp-web", new(0))
        if scope == "group":
            made.slb.add("rsp-b", new(1))
        else:
            assert refusal(lambda made=made: made.slb.add("rsp-b", new(1)))[0] == "BackendServer.configuring"


def test_a_write_that_is_refused_keeps_nothing_busy():
    clock = Clock()
    made = Cloud(state(readings={"busy_ms": 500}), clock=clock)
    made.slb.add("rsp-web", new(0))
    clock.at += 0.4
    refusal(lambda: made.slb.add("rsp-web", new(1)))
    clock.at += 0.2
    made.slb.add("rsp-web", new(1))


def test_the_clock_outlives_another_state():
    clock = Clock()
    made = Cloud(state(), clock=clock)
    made.replace(state(readings={"busy_ms": 500}))
    made.slb.add("rsp-web", new(0))
    clock.at += 1
    made.copy().slb.add("rsp-web", new(1))
    made.slb.add("rsp-web", new(1))


def test_read_lag_shows_the_state_before_for_so_many_reads():
    made = cloud(read_lag=2)
    made.slb.add("rsp-web", new(0))
    assert [len(made.slb.backends("rsp-web")) for _ in range(3)] == [2, 2, 3]
    made.slb.remove("rsp-web", old(0))
    assert ids(made.slb.backends("rsp-web")) == ["i-old0", "i-old1", "i-new0"]


def test_lag_and_busy_are_asked_only_after_a_write():
    readings = Asked(busy_for=1)
    made = Cloud(state(), readings=readings)
    made.slb.describe("rsp-web")
    made.slb.add("rsp-web", new(0))
    assert readings.names == []
    made.slb.describe("rsp-web")
    made.slb.describe("rsp-web")
    assert readings.names == ["read_lag"]


@pytest.mark.parametrize(("reading", "left"), [("stays", ["i-old0", "i-old1"]), ("removed", ["i-old1"])])
def test_released_server_stays_or_leaves_its_groups(reading, left):
    made = cloud(released_server=reading)
    made.world.release("i-old0")
    assert ids(made.slb.backends("rsp-web")) == left
    assert made.slb.health("lb-web")[0].status == ("abnormal" if reading == "stays" else "normal")


def test_a_copy_goes_its_own_way():
    made = cloud(busy_for=1)
    twin = made.copy()
    twin.slb.add("rsp-web", new(0))
    assert len(made.slb.backends("rsp-web")) == 2
    made.slb.add("rsp-web", new(1))
    assert (len(made.world.history), len(twin.world.history)) == (2, 2)


def test_history_may_be_limited_or_switched_off():
    made = cloud()
    made.world.history_limit = 1
    made.slb.add("rsp-web", new(0))
    assert len(made.history()) == 1
    made.world.history_limit = 0
    made.slb.add("rsp-web", new(1))
    assert len(made.history()) == 1

"""What is to go wrong: at which call, and what becomes of it."""

import pytest

from localcloud import faults
from localcloud.faults import GarbageAnswer
from localcloud.http import ConnectionCut
from localcloud.rpc import errors
from localcloud.rpc.credentials import new_identity
from localcloud.rpc.errors import ApiError
from localcloud.state.fields import FieldError
from tests.support.local_slb import cloud, ids, new

ADD = "AddVServerGroupBackendServers"
READ = "DescribeVServerGroupAttribute"
GROUP = {"VServerGroupId": "rsp-web"}


def outcome(made, action=READ, params=GROUP):
    try:
        made.call(action, params)
    except (ApiError, ConnectionCut, GarbageAnswer) as error:
        return getattr(error, "code", type(error).__name__)
    return "ok"


def outcomes(fault, calls=6):
    made = cloud()
    made.put_faults([fault])
    return [outcome(made) for _ in range(calls)]


@pytest.mark.parametrize(
    ("when", "struck"),
    [
        ({"nth": 2}, [2]),
        ({"nth": 2, "times": 2}, [2, 3]),
        ({"every": 2}, [2, 4, 6]),
        ({"every": 2, "times": 1}, [2]),
        ({"times": 2}, [1, 2]),
        ({}, [1, 2, 3, 4, 5, 6]),
    ],
)
def test_which_calls_a_fault_strikes(when, struck):
    found = outcomes({"action": READ, "error": "OperationBusy", **when})
    assert [n for n, got in enumerate(found, 1) if got == "OperationBusy"] == struck


def test_a_fault_counts_the_calls_of_its_action_and_parameters_alone():
    made = cloud()
    made.put_faults(
        [
            {"action": ADD, "error": "OperationBusy"},
            {"action": "*", "nth": 2, "error": "SystemBusy", "match": {"VServerGroupId": "rsp-web"}},
        ]
    )
    found = [outcome(made), outcome(made, READ, {"VServerGroupId": "rsp-x"}), outcome(made)]
    assert found == ["ok", "InvalidParameter", "SystemBusy"]


def add(fault):
    made = cloud()
    made.put_faults([{"action": ADD, **fault}])
    params = {**GROUP, "BackendServers": '[{"ServerId":"i-new0","Port":8080}]'}
    return outcome(made, ADD, params), len(ids(made.slb.backends("rsp-web")))


@pytest.mark.parametrize(
    ("fault", "got", "backends"),
    [
        ({"error": "BackendServer.configuring"}, "BackendServer.configuring", 2),
        ({"effect": "reset"}, "ConnectionCut", 2),
        ({"effect": "drop_response"}, "ConnectionCut", 3),
        ({"effect": "garbage"}, "GarbageAnswer", 3),
        ({"effect": "delay"}, "ok", 3),
        ({"effect": "kill"}, "ConnectionCut", 2),
        ({"effect": "kill", "after": True}, "ConnectionCut", 3),
    ],
)
def test_what_becomes_of_a_call_that_is_struck(fault, got, backends):
    assert add(fault) == (got, backends)


def test_kill_names_who_called():
    made, killed = cloud(), []
    made.faults.on_kill = killed.append
    made.put_faults([{"action": "*", "effect": "kill"}])
    worker = new_identity("swap", worker="w-1")
    with pytest.raises(ConnectionCut):
        made.call(READ, GROUP, worker)
    assert killed == [worker]


def test_a_lost_answer_may_have_been_a_refusal():
    made = cloud()
    made.put_faults([{"action": "*", "effect": "drop_response"}])
    assert outcome(made, READ, {"VServerGroupId": "rsp-x"}) == "ConnectionCut"


def test_typed_work_goes_wrong_in_the_same_way():
    made = cloud()
    made.put_faults([{"action": ADD, "nth": 1, "error": "SystemBusy", "status": 449}])
    with pytest.raises(ApiError, match="449 SystemBusy"):
        made.under_faults(ADD, lambda: made.slb.add("rsp-web", new(0)))
    made.under_faults(ADD, lambda: made.slb.add("rsp-web", new(0)))
    assert len(made.slb.backends("rsp-web")) == 3


@pytest.mark.parametrize("code", errors.TABLE)
def test_every_documented_error_can_be_had_with_each_documented_status(code):
    for row in errors.TABLE[code]:
        made = cloud()
        made.put_faults([{"action": READ, "error": code, "status": row.status}])
        with pytest.raises(ApiError) as caught:
            made.call(READ, GROUP)
        found = caught.value
        messages = {other.message for other in errors.TABLE[code] if other.status == row.status}
        assert (found.code, found.status) == (code, row.status)
        assert found.message in messages


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        ({}, "faults[0].action"),
        ({"action": "*", "error": "X", "effect": "reset"}, "faults[0].error"),
        ({"action": "*", "error": "NoSuchCode"}, "faults[0].error: 'NoSuchCode' is no documented code"),
        ({"action": "*", "effect": "explode"}, "faults[0].effect"),
        ({"action": "*", "effect": "reset", "nth": 0}, "faults[0].nth"),
        ({"action": "*", "effect": "reset", "nth": 1, "every": 1}, "faults[0].nth"),
        ({"action": "*", "effect": "delay", "seconds": "1"}, "faults[0].seconds"),
        ({"action": "*", "effect": "reset", "match": {"a": 1}}, "faults[0].match"),
        ({"action": "*", "effect": "reset", "often": 1}, "faults[0].often: unknown"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_its_key(fault, key):
    with pytest.raises(FieldError) as caught:
        faults.parse([fault])
    assert key in str(caught.value)


def test_faults_are_given_back_as_they_were_put():
    given = [
        {"action": "*", "effect": "delay", "every": 2, "times": 3, "seconds": 0.5},
        {"action": ADD, "error": "InvalidParameter", "status": 503, "message": "later", "match": {"A": "b"}},
        {"action": ADD, "effect": "kill", "nth": 4, "after": True},
    ]
    assert faults.dump(faults.parse(given)) == given

"""ModifyVServerGroupBackendServers under every reading, on the model."""

import contextlib

import pytest

from localcloud.cloud import Cloud
from localcloud.rpc.errors import ApiError
from localcloud.slb.entries import Entry
from tests.support.local_slb import Asked, cloud, ids, new, old, state


def group(made):
    return ids(made.world.groups["rsp-web"].backends)


def instants(made):
    return [ids(i.backends) for i in made.world.history]


def code(made, was, now):
    with pytest.raises(ApiError) as caught:
        made.slb.modify("rsp-web", was, now)
    return caught.value.code, caught.value.status


def test_old_goes_out_and_new_comes_in():
    made = cloud()
    answer = made.slb.modify("rsp-web", old(0), new(0))
    assert group(made) == ["i-old1", "i-new0"] == ids(answer.rows)


@pytest.mark.parametrize(
    ("atomic", "seen"),
    [
        (False, [["i-old0", "i-old1"], ["i-old1"], ["i-old1", "i-new0"]]),
        (True, [["i-old0", "i-old1"], ["i-old1", "i-new0"]]),
    ],
)
def test_modify_atomic_decides_whether_the_instant_between_is_seen(atomic, seen):
    made = cloud(modify_atomic=atomic)
    made.slb.modify("rsp-web", old(0), new(0))
    assert instants(made) == seen


@pytest.mark.parametrize(
    ("failed", "left"), [("leaves_old", ["i-old0", "i-old1"]), ("removes_old", ["i-old1"])]
)
def test_failed_new_decides_what_becomes_of_old(failed, left):
    made = cloud(failed_new=failed)
    assert code(made, old(0), [Entry("i-none", 8080)]) == ("InvalidServerId.NotFound", 404)
    assert group(made) == left


def test_a_server_that_does_not_run_is_obtain_ip_fail():
    made = Cloud(state(instances=[{"instance_id": "i-new0", "status": "Stopped"}]))
    assert code(made, old(0), new(0)) == ("ObtainIpFail", 400)


def test_bad_new_may_skip_the_entry_and_apply_the_rest():
    made = cloud(bad_new="skips_entry")
    answer = made.slb.modify("rsp-web", old(0, 1), [Entry("i-none", 8080), *new(1)])
    assert group(made) == ["i-new1"]
    assert ids(answer.rows) == ["i-new1", "i-none"]


def test_a_skipped_entry_of_a_backend_that_is_there_is_shown_once():
    made = Cloud(
        state(
            instances=[{"instance_id": "i-old1", "status": "Stopped"}],
            readings={"bad_new": "skips_entry", "present_new": "updated"},
        )
    )
    answer = made.slb.add("rsp-web", [Entry("i-old1", 8080, 7)])
    assert [(b.server_id, b.weight) for b in answer.rows] == [("i-old0", 100), ("i-old1", 7)]
    assert [b.weight for b in made.world.groups["rsp-web"].backends] == [100, 100]


def test_response_shows_applied_leaves_the_skipped_entry_out():
    made = cloud(bad_new="skips_entry", response_shows="applied")
    answer = made.slb.modify("rsp-web", old(0, 1), [Entry("i-none", 8080), *new(1)])
    assert ids(answer.rows) == ["i-new1"]


@pytest.mark.parametrize("counts", [(1, 0), (0, 1), (2, 1)])
def test_unequal_modify_is_refused_or_accepted(counts):
    was, now = old(*range(counts[0])), new(*range(counts[1]))
    assert code(cloud(), was, now) == ("InvalidParameter", 400)
    made = cloud(unequal_modify="accepted")
    made.slb.modify("rsp-web", was, now)
    assert len(group(made)) == 2 - counts[0] + counts[1]


def test_missing_old_is_ignored_or_an_error():
    made = cloud()
    made.slb.modify("rsp-web", [Entry("i-other", 8080)], new(0))
    assert group(made) == ["i-old0", "i-old1", "i-new0"]
    made = cloud(missing_old="error")
    assert code(made, [Entry("i-other", 8080)], new(0)) == ("InvalidParameter", 400)
    assert len(instants(made)) == 1


@pytest.mark.parametrize(("reading", "weight"), [("ignored", 100), ("updated", 7)])
def test_present_new_keeps_or_updates_what_is_there(reading, weight):
    made = cloud(present_new=reading)
    made.slb.modify("rsp-web", old(0), [Entry("i-old1", 8080, 7)])
    assert [b.weight for b in made.world.groups["rsp-web"].backends] == [weight]


def test_present_new_is_an_error_by_default():
    made = cloud()
    assert code(made, old(0), old(1)) == ("InvalidBackendServers.ServerIpConflict", 400)
    assert group(made) == ["i-old0", "i-old1"]


def test_a_key_in_old_and_new_is_replaced():
    made = cloud()
    made.slb.modify("rsp-web", old(0), [Entry("i-old0", 8080, 5)])
    assert [b.weight for b in made.world.groups["rsp-web"].backends] == [100, 5]


def quota(limit, **readings):
    given = state(readings=readings)
    given["load_balancers"][0]["backend_quota"] = limit
    return Cloud(given)


def test_modify_over_quota_counts_both_or_the_result():
    assert code(quota(2), old(0), new(0)) == ("InstanceBackendServerNumberOverLimit", 400)
    made = quota(2, modify_over_quota="counts_result")
    made.slb.modify("rsp-web", old(0), new(0))
    assert group(made) == ["i-old1", "i-new0"]


def test_a_result_over_quota_is_refused_under_either_reading():
    for reading in ("counts_both", "counts_result"):
        made = quota(2, modify_over_quota=reading, unequal_modify="accepted")
        assert code(made, old(0), new(0, 1))[0] == "InstanceBackendServerNumberOverLimit"


def test_max_per_call_is_20_or_40():
    many = [Entry(f"i-x{n}", 80) for n in range(21)]
    assert code(cloud(), many, many) == ("TooManyBackendServers", 400)
    made = cloud(max_per_call=40, unequal_modify="accepted")
    made.slb.modify("rsp-web", many, [])
    assert code(made, [Entry(f"i-x{n}", 80) for n in range(41)], [])[0] == "TooManyBackendServers"


@pytest.mark.parametrize(
    ("lists", "rows"), [("group", ["i-old1", "i-new0"]), ("changed", ["i-new0"]), ("nothing", [])]
)
def test_response_lists_the_group_what_changed_or_nothing(lists, rows):
    made = cloud(response_lists=lists)
    assert ids(made.slb.modify("rsp-web", old(0), new(0)).rows) == rows


def test_a_group_that_is_not_there_is_404():
    with pytest.raises(ApiError) as caught:
        cloud().slb.modify("rsp-none", old(0), new(0))
    assert str(caught.value) == "404 InvalidParameter: The specified VServerGroupId does not exist."


@pytest.mark.parametrize(
    ("was", "now", "asked"),
    [
        (old(0), new(0), ["modify_atomic"]),
        ([], [], []),
        (old(0), [Entry("i-none", 8080)], ["bad_new", "failed_new"]),
        ([Entry("i-gone", 8080)], [Entry("i-none", 8080)], ["missing_old", "bad_new"]),
        ([Entry("i-gone", 8080)], old(1), ["missing_old", "present_new"]),
        (old(0, 1), new(0), ["unequal_modify"]),
    ],
)
def test_a_reading_is_asked_only_where_it_matters(was, now, asked):
    readings = Asked()
    made = Cloud(state(), readings=readings)
    with contextlib.suppress(ApiError):
        made.slb.modify("rsp-web", was, now)
    assert readings.names == asked


def test_what_the_answer_lists_is_asked_only_by_who_looks():
    readings = Asked(bad_new="skips_entry")
    made = Cloud(state(), readings=readings)
    answer = made.slb.modify("rsp-web", old(0), [Entry("i-none", 8080)])
    readings.names.clear()
    assert answer.rows
    assert readings.names == ["response_lists", "response_shows"]

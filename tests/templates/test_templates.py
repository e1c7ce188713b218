"""The templates, as far as it can be told without the ROS CDK; `make validate` goes further."""

from __future__ import annotations

import pytest

from scripts.validate import broken, checking
from scripts.validate.functions import is_schedule
from scripts.validate.resolving import Resolver
from scripts.validate.rights import is_arn

DOCUMENTS = checking.documents()
SEEN_HERE = [one for one in broken.TABLE if not one.native]


@pytest.mark.parametrize("name", checking.FILES)
def test_a_template_has_no_fault(name: str) -> None:
    assert sorted(checking.faults(DOCUMENTS, name, native=False)) == []


@pytest.mark.parametrize("one", SEEN_HERE, ids=lambda one: f"{one.fault}: {one.what}")
def test_a_broken_template_is_caught_and_its_fault_named(one: broken.Broken) -> None:
    assert broken.names(one, native=False) == {one.fault}


def test_each_fault_is_broken_in_its_own_way() -> None:
    assert len(broken.TABLE) >= 30
    assert len({(one.fault, one.what) for one in broken.TABLE}) == len(broken.TABLE)


@pytest.mark.parametrize(
    "text",
    ["@every 5m", "@every 1h", "0 0 4 * * *", "0 */5 * * * *", "CRON_TZ=Asia/Shanghai 0 30 9 1,15 JAN-MAR ?"],
)
def test_a_schedule_of_function_compute_is_one(text: str) -> None:
    assert is_schedule(text)


@pytest.mark.parametrize(
    "text",
    ["", "5m", "@every 0m", "@every 5", "@every 5s", "*/5 * * * *", "0 60 * * * *", "0 0 0 32 * *", 5, None],
)
def test_another_text_is_no_schedule(text: object) -> None:
    assert not is_schedule(text)


@pytest.mark.parametrize(
    "text",
    [
        "acs:slb:cn-hangzhou:1234567890123456:loadbalancer/lb-1",
        "acs:ram::1234567890123456:role/slb-swap-swap-cn-hangzhou",
        "acs:mns:cn-hangzhou:1234567890123456:/queues/slb-swap-failed/messages",
        "acs:eventbridge:cn-hangzhou:1234567890123456:eventbus/default",
        "acs:fc:cn-hangzhou:1234567890123456:functions/slb-swap-swap/*",
    ],
)
def test_an_arn_is_one(text: str) -> None:
    assert is_arn(text)


@pytest.mark.parametrize(
    "text",
    [
        "acs:slb:cn-hangzhou:1234567890123456:loadbalancers/lb-1",
        "acs:slb:cn-beijing:1234567890123456:loadbalancer/lb-1",
        "acs:ram:cn-hangzhou:1234567890123456:role/r",
        "acs:mns:cn-hangzhou:/queues/q",
        "acs:oss:cn-hangzhou:1234567890123456:bucket",
        "acs:slb",
    ],
)
def test_another_text_is_no_arn(text: str) -> None:
    assert not is_arn(text)


@pytest.mark.parametrize("name", ["template.yml", "template.fc2.yml"])
def test_two_stacks_share_no_name(name: str) -> None:
    document = DOCUMENTS[name]
    declared = {key: one.get("Default", "x") for key, one in document["Parameters"].items()}
    owners = (
        "ALIYUN::FC3::Function",
        "ALIYUN::FC::Service",
        "ALIYUN::MNS::",
        "ALIYUN::RAM::",
        "ALIYUN::SLS::Project",
    )
    found: list[set[str]] = []
    for stack in ("slb-swap", "other"):
        resolver = Resolver(document, {**declared, "Name": stack})
        mine = {key: one for key, one in document["Resources"].items() if one["Type"].startswith(owners)}
        written = {key: resolver.value(one["Properties"], key) for key, one in mine.items()}
        names = {
            (key, text) for key, one in written.items() for part, text in one.items() if part.endswith("Name")
        }
        names |= {(key, one["Name"]) for key, one in written.items() if "Name" in one}
        assert len(names) >= 6
        found.append({text for _, text in names})
    assert found[0].isdisjoint(found[1])


def test_what_a_condition_leaves_out_is_left_out() -> None:
    resolver = Resolver({"Conditions": {"Never": {"Fn::Equals": ["a", "b"]}}}, {})
    raw = {"kept": 1, "gone": {"Fn::If": ["Never", 2, {"Ref": "ALIYUN::NoValue"}]}}
    assert resolver.value(raw, "it") == {"kept": 1}
    assert resolver.faults == set()


def test_conditions_build_on_each_other() -> None:
    conditions = {
        "A": {"Fn::Equals": [{"Ref": "P"}, "x"]},
        "B": {"Fn::Not": "A"},
        "C": {"Fn::And": ["A", {"Fn::Not": "B"}]},
        "D": {"Fn::Or": ["B", "C"]},
    }
    resolver = Resolver({"Conditions": conditions}, {"P": "x"})
    assert [resolver.holds(name, "it") for name in "ABCD"] == [True, False, True, True]


def test_a_key_that_stands_twice_is_refused(tmp_path: object) -> None:
    from pathlib import Path

    import yaml

    from scripts.validate.reading import load

    path = Path(str(tmp_path)) / "template.yml"
    path.write_text("Resources: {A: 1}\nResources: {B: 2}\n")
    with pytest.raises(yaml.YAMLError, match="Resources stands twice"):
        load(path)

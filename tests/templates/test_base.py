"""The base of `make base`: what Serverless Devs does not make."""

from __future__ import annotations

from scripts.base import base
from scripts.validate import checking, reading, rights

BASE = base(checking.documents()["template.yml"])


def test_it_has_all_but_functions_and_what_is_of_them() -> None:
    assert list(BASE["Resources"]) == [
        *("FailedQueue", "SwapRole", "WebhookRole"),
        *("LogProject", "Logstore", "LogIndex", "Failures", "Refusals", "Silence", "FailedEvents"),
    ]
    assert list(BASE["Outputs"]) == ["FailedQueue", "LogProject", "LogLink", "EventBusArn"]


def test_it_is_for_one_writer() -> None:
    assert "Writers" not in BASE["Parameters"]
    assert "SeveralWriters" not in BASE["Conditions"]
    assert "${Writers}" not in str(BASE)


def test_it_stands_alone() -> None:
    variants, faults = reading.variants(BASE)
    assert faults == set()
    assert [fault for one in variants for fault in rights.faults(one)] == []


def test_its_names_are_those_of_s_yaml() -> None:
    variants, _ = reading.variants(BASE)
    roles = {one.properties["RoleName"] for one in variants[0].of("RAM::Role")}
    assert roles == {"slb-swap-swap-cn-hangzhou", "slb-swap-webhook-cn-hangzhou"}
    text = (checking.ROOT / "s.yaml").read_text(encoding="utf-8")
    for part in ("swap", "webhook"):
        assert f"role/${{vars.name}}-{part}-${{vars.region}}" in text

"""7. The source of truth answers an empty or partial list: no removal on it; the share removed is capped."""

from __future__ import annotations

from typing import Any

from tests.scenarios.world import Make, here
from tests.support.deliveries import scaled_in, timer

ROW = 7


def counted_empty(make: Make, **state: Any) -> None:
    """It lists nothing and counts nothing: it is empty, and the limits on what is inferred hold."""
    world = make("i-1 i-2 i-3", "", name="exclusive", **state)
    told = world.deliver(timer("exclusive"))
    assert told.outcome == "refused"
    assert set(told.refused("exclusive").values()) == {"max_removed"}
    assert world.writes() == []


def most_of_it(make: Make, **state: Any) -> None:
    world = make("i-1 i-2 i-3 i-4", "i-4", name="exclusive", **state)
    told = world.deliver(timer("exclusive"))
    assert told.outcome == "refused"
    assert set(told.refused("exclusive").values()) == {"max_removed"}
    assert world.writes() == []


def test_nothing_is_removed_on_an_empty_list(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3", "i-1 i-2 i-3", name="exclusive", readings=readings)

    def silent(action: str, answer: Any) -> Any:
        if action == "DescribeScalingInstances":
            inner = answer.get(f"{action}Response", answer)
            inner["TotalCount"], inner["ScalingInstances"] = 0, {"ScalingInstance": []}
        return answer

    world.on_answer = silent
    told = world.deliver(timer("exclusive"))
    assert told.outcome == "refused"
    assert set(told.refused("exclusive").values()) == {"source_incomplete"}
    assert world.writes() == []


def test_an_empty_list_is_believed_where_the_scaling_group_counts_nothing_either(
    readings: dict[str, Any],
) -> None:
    counted_empty(here, readings=readings)
    # What comes and goes beside a scaling group at zero is not held up.
    world = here("i-1#slb-swap/web i-2 i-3", "", readings=readings)
    told = world.deliver(scaled_in("i-1"))
    assert (told.outcome, world.servers()) == ("applied", ["i-2", "i-3"])


def test_nothing_is_removed_on_a_list_that_is_short(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3", "i-1 i-2 i-3", name="exclusive", readings=readings)

    def cut(action: str, answer: Any) -> Any:
        if action == "DescribeScalingInstances":
            inner = answer.get(f"{action}Response", answer)
            rows = inner["ScalingInstances"]["ScalingInstance"]
            inner["ScalingInstances"]["ScalingInstance"] = rows[1:] if isinstance(rows, list) else []
        return answer

    world.on_answer = cut
    told = world.deliver(timer("exclusive"))
    assert (told.outcome, told.reason) == ("raised", "source_incomplete")
    assert world.writes() == []


def test_a_list_that_misses_one_is_asked_for_it_by_name(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3", "i-1 i-2 i-3", readings=readings)

    def miss(action: str, answer: Any) -> Any:
        inner = answer.get(f"{action}Response", answer)
        if action == "DescribeScalingInstances" and int(inner["TotalCount"]) == 3:
            inner["TotalCount"] = 2
            inner["ScalingInstances"]["ScalingInstance"] = inner["ScalingInstances"]["ScalingInstance"][1:]
        return answer

    world.on_answer = miss
    told = world.deliver(scaled_in("i-1"))
    assert told.outcome == "refused"
    assert told.refused() == {"i-1": "still_in_service"}
    assert world.writes() == []


def test_an_answer_that_fails_is_no_list(readings: dict[str, Any]) -> None:
    world = here("i-1 i-2 i-3", "i-1 i-2", name="exclusive", readings=readings)
    world.faults({"action": "DescribeScalingInstances", "effect": "garbage"})
    told = world.deliver(timer("exclusive"))
    assert (told.outcome, bool(told.raised)) == ("raised", True)
    assert world.writes() == []


def test_not_more_than_half_is_removed_by_inference(readings: dict[str, Any]) -> None:
    most_of_it(here, readings=readings)


def test_empty_list_over_http(there: Make) -> None:
    counted_empty(there)
    most_of_it(there)

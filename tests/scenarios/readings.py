"""Which readings each scenario depends on, and why: its tests run under every value of each of them."""

from __future__ import annotations

from typing import Any

from localcloud.state.readings import TABLE

#: Values of what is counted. More than five lagging reads are believed to be the truth.
COUNTS = {"busy_for": (0, 1, 3), "read_lag": (0, 1, 3), "fresh_health": (0, 1, 4)}

#: What a write does and answers, and what the next read shows: whatever swaps depends on these.
WRITING = (
    "modify_atomic",
    "response_lists",
    "response_form",
    "busy_for",
    "busy_scope",
    "read_lag",
    "fresh_health",
    "used_before_check",
    "body_params",
)
#: What becomes of a write that meets something else than it expected.
MEETING = ("missing_old", "present_new", "failed_new", "bad_new", "response_shows")
#: Adding at weight 0 first.
WEIGHT0 = ("weight0_checked", "used_before_check", "fresh_health")
#: Only what reads come to.
READING = ("response_form", "read_lag")

#: By number of the scenario: the readings, and in what way they matter.
DEPENDS: dict[int, tuple[tuple[str, ...], str]] = {
    1: (
        (*WRITING, "missing_old", "present_new"),
        "the second run must see, not guess, what the first one did",
    ),
    2: ((*WRITING, "released_server"), "a terminated instance may have left the group with its release"),
    3: ((*WRITING, "released_server"), "what is stale may have left by itself"),
    4: (
        (*WRITING, *WEIGHT0, "missing_old", "present_new", "failed_new"),
        "unproven ones are added, or swapped in",
    ),
    5: (
        (*WRITING, *MEETING),
        "the server that does not run is refused, or left out, with or without its old one",
    ),
    6: ((*READING, "body_params"), "it is refused on what is read, before any write"),
    7: (READING, "nothing is written"),
    8: (WRITING, "the reads of one run lag behind its writes, and the answers may be of help or not"),
    9: (
        (*WRITING, *MEETING, "max_per_call"),
        "a batch that fails may have been applied, in part, or not at all",
    ),
    10: ((*WRITING, *MEETING), "the bad one is refused with its batch, or left out of it"),
    11: ((*WRITING, "unequal_modify", "max_per_call"), "no call ever holds lists of unequal length"),
    12: ((*WRITING, "missing_old", "present_new"), "the old one is missing, or the new one present"),
    13: (("busy_for", "busy_scope", "response_lists", "read_lag"), "who is busy, for how long"),
    14: (READING, "a call that is throttled does nothing"),
    15: ((*WRITING, "missing_old", "present_new"), "the next run meets what the killed one left"),
    16: ((*WRITING, "missing_old", "present_new"), "what was sent again would meet its own effect"),
    17: ((*WRITING, "missing_old", "present_new", "failed_new"), "each run meets what the other one does"),
    18: ((*WRITING, "missing_old", "present_new", "failed_new"), "a wave meets what others did meanwhile"),
    19: ((*WRITING, "weight0_checked"), "weight 0 comes before the removal"),
    20: (
        (*WRITING, *WEIGHT0, "modify_over_quota", "failed_new"),
        "a full load balancer may refuse Modify, too",
    ),
    21: ((*WRITING, *MEETING), "whatever a write does, it is not theirs"),
    22: (WRITING, "several backends of one server are written at once"),
    23: ((*WRITING, *MEETING), "one group's trouble is not the other's; busy is the load balancer's"),
    24: ((), "nothing is asked of the cloud"),
    25: (WRITING, "the records are one wish"),
    26: ((*WRITING, "weight0_checked"), "what the hook waits for is health and what is read"),
    27: (READING, "the token's state is Auto Scaling's, and no reading's"),
    28: (("busy_for", "read_lag"), "what may pass is raised"),
    29: ((*READING, "body_params"), "the second request is judged by what is read"),
    30: ((*READING, "fresh_health"), "nothing is written, however it is read"),
    31: ((*WRITING, "missing_old", "present_new"), "the way back is a swap like another"),
    32: (WRITING, "only the live end is written"),
}


def under(row: int) -> list[dict[str, Any]]:
    """The readings to run a scenario under: the defaults, each other value alone, all last ones at once."""
    names = dict.fromkeys(DEPENDS[row][0])
    values = {name: COUNTS.get(name) or TABLE[name].values for name in names}
    alone = [{name: value} for name in values for value in values[name][1:]]
    at_once = {name: values[name][-1] for name in values}
    return [{}, *alone, *([at_once] if len(values) > 1 else [])]


def told(readings: dict[str, Any]) -> str:
    """A name for a set of readings."""
    if not readings:
        return "defaults"
    return "all-last" if len(readings) > 1 else "-".join(f"{k}={v}" for k, v in readings.items())

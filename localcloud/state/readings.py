"""The readings: where the documents are silent or disagree, each way of reading them, by name.

The models ask a `Mapping` for a reading at the moment it matters and not before, so that a test may pass
its own mapping and learn what mattered.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from localcloud.state.fields import FieldError

Value = bool | int | str
Readings = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Reading:
    """A question the documents leave open: its answers, the first of them the default."""

    values: tuple[Value, ...]
    counted: bool = False
    why: str = ""

    def parse(self, value: object) -> Value | None:
        """The value as the models know it, or None if it is no answer to this question."""
        if isinstance(value, str) and value in {"true", "false"}:
            value = value == "true"
        if self.counted:
            return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
        for known in self.values:
            if type(known) is type(value) and known == value:
                return known
        return None


TABLE: dict[str, Reading] = {
    "modify_atomic": Reading(
        (False, True), why="No document promises it; a copy of the 2018 page says 'by adding/deleting'."
    ),
    "failed_new": Reading(
        ("leaves_old", "removes_old"), why="No document says what becomes of Old when New is refused."
    ),
    "unequal_modify": Reading(
        ("refused", "accepted"),
        why="Documents of 2018 ask for as many new as old; those from 2019-08 on do not, and callers differ.",
    ),
    "missing_old": Reading(
        ("ignored", "error"), why="A copy of the 2018 page says ignored; today's page does not say."
    ),
    "present_new": Reading(
        ("error", "ignored", "updated"),
        why="AddBackendServers (default group) says error; for VServer groups nothing is said.",
    ),
    "bad_new": Reading(
        ("refuses_call", "skips_entry"),
        why="ObtainIpFail says 'some of' without saying what became of the rest.",
    ),
    "modify_over_quota": Reading(
        ("counts_both", "counts_result"),
        why="No document says whether Old still counts while New is checked.",
    ),
    "max_per_call": Reading(
        (20, 40), why="Documents and the error text say 20; cloud-provider-alibaba-cloud sends up to 40."
    ),
    "response_lists": Reading(
        ("group", "changed", "nothing"),
        why="A copy of the 2018 page says the whole group; today's page says 'the backend servers'.",
    ),
    "response_shows": Reading(
        ("intended", "applied"), why="No document says whether a skipped entry is in the answer."
    ),
    "response_form": Reading(
        ("plain", "enveloped"),
        why="Samples up to 2021 have an envelope, numbers as strings one object for a list; today's do not.",
    ),
    "busy_scope": Reading(
        ("load_balancer", "group"),
        why="BackendServer.configuring speaks of the load balancer, VServerGroupProcessing of the group.",
    ),
    "busy_for": Reading((0,), counted=True, why="Writes refused after each write: no document gives a time."),
    "busy_ms": Reading((0,), counted=True, why="The same by the clock, in milliseconds: no time is given."),
    "read_lag": Reading(
        (0,), counted=True, why="Reads that still show the state before: nothing is promised."
    ),
    "fresh_health": Reading(
        (0,), counted=True, why="Health reads until a healthy new backend is normal: thresholds set it."
    ),
    "used_before_check": Reading(
        (True, False), why="No document says whether an unchecked backend already takes traffic."
    ),
    "weight0_checked": Reading(
        (True, False), why="One page says checks go on at weight 0, the FAQ that it equals removal."
    ),
    "released_server": Reading(
        ("stays", "removed"), why="No document says that a released instance leaves its VServer groups."
    ),
    "ecs_denied": Reading(
        ("refused", "empty_list"),
        why="The page of DescribeInstances says that an empty list comes; callers report Forbidden.RAM.",
    ),
    "fc3_body": Reading(
        ("base64", "text"),
        why="The page of HTTP triggers shows both, and does not say which body gets which.",
    ),
    "fc3_async_header": Reading(
        ("shown", "hidden"),
        why="No page says whether an HTTP trigger's event has the X-Fc-Invocation-Type it was called with.",
    ),
    "fc3_task_ids": Reading(
        ("checked", "ignored"), why="No page of 3.0 says what becomes of an x-fc-async-task-id that was used."
    ),
    "fc3_invoke_resource": Reading(
        ("name", "name_and_rest"), why="The pages of RAM show functions/NAME and functions/NAME/*."
    ),
    "async_flag": Reading(
        ("asynchronous", "synchronous"),
        why="asyncInvocationType true: asynchronous on pages of 2024, synchronous on those of 2026.",
    ),
    "body_params": Reading(
        ("accepted", "ignored"),
        why="The RPC pages speak of query parameters; the Node.js SDK sends a form body.",
    ),
}


def validated(chosen: object) -> dict[str, Value]:
    """All readings, those not chosen at their default; FieldError names what is wrong."""
    if not isinstance(chosen, Mapping):
        raise FieldError("readings: an object is needed")
    for name, value in chosen.items():
        if name not in TABLE:
            raise FieldError(f"readings.{name}: unknown; known are {', '.join(TABLE)}")
        if TABLE[name].parse(value) is None:
            known = "0, 1, 2, ..." if TABLE[name].counted else ", ".join(str(v) for v in TABLE[name].values)
            raise FieldError(f"readings.{name}: {value!r} is not one of {known}")
    return {
        name: reading.values[0] if (value := reading.parse(chosen.get(name))) is None else value
        for name, reading in TABLE.items()
    }

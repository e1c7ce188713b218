"""Resources with a Count, each as so many: NAME[0], NAME[1] and so on (ROS, "Resources").

What refers to such a resource refers to a list of them; in each, ALIYUN::Index is its own number.
"""

from collections.abc import Callable, Mapping
from typing import Any


def expanded(resources: Mapping[str, Any], count_of: Callable[[Any, str], int]) -> dict[str, Any]:
    """The resources, those with a Count in place of it; `count_of` resolves one, given where it stands."""
    counts = {
        name: count_of(one["Count"], f"Resources.{name}.Count")
        for name, one in resources.items()
        if "Count" in one
    }
    found = {}
    for name, one in resources.items():
        plain = {key: value for key, value in one.items() if key != "Count"}
        for index in range(counts.get(name, 1)):
            of = f"{name}[{index}]" if name in counts else name
            found[of] = _rewritten(plain, counts, index if name in counts else None)
    return found


def _rewritten(value: Any, counts: Mapping[str, int], index: int | None) -> Any:
    if isinstance(value, list):
        return [_rewritten(one, counts, index) for one in value]
    if not isinstance(value, dict):
        return value
    if value == {"Ref": "ALIYUN::Index"} and index is not None:
        return index
    named = value.get("Fn::GetAtt")
    if len(value) == 1 and isinstance(named, list) and named and named[0] in counts:
        return [{"Fn::GetAtt": [f"{named[0]}[{at}]", *named[1:]]} for at in range(counts[named[0]])]
    return {
        key: _names(one, counts) if key == "DependsOn" else _rewritten(one, counts, index)
        for key, one in value.items()
    }


def _names(after: Any, counts: Mapping[str, int]) -> list[str]:
    """What a resource waits for: each of a name that is many."""
    given = [after] if isinstance(after, str) else after
    return [
        of
        for name in given
        for of in ([f"{name}[{at}]" for at in range(counts[name])] if name in counts else [name])
    ]

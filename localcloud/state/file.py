"""A state in a file: what is wrong with it is told with the file's name and the path of the key."""

import json
from pathlib import Path
from typing import Any

from localcloud import faults
from localcloud.state import parsing as state_json
from localcloud.state.fields import FieldError


def read(path: Path) -> dict[str, Any]:
    """The state that a file holds, checked as a whole. FieldError names the file; OSError: there is none."""
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise FieldError(f"{path}: no JSON: {error}") from None
    try:
        check(state)
    except FieldError as error:
        raise FieldError(f"{path}: {error}") from None
    return dict(state)


def check(state: Any) -> None:
    """See that a state can be used; FieldError names the key that cannot."""
    state_json.world(state)
    faults.parse(state.get("faults"))

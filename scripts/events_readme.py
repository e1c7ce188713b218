# ruff: noqa: E501 - the page is as wide as the other documents
"""Writes events/README.md from the files of the folder: ``python -m scripts.events_readme``."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from handler.outcome import PRECEDENCE

EVENTS = Path(__file__).parents[1] / "events"

HEAD = """\
# Deliveries

One file for each form in which a delivery may come. `make run EVENT=list` lists them all. Next to each file,
`NAME.expect.json` holds what it is about, its source and the outcome. All of them meet the same cloud, `state.json` and
`targets.json`. `python -m scripts.events_readme` writes this page.

- `evidence`: `documented` is shown by a document, `inferred` is put together from several.
- `via: deliver`: the bytes go to `swap`; with `sign`, as a signed HTTP event of Function Compute 3.0.
- `via: http`: a request to `webhook`. `"@now"` is the time of sending. `sign` is `standard`, `github`, `none`, `wrong`
  (another secret), `stale` (six minutes old) or `tampered` (a byte added after signing).
- `unknown_to_ecs`: instances that ECS no longer knows. `targets`: pairs (old, new), added and removed servers.

| outcome | documented | inferred |
|---|---|---|
"""


def text() -> str:
    """Return the page: how many files there are of each outcome, and how sure they are."""
    files: Counter[tuple[str, str]] = Counter()
    for path in EVENTS.glob("*.expect.json"):
        expect = json.loads(path.read_text(encoding="utf-8"))
        files[expect["outcome"], expect["evidence"]] += 1
    rows = [
        f"| `{outcome}` | {files[outcome, 'documented']} | {files[outcome, 'inferred']} |\n"
        for outcome in PRECEDENCE
        if files[outcome, "documented"] or files[outcome, "inferred"]
    ]
    return HEAD + "".join(rows)


if __name__ == "__main__":
    (EVENTS / "README.md").write_text(text(), encoding="utf-8")

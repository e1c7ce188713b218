# ruff: noqa: E501 - the page is as wide as the other documents
"""Writes events/README.md from the files of the folder: ``python -m scripts.events_readme``."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

from handler.outcome import PRECEDENCE

EVENTS = Path(__file__).parents[1] / "events"

HEAD = """\
# Deliveries

One file for each form of delivery. Beside it, `NAME.expect.json` says what it is about, its source, how it comes and
its outcome. `documented`: a document shows it; `inferred`: put together from documents. They meet the same world,
`state.json` and `targets.json`. This page is written by `python -m scripts.events_readme`.

- `via: deliver`: the bytes go to `swap`; with `sign` as a signed HTTP event of Function Compute 3.0.
- `via: http`: a request to `webhook`. `"@now"` is the time of sending; `sign` is `standard`, `github`, `none`, `wrong`
  (another secret), `stale` (six minutes ago) or `tampered` (a byte added later).
- `unknown_to_ecs`: instances that ECS does not know any more. `targets`: pairs (old, new), added and removed servers.
"""


def text() -> str:
    """Return the page: the files by outcome, in the order of outcomes, and by how sure each is."""
    files: dict[tuple[str, str], list[str]] = {}
    for path in sorted(EVENTS.glob("*.expect.json")):
        expect = json.loads(path.read_text(encoding="utf-8"))
        files.setdefault((expect["outcome"], expect["evidence"]), []).append(_delivery(path).name)
    parts = [HEAD]
    for outcome in PRECEDENCE:
        listed = [(evidence, files.get((outcome, evidence), [])) for evidence in ("documented", "inferred")]
        if any(names for _, names in listed):
            parts.append(f"\n## {outcome}\n")
        parts += [_paragraph(evidence, names) for evidence, names in listed if names]
    return "".join(parts)


def _delivery(expect: Path) -> Path:
    """Return the delivery that an expectation belongs to."""
    stem = expect.name.removesuffix(".expect.json")
    (found,) = (path for path in EVENTS.glob(f"{stem}.*") if path != expect)
    return found


def _paragraph(evidence: str, names: list[str]) -> str:
    said = f"{evidence.capitalize()}: {', '.join(f'`{name}`' for name in names)}."
    return "\n" + textwrap.fill(said, 118, break_on_hyphens=False, break_long_words=False) + "\n"


if __name__ == "__main__":
    (EVENTS / "README.md").write_text(text(), encoding="utf-8")

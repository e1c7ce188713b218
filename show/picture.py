"""A run as one SVG: a lane for each server, the calls, the waves, what was in service, the traffic."""

from __future__ import annotations

import html
import io
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from show.story import Lane, Story
from show.telling import tell

_COLOURS = {"normal": "#2f6fb7", "unproven": "#f0a830", "abnormal": "#c8323c"}
_WORDS = {"normal": "in service", "unproven": "not proven yet", "abnormal": "not healthy"}
_INK, _PALE = "#333333", "#8a8a8a"


def picture(
    lines: Iterable[str | Mapping[str, Any]],
    *,
    target: str | None = None,
    floor: int | None = None,
    title: str | None = None,
) -> str:
    """Draw a run from its JSON log lines, as SVG.

    `target`: which, if the lines tell of several. `floor`: servers that must stay in service, where no line
    says it. `title`: in place of outcome, waves and seconds. ValueError: the lines tell of no run.
    ImportError: matplotlib is not installed.
    """
    story = tell(lines, target)
    story.floor = story.floor if floor is None else floor
    return _drawn(story, title or _title(story))


def _drawn(story: Story, title: str) -> str:
    import matplotlib as mpl  # noqa: PLC0415 - developers alone have it
    from matplotlib.figure import Figure  # noqa: PLC0415

    count = len(story.lanes)
    lane = min(0.2, max(0.028, 9.0 / max(count, 1)))
    heights = [1.0, max(0.6, count * lane), 0.28 * max(1, len({mark.action for mark in story.marks}))]
    heights += [0.9] if story.traffic else []
    style = {
        "svg.fonttype": "none", "svg.hashsalt": "slb-swap", "font.family": "sans-serif", "font.size": 9,
        "axes.edgecolor": _PALE, "axes.labelcolor": _INK, "xtick.color": _INK, "ytick.color": _INK,
        "axes.spines.top": False, "axes.spines.right": False,
    }  # fmt: skip
    with mpl.rc_context(style):
        figure = Figure(figsize=(10, sum(heights) + 1.7), layout="constrained")
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        panels = list(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights))
        for panel in panels:
            for number, (start, end) in enumerate(story.waves):
                panel.axvspan(start, end, color="#000000", alpha=0.07 if number % 2 else 0.03, lw=0)
        _service(panels[0], story)
        _lanes(panels[1], story, lane)
        _calls(panels[2], story)
        if story.traffic:
            _traffic(panels[3], story)
        panels[-1].set_xlabel("seconds")
        panels[-1].set_xlim(*_shown(story))
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return _named(out.getvalue(), title)


def _title(story: Story) -> str:
    reason = f" ({story.reason})" if story.reason else ""
    waves = f"{len(story.waves)} wave{'s' if len(story.waves) != 1 else ''}"
    return f"{story.target}: {story.outcome or 'not ended'}{reason}, {waves}, {story.seconds:.1f} s"


def _shown(story: Story) -> tuple[float, float]:
    """From when to when: the writes and what came of them, with a little of what was before and after."""
    if not story.marks:
        return 0.0, story.end or 1.0
    first = min(mark.at for mark in story.marks)
    changes = [span.start for lane in story.lanes for span in lane.spans]
    last = max([*(mark.at for mark in story.marks), *(end for _, end in story.waves), *changes])
    margin = max(0.3, 0.15 * (last - first))
    return max(0.0, first - margin), max(min(story.end, last + margin), first + 0.1)


def _service(panel: Any, story: Story) -> None:
    series = story.in_service()
    at = [0.0, *(t for t, _ in series), story.end]
    values = [series[0][1] if series else 0, *(n for _, n in series), series[-1][1] if series else 0]
    panel.step(at, values, where="post", color=_COLOURS["normal"], lw=1.8)
    panel.fill_between(at, values, step="post", color=_COLOURS["normal"], alpha=0.15, lw=0)
    panel.set_ylim(0, max([*values, story.floor or 0, 1]) * 1.25)
    panel.set_ylabel("in service", rotation=0, ha="right", va="center")
    if story.floor is not None:
        panel.axhline(story.floor, color=_COLOURS["abnormal"], lw=1.2, ls="--")
        panel.annotate(
            f"floor {story.floor}", (1, story.floor), (-3, -3), xycoords=panel.get_yaxis_transform(),
            textcoords="offset points", ha="right", va="top", color=_COLOURS["abnormal"],
        )  # fmt: skip
    left, right = _shown(story)
    for number, (start, end) in enumerate(story.waves, 1):
        share = (end - start) / (right - left)
        if share > 0.02:
            panel.annotate(
                f"wave {number}" if share > 0.07 else f"{number}",
                ((start + end) / 2, 1), (0, -2), xycoords=panel.get_xaxis_transform(),
                textcoords="offset points", ha="center", va="top", color=_PALE, fontsize=8,
            )  # fmt: skip


def _lanes(panel: Any, story: Story, height: float) -> None:
    from matplotlib.collections import PolyCollection  # noqa: PLC0415
    from matplotlib.patches import Patch  # noqa: PLC0415

    boxes: dict[str, list[list[tuple[float, float]]]] = {state: [] for state in _COLOURS}
    for row, lane in enumerate(story.lanes):
        for span in lane.spans:
            half = 0.42 * span.weight / 100 if span.weight else 0.07
            boxes[span.state].append(
                [
                    (span.start, row - half),
                    (span.end, row - half),
                    (span.end, row + half),
                    (span.start, row + half),
                ]
            )
    for state, shapes in boxes.items():
        panel.add_collection(PolyCollection(shapes, facecolors=_COLOURS[state], linewidths=0))
    panel.set_ylim(len(story.lanes) - 0.4, -0.6)
    step = max(1, round(0.17 / height))
    rows = range(0, len(story.lanes), step)
    panel.set_yticks(list(rows), [_label(story.lanes[row]) for row in rows], fontsize=8, family="monospace")
    panel.tick_params(axis="y", length=0)
    old = sum(lane.first for lane in story.lanes)
    if 0 < old < len(story.lanes):
        panel.axhline(old - 0.5, color=_PALE, lw=0.8)
        for text, where in (
            (f"{old} there before", (old - 1) / 2),
            (f"{len(story.lanes) - old} new", (old + len(story.lanes) - 1) / 2),
        ):
            panel.annotate(
                text, (1.005, where), xycoords=panel.get_yaxis_transform(), rotation=90,
                ha="left", va="center", color=_PALE, fontsize=8, annotation_clip=False,
            )  # fmt: skip
    used = [state for state, shapes in boxes.items() if shapes]
    panel.legend(
        handles=[Patch(color=_COLOURS[state], label=_WORDS[state]) for state in used]
        + [Patch(color="none", label="height: weight; a thin line: weight 0")],
        loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False, fontsize=8, borderaxespad=0.2,
    )  # fmt: skip


def _label(lane: Lane) -> str:
    return lane.name if len(lane.name) <= 24 else f"{lane.name[:11]}..{lane.name[-11:]}"


def _calls(panel: Any, story: Story) -> None:
    actions = list(dict.fromkeys(mark.action for mark in story.marks))
    for good, marker, colour in ((True, "|", _INK), (False, "x", _COLOURS["abnormal"])):
        marks = [mark for mark in story.marks if (mark.result == "applied") == good]
        rows = [actions.index(mark.action) for mark in marks]
        if marks:
            panel.scatter([m.at for m in marks], rows, marker=marker, s=60, color=colour, linewidths=1.5)
    failed = [mark for mark in story.marks if mark.result != "applied"]
    for mark in failed[:6]:
        panel.annotate(
            mark.result, (mark.at, actions.index(mark.action)), (5, 0), textcoords="offset points",
            va="center", fontsize=7, color=_COLOURS["abnormal"],
        )  # fmt: skip
    panel.set_yticks(range(len(actions)), actions)
    panel.set_ylim(len(actions) - 0.5, -0.5)
    panel.tick_params(axis="y", length=0)


def _traffic(panel: Any, story: Story) -> None:
    at = [second.at for second in story.traffic]
    width = min((b - a for a, b in pairwise(at)), default=1.0)
    panel.bar(at, [s.requests for s in story.traffic], width, align="edge", color="#c9d6e5", lw=0)
    panel.bar(at, [s.failed for s in story.traffic], width, align="edge", color=_COLOURS["abnormal"], lw=0)
    total, failed = sum(s.requests for s in story.traffic), sum(s.failed for s in story.traffic)
    panel.set_ylabel("requests", rotation=0, ha="right", va="center")
    panel.annotate(
        f"{total:,} requests, {failed:,} failed", (1, 1), (-3, -3), xycoords="axes fraction",
        textcoords="offset points", ha="right", va="top",
        color=_COLOURS["abnormal"] if failed else _INK, fontweight="bold",
    )  # fmt: skip
    panel.set_ylim(0, max([s.requests for s in story.traffic], default=1) * 1.35)


def _named(svg: str, title: str) -> str:
    """The SVG with a name that a screen reader says."""
    head, mark, rest = svg.partition("<svg ")
    attributes, close, body = rest.partition(">")
    return f'{head}{mark}role="img" {attributes}{close}\n <title>{html.escape(title)}</title>{body}'

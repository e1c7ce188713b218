"""The table as a picture: how far each measure is from its target, on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench.rows import Row

_LINE, _LEFT, _WIDTH = 26, 430, 420


def svg(rows: Sequence[Row], where: str) -> str:
    """Return a bar for each row that has a target: its share of it; what is beyond the line is not met."""
    judged = [row for row in rows if row.target]
    height = _LINE * (len(judged) + 2)
    shares = [(row.ours if row.ratio is None else row.ratio) / (row.target or 1.0) for row in judged]
    scale = _WIDTH / max([1.5, *shares])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 90} {height}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="8" y="18" fill="#555">{escape(where)}</text>',
    ]
    for number, (row, share) in enumerate(zip(judged, shares, strict=True), 1):
        y = _LINE * number + 6
        colour = "#2a7d4f" if row.met else "#b5482f"
        value = row.ours if row.ratio is None else row.ratio
        beside = f", beside {row.beside}" if row.ratio is not None else ""
        parts += [
            f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">'
            f"<title>{escape(row.measure + beside)}</title>{escape(row.measure)}</text>",
            f'<rect x="{_LEFT}" y="{y}" width="{share * scale:.1f}" height="18" rx="2" fill="{colour}"/>',
            f'<text x="{_LEFT + share * scale + 6:.1f}" y="{y + 13}">{value:.2f} of {row.target:g}</text>',
        ]
    line = _LEFT + scale
    parts.append(
        f'<line x1="{line:.1f}" y1="{_LINE}" x2="{line:.1f}" y2="{height - 12}" stroke="#333" '
        'stroke-dasharray="3 3"/></svg>'
    )
    return "\n".join(parts) + "\n"

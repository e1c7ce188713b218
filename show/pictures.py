"""`make pictures`: those of docs/pictures, made anew: a swap under traffic, `make run`, and the page."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from show.page.desk import Desk
from show.page.server import PageServer
from show.picture import picture
from show.traffic.measuring import Bounds, measure
from show.traffic.orders import Order, by_deployment, remove_then_add

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
EVENT = "events/eventbridge-ess-scale-in-success.json"
TRAFFIC = Bounds(servers=12, times=1, rate=1000, requests=0, before_s=1)

#: What the terminal looks like; rich's own names a font of somebody else's server.
_TERMINAL = """\
<svg class="rich-terminal" role="img" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<title>make run: a local cloud, one event, and what came of it</title>
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, Menlo, Consolas, monospace; }}
{styles}
@keyframes come {{ from {{ opacity: 0 }} }}
{come}
@media (prefers-reduced-motion: reduce) {{ * {{ animation: none !important }} }}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def main() -> int:
    """Make them all, or those that are named."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, make in {"traffic": traffic, "run": recording, "page": page}.items():
        if not sys.argv[1:] or name in sys.argv[1:]:
            make()
    for file in sorted(PICTURES.iterdir()):
        print(f"{file.relative_to(ROOT)}  {file.stat().st_size // 1024} kB")
    return 0


def traffic() -> None:
    """The same replacement twice: by the function, and by removing and then adding."""
    ours = measure(Order("slb-swap swap", (by_deployment,), "swap", ours=True), TRAFFIC)
    others = measure(Order("remove, then add", (remove_then_add,)), TRAFFIC)
    title = "slb-swap: 12 servers replaced under traffic"
    (PICTURES / "swap.svg").write_text(picture(ours.lines, floor=9, title=title), encoding="utf-8")
    title = "The same by remove, then add (Terraform's order)"
    (PICTURES / "remove-then-add.svg").write_text(picture(others.lines, title=title), encoding="utf-8")


def recording() -> None:
    """`make run`, each line at the time at which it came."""
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "110"}
    command = [sys.executable, "-u", "-m", "show.run", EVENT]
    began, lines = time.monotonic(), list[tuple[float, str]]()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
        for line in process.stdout or ():
            lines.append((time.monotonic() - began, line.rstrip("\n")))
    console = Console(
        record=True, width=110, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    shown = [(0.0, f"$ make run EVENT={EVENT}"), *lines]
    for _, line in shown:
        console.print(Text.from_ansi(line), overflow="ellipsis", no_wrap=True, crop=True)
    # Lines of one burst come a little after one another, so that the eye can follow.
    delays, last = [], 0.0
    for at, _ in shown:
        last = max(at, last + 0.06)
        delays.append(last)
    come = "\n".join(f".l{n} {{ animation: come 1ms {at:.2f}s both }}" for n, at in enumerate(delays))
    svg = console.export_svg(
        title="make run",
        code_format=_TERMINAL.replace("{come}", come.replace("{", "{{").replace("}", "}}")),
        unique_id="run",
    )
    svg = re.sub(r'<text class="(run-\S+)" ([^>]*line-(\d+)\))', r'<text class="\1 l\3" \2', svg)
    (PICTURES / "run.svg").write_text(svg, encoding="utf-8")


def page() -> None:
    """The page in the middle of a swap, with a run of before opened."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where it is asked for

    desk = Desk()
    server = PageServer(desk)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
        )
        shown = browser.new_page(viewport={"width": 1200, "height": 1180}, color_scheme="light")
        shown.goto(server.url)
        shown.wait_for_selector(".group .tile")
        shown.select_option("#delivery", "webhook-pairs.json")
        shown.click("#deliver")
        shown.wait_for_selector('.outcome[data-outcome="applied"]')
        shown.click(".run > summary")
        shown.click("text=Replace three")
        shown.wait_for_selector('.group .tile[data-health="unavailable"]')
        shown.wait_for_selector('.outcome[data-outcome="running"]')
        shown.screenshot(path=str(PICTURES / "page.png"))
        browser.close()
    server.close()
    desk.close()


if __name__ == "__main__":
    sys.exit(main())

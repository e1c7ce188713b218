"""The page in Chromium: by keyboard, on a narrow screen, in light and dark, with nothing from elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from show.page.desk import Desk
from show.page.server import PageServer

HOW = "`make test-page` installs it"
pytest.importorskip("playwright", reason=HOW)
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=HOW)
CHROMIUM = shutil.which("chromium")
if CHROMIUM is None or "WITH_BROWSER" not in os.environ:
    pytest.skip("`make test-page` runs these", allow_module_level=True)

from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402 - where it is there

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
LONG = 30_000
expect.set_options(timeout=LONG)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


def served(servers: int | None = None) -> PageServer:
    server = PageServer(Desk(servers))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    running = served()
    yield running
    running.close()
    running.desk.close()


@pytest.fixture(params=["light-wide", "dark-narrow"])
def page(request: pytest.FixtureRequest, browser: Browser, server: PageServer) -> Iterator[Page]:
    """The page as it begins; afterwards: no error was logged, and nothing was asked of anybody else."""
    scheme, _, width = request.param.partition("-")
    size = {"width": 1280, "height": 900} if width == "wide" else {"width": 360, "height": 740}
    server.desk.reset()
    server.desk.put("faults", [])
    context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    opened = context.new_page()
    wrong: list[str] = []
    hosts: set[str | None] = set()
    opened.on(
        "console",
        lambda message: wrong.append(message.text) if message.type in {"error", "warning"} else None,
    )
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on(
        "request",
        lambda sent: hosts.add(urlsplit(sent.url).hostname) if not sent.url.startswith("data:") else None,
    )
    opened.goto(server.url)
    expect(opened.locator(".group .tile")).to_have_count(3)
    yield opened
    context.close()
    assert [] == wrong
    assert {"127.0.0.1"} == hosts


def press(page: Page, name: str) -> None:
    """Reach a button by the keyboard, and press it."""
    button = page.get_by_role("button", name=name, exact=True)
    for _ in range(200):
        page.keyboard.press("Tab")
        if button.evaluate("element => element === document.activeElement"):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"{name!r} is not reached by the Tab key")


def reach(page: Page, selector: str) -> None:
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.locator(selector).first.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{selector!r} is not reached by the Tab key")


def serious(page: Page) -> list[str]:
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in {"serious", "critical"}
    ]


def deliver(page: Page, name: str) -> None:
    reach(page, "#filter")
    page.keyboard.insert_text(name.removesuffix(".json"))
    expect(page.locator("#delivery option")).not_to_have_count(0)
    reach(page, "#delivery")
    page.locator("#delivery").select_option(name)
    press(page, "Deliver")


def tiles(page: Page) -> list[str]:
    return page.locator(".group .tile .id").all_text_contents()


def expect_tiles(page: Page, *names: str) -> None:
    """Wait for a group of these, in any order."""
    expect(page.locator(".group .tile")).to_have_count(len(names))
    for name in names:
        expect(page.locator(".group .tile .id").get_by_text(name, exact=True)).to_have_count(1)


def test_a_delivery_is_watched_from_its_first_write_to_its_story(page: Page):
    deliver(page, "webhook-pairs.json")
    waiting = page.locator('.group .tile[data-health="unavailable"]')
    expect(waiting).to_have_count(1)
    run = page.locator(".run").first
    expect(run.locator(".outcome")).to_have_text("applied")
    expect(waiting).to_have_count(0)
    expect(page.locator(".group .tile .id")).to_have_text(["i-old2", "i-old3", "i-new1"])
    reach(page, ".run > summary")
    page.keyboard.press("Enter")
    expect(run.locator("td").first).to_have_text("i-old1")
    expect(run.locator(".story li").first).to_contain_text("wave 1")
    expect(run.locator(".story .wait").first).to_contain_text("new servers to become normal")
    assert [] == serious(page)


def test_the_plan_comes_before_and_writes_nothing(page: Page):
    reach(page, "#filter")
    page.keyboard.insert_text("webhook-pairs")
    page.locator("#delivery").select_option("webhook-pairs.json")
    before = tiles(page)
    page.locator("#deliver-plan").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#plan-body td").first).to_have_text("i-old1")
    expect(page.locator("#plan-title")).to_be_focused()
    assert before == tiles(page)


def test_a_refusal_says_why(page: Page):
    reach(page, ".group .tile")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("#pairs li")).to_have_text("i-old2 goes, nothing comes")
    press(page, "Apply")
    run = page.locator(".run").first
    expect(run.locator(".outcome")).to_have_text("refused")
    reach(page, ".run > summary")
    page.keyboard.press("Enter")
    expect(run.locator(".refused").first).to_contain_text(
        re.compile(r"refused: (still_in_service|min_backends|max_unavailable)")
    )
    assert [] == serious(page)


def test_a_fault_is_switched_on_its_retries_are_seen_and_it_is_switched_off(page: Page):
    press(page, "Switch on")
    expect(page.locator("#faults li")).to_contain_text("BackendServer.configuring")
    deliver(page, "webhook-pairs.json")
    run = page.locator(".run").first
    expect(run.locator(".outcome")).to_have_text("applied")
    reach(page, ".run > summary")
    page.keyboard.press("Enter")
    expect(run.locator(".story .trouble")).to_have_count(2)
    expect(run.locator(".story .trouble").first).to_contain_text("busy")
    expect(page.locator("#calls tr.trouble")).to_have_count(2)
    press(page, "Switch off: BackendServer.configuring at ModifyVServerGroupBackendServers")
    expect(page.locator("#faults li")).to_have_count(0)


def test_a_request_is_built_by_choosing_old_and_new_and_is_undone(page: Page):
    before = tiles(page)
    reach(page, ".group .tile")
    page.keyboard.press("Space")
    reach(page, ".beside .tile")
    page.keyboard.press("Space")
    expect(page.locator("#pairs li")).to_have_text("i-old1 goes, i-new1 comes in its place")
    press(page, "Plan the request")
    expect(page.locator("#plan-body td").nth(1)).to_have_text("i-new1")
    page.locator("#strategy").focus()
    press(page, "Apply")
    expect(page.locator(".run .outcome").first).to_have_text("applied")
    reach(page, ".run > summary")
    page.keyboard.press("Enter")
    press(page, "Undo")
    expect(page.locator('.run .outcome[data-outcome="applied"]')).to_have_count(2)
    expect_tiles(page, *before)


def test_the_scaling_group_replaces_three_and_a_sick_one_is_shown(page: Page):
    press(page, "Replace three")
    expect(page.locator("#activities")).to_contain_text("replace goes on")
    expect(page.locator("#activities")).to_be_empty(timeout=60_000)
    expect(page.locator(".group .tile .id", has_text=re.compile("^i-0")).nth(1)).to_be_visible()
    page.locator("#instance").select_option(tiles(page)[0])
    press(page, "Turn sick")
    expect(page.locator('.group .tile[data-health="abnormal"]')).to_have_count(1)


def test_an_instance_that_is_reclaimed_is_marked(page: Page):
    page.locator("#instance").select_option("i-old2")
    press(page, "Reclaim")
    expect(page.locator(".tile .note", has_text="about to be reclaimed").first).to_be_visible()


def test_a_reading_is_switched_and_stays_switched(page: Page):
    page.locator("#readings-box > summary").focus()
    page.keyboard.press("Enter")
    page.locator("#reading-modify_over_quota").select_option("counts_result")
    page.reload()
    page.locator("#readings-box > summary").click()
    expect(page.locator("#reading-modify_over_quota")).to_have_value("counts_result")
    assert [] == serious(page)


def test_nothing_is_wider_than_the_screen(page: Page):
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_focus_stays_where_it_is_while_the_group_changes(page: Page, server: PageServer):
    reach(page, ".group .tile")
    server.desk.happen("health", {"instance_id": "i-old3", "health": "abnormal"})
    expect(page.locator('.group .tile[data-health="abnormal"]')).to_have_count(1)
    assert page.locator(".group .tile").first.evaluate("element => element === document.activeElement")


def test_the_page_says_when_its_server_is_gone(browser: Browser):
    server = served()
    page = browser.new_page()
    page.goto(server.url)
    expect(page.locator("#connection")).to_have_text("live")
    server.close()
    server.desk.close()
    expect(page.locator("#connection")).to_contain_text("gone")
    page.close()


def test_200_servers_stay_readable(browser: Browser):
    server = served(200)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(server.url)
    expect(page.locator(".group .tile")).to_have_count(200)
    pairs = [[f"i-{n:03d}", f"i-new{n:03d}"] for n in range(1, 201)]
    threading.Thread(
        target=server.desk.request,
        args=({"target": "web", "pairs": pairs},),
        kwargs={"plan": False},
        daemon=True,
    ).start()
    expect(page.locator(".run .outcome").first).to_have_text("applied", timeout=60_000)
    assert page.locator(".group .tiles").evaluate("element => element.clientHeight") < 700
    page.locator(".run > summary").click()
    expect(page.locator(".run .story li").first).to_contain_text("and 18 more")
    assert page.locator(".run").evaluate("element => element.scrollHeight") < 3000
    page.close()
    server.close()
    server.desk.close()

"""The documents say what the code does: reasons, log keys, settings, modules, commands; links lead on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from handler import outcome, targets
from handler.core.model.answers import Result
from handler.core.model.marks import Marks
from handler.core.model.policy import Policy, Target
from handler.core.model.steps import Outcome, Why
from handler.core.model.values import Intent
from handler.running.delivering import Done
from handler.triggers import deployment, instances

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "handler").rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
DOCS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "events" / "README.md",
]

OPERATING = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
LOG = (ROOT / "docs/log.md").read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
WEBHOOK = (ROOT / "docs/webhook.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")

CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next of its kind or above."""
    depth = len(heading) - len(heading.lstrip("#"))
    _, found, rest = f"\n{text}".partition(f"\n{heading}\n")
    assert found, f"no heading {heading!r}"
    return re.split(rf"\n#{{1,{depth}}} ", rest)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of all table rows, without the lines under the headings."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|---")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row in cells if row]


def named(cell: str) -> list[str]:
    """The names in a cell that holds nothing but names in backticks."""
    parts = cell.split(", ")
    return [part[1:-1] for part in parts] if all(re.fullmatch(r"`[^`]+`", part) for part in parts) else []


def first_column(text: str) -> list[str]:
    return [name for row in rows(text) for name in named(row[0])]


# ---- reasons


def texts(node: ast.AST | None) -> list[str]:
    """The strings that an expression may be, as far as they stand in it."""
    match node:
        case ast.Constant(value=str(value)):
            return [value]
        case ast.IfExp(body=body, orelse=orelse):
            return texts(body) + texts(orelse)
        case ast.BoolOp(values=values):
            return [one for value in values for one in texts(value)]
        case ast.JoinedStr(values=[ast.Constant(value=str(value)), *_]):
            return [value.partition(":")[0]]
        case ast.BinOp(left=left, op=ast.Add()):
            return texts(left)
    return []


#: Which argument of these is a reason.
PLACES = {"Refusal": 1, "Ignored": 0, "Wait": 1, "Finish": 1, "NoPlaceError": 0, "raised": 1, "cut_short": 4}
#: Functions that give reasons.
GIVERS = {"_absent", "_notes", "_why_raised", "why_not_launched"}
#: Dictionaries whose values are reasons.
TABLES = {"_LEFT_ALONE", "_RECORDS"}


def reasons_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args):
                if name in PLACES and len(args) > PLACES[name]:
                    yield from texts(args[PLACES[name]])
            case ast.keyword(arg="reason", value=value):
                yield from texts(value)
            case ast.Assign(targets=[ast.Name(id="reason")], value=value):
                yield from texts(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(values=values)) if name in TABLES:
                yield from (one for value in values for one in texts(value))
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if texts(key) == ["reason"]:
                        yield from texts(value)
            case ast.Subscript(value=ast.Attribute(attr="notes"), slice=ast.Constant(value=str(note))):
                yield note
            case ast.FunctionDef(name=name) if name in GIVERS:
                for given in ast.walk(node):
                    if isinstance(given, ast.Yield | ast.Return):
                        yield from texts(given.value)
                    elif isinstance(given, ast.GeneratorExp):
                        yield from texts(given.elt)


def reasons() -> set[str]:
    found = {one for tree in TREES.values() for one in reasons_in(tree) if CODE.fullmatch(one)}
    found |= {f"ecs_state_{state}" for state in instances._STILL_THERE}
    troubles = {Result.BUSY, Result.THROTTLED, Result.UNKNOWN, Result.BAD_BACKEND}
    return found | {trouble.value for trouble in troubles}


def documented_reasons() -> set[str]:
    told = (name.partition(":")[0] for name in first_column(section(OPERATING, "## Reasons")))
    return {name for name in told if CODE.fullmatch(name)}


def test_the_reasons_are_found_in_the_code():
    assert {
        "still_in_service",
        "after_rollback",
        "no_ports",
        "not_our_region",
        "audit_record",
        "weight_0_not_handed_on",
        "drain_ineffective",
        "hook_not_completed",
        "swap_failed",
        "listing_lags",
    } <= reasons()


def test_every_reason_is_told_to_operators_and_no_other():
    assert documented_reasons() == reasons()


def test_every_outcome_is_told_to_operators():
    assert set(first_column(section(OPERATING, "## Outcomes"))) == set(get_args(Outcome))


def test_the_order_of_outcomes_is_told():
    listed = ", ".join(f"`{one}`" for one in outcome.PRECEDENCE)
    assert listed in " ".join((ROOT / "docs/rules.md").read_text(encoding="utf-8").split())


def test_every_word_of_force_is_told():
    told = section(WEBHOOK, "## The request")
    assert [word for word in deployment.FORCE_WORDS if f"`{word}`" not in told] == []


def test_every_http_status_is_told_with_its_outcome():
    told = {(int(row[0]), one) for row in rows(section(WEBHOOK, "## Answers"))[1:] for one in named(row[1])}
    assert {(status, one) for one, status in outcome.STATUS.items()} <= told
    assert {status for status, one in told if one == "rejected"} == set(statuses_of_rejections())


def statuses_of_rejections() -> Iterator[int]:
    yield 400
    for tree in TREES.values():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "Unreadable"
                and len(node.args) > 1
            ):
                status = node.args[1]
                yield status.value if isinstance(status, ast.Constant) else 401


# ---- the log

TELLERS = {"tell", "_tell", "event", "log", "_log"}


def events_in(tree: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """Each event with the keys that are given to it."""
    for scope in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        assigned = {
            node.targets[0].id: texts(node.value)
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(scope):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called not in TELLERS:
                continue
            given = [
                name for arg in node.args for name in texts(arg) or assigned.get(getattr(arg, "id", ""), [])
            ]
            keys = {keyword.arg for keyword in node.keywords if keyword.arg}
            for name in given:
                if re.fullmatch(r"(swap|hook|webhook)\.[a-z_]+", name):
                    yield name, keys


def written(keys: set[str]) -> set[str]:
    """The keys of a line, of the arguments to what tells it (``main._tell`` puts some into words)."""
    told = {
        "answer": {"result", "action", "code", "message", "api_request_id"},
        "exc_info": {"exception"},
        "level": set(),
    }
    return {key for one in keys for key in told.get(one, {one})}


def events() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for tree in TREES.values():
        for name, keys in events_in(tree):
            found.setdefault(name, set()).update(written(keys))
    return found


def documented_events() -> dict[str, set[str]]:
    told: dict[str, set[str]] = {
        "swap.detail": set(first_column(section(LOG, "### swap.detail"))),
        "swap.completed": set(),
        "swap.unfinished": set(),
    }
    names: list[str] = []
    for row in rows(section(LOG, "### The others"))[1:]:
        names = named(row[0]) or names
        for name in names:
            told.setdefault(name, set()).update(named(row[1]))
    return told


def test_every_event_is_told_with_its_keys():
    assert documented_events() == events()


def test_every_event_is_told_with_its_level():
    assert set(first_column(section(LOG, "## Events").split("###")[0])) == set(events())


def test_every_key_of_an_invocation_is_told():
    bound = {
        keyword.arg
        for node in ast.walk(TREES[ROOT / "handler/main.py"])
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "logs.bind"
        for keyword in node.keywords
    }
    assert set(first_column(section(LOG, "## Keys of every line"))) == {"time", "level", "event"} | bound


def test_every_key_of_a_result_is_told():
    target = Target("web", "rsp-web", (), "apply", Policy(marks=Marks("")))
    of_target = outcome.of_done(Done(target, Intent("web", "timer"), None, "KeyError", 0, 0.0))
    of_all = outcome.summed_up([], [], [], "")
    told = first_column(section(LOG, "### swap.completed, swap.unfinished"))
    assert told == [*of_all, *of_target]


def test_every_purpose_of_a_step_is_told():
    told = next(row for row in rows(LOG) if row[1] == "`why`")
    assert [why for why in get_args(Why) if f"`{why}`" not in told[2]] == []


# ---- settings

KEYS = {key for key in targets._TARGET if key != "health"} | {f"health.{key}" for key in targets._HEALTH}


@pytest.mark.parametrize("text", [SETTINGS, README], ids=["settings.md", "README.md"])
def test_every_key_of_a_target_is_told(text: str):
    told = {
        name for row in rows(text) for name in named(row[0]) if name in KEYS or name.startswith("health.")
    }
    assert told == KEYS


@pytest.mark.parametrize("text", [SETTINGS, README], ids=["settings.md", "README.md"])
def test_defaults_are_those_of_the_policy(text: str):
    policy = Policy(marks=Marks(""))
    for row in rows(text):
        names = named(row[0])
        defaults = named(row[-1] if text is SETTINGS else row[1])
        for name, default in zip(names, defaults, strict=False):
            if name in KEYS and hasattr(policy, name.replace(".", "_")):
                value = getattr(policy, name.replace(".", "_"))
                expected = {True: "true", False: "false"}.get(value, str(value)) if value != 1 else "1"
                expected = "0" if name == "drain_s" else "[]" if value == () else expected
                assert default.strip('"') == expected, name


def variables() -> set[str]:
    found = {
        node.args[0].value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("environ.get")
        and isinstance(node.args[0], ast.Constant)
    }
    return {str(name) for name in found if re.fullmatch(r"(SWAP|LOG|FC|ALIBABA_CLOUD)_[A-Z_]+", str(name))}


def test_every_variable_is_told():
    own = {name for name in variables() if not name.startswith("FC_")}
    assert [
        name for name in sorted(own) if f"`{name}`" not in SETTINGS and f"## {name}" not in SETTINGS
    ] == []


def test_no_variable_is_told_that_nothing_reads():
    told = set(re.findall(r"\b(?:SWAP|LOG|ALIBABA_CLOUD)_[A-Z_]+\b", SETTINGS + README))
    assert told - variables() == set()


@pytest.mark.parametrize("name", ["template.yml", "template.fc2.yml"])
def test_a_template_sets_only_variables_that_something_reads(name: str):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert set(re.findall(r"^ +((?:SWAP|LOG)_[A-Z_]+):", text, re.MULTILINE)) <= variables()


def test_the_guide_sets_only_parameters_that_a_template_has():
    guide = (ROOT / "docs/deploying.md").read_text(encoding="utf-8")
    told = re.findall(r"(?:ParameterKey|\bupdate) ([A-Z]\w+)", guide)
    assert {"CodeObject", "WebhookSecrets", "EventsAsyncFlag", "OneWriter"} <= set(told)
    templates = [(ROOT / name).read_text(encoding="utf-8") for name in ("template.yml", "template.fc2.yml")]
    assert [name for name in told if not any(f"\n  {name}:\n    Type: " in text for text in templates)] == []


# ---- architecture


def test_what_the_readme_names_is_there():
    paths = [name for row in rows(section(README, "## Where to look")) for name in named(row[0])]
    files = [one for one in paths if "/" in one or one.endswith((".py", ".yml"))]
    assert len(files) >= 8
    assert [one for one in files if not (ROOT / one).exists()] == []


# ---- commands, links, words


def test_every_command_is_there_and_told():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {
        name for line in re.findall(r"^\.PHONY:(.*)$", makefile, re.MULTILINE) for name in line.split()
    }
    told: set[str] = set()
    for path in DOCS:
        told |= set(
            re.findall(r"(?:`|^ {4})make ([a-z][a-z-]*)", path.read_text(encoding="utf-8"), re.MULTILINE)
        )
    assert told <= targets
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [name for name in sorted(targets) if f"`make {name}`" not in contributing] == []


def slug(heading: str) -> str:
    """The anchor that a heading gets: lower case, without punctuation, hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path):
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        where, _, anchor = link.partition("#")
        target = (path.parent / where) if where else path
        if not target.exists():
            lost.append(link)
        elif anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            lost += [link] if anchor not in {slug(heading) for heading in headings} else []
    assert lost == []


#: Put together here, so that this file does not hold what it looks for.
FOREIGN = re.compile("|".join([r"(?<!\w)/wo" + r"rk\b", r"\bsha" + r"red/", r"\bissu" + r"es show\b"]))


def texts_of_the_project() -> Iterator[Path]:
    for pattern in ("*.md", "*.yml", "*.toml", "*.in", "Makefile"):
        yield from ROOT.glob(pattern)
    for folder in ("handler", "localcloud", "show", "docs", "tests", "bench", "events", "scripts", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in {"", ".py", ".md", ".json", ".yml", ".txt", ".toml", ".sh"}:
                yield path


def test_nothing_mentions_the_place_where_it_was_written():
    found = [
        f"{path.relative_to(ROOT)}: {hit.group()}"
        for path in texts_of_the_project()
        for hit in FOREIGN.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []

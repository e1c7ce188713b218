"""Mutates every delivery of events/ and checks what must hold of any bytes.

``python -m tests.fuzz.fuzz_deliveries --count N --seed S``. Each mutation must end in a Delivery that says
something, within a second, without an exception. No intent may name a server that the bytes do not name,
and a request may only be taken if exactly its bytes were signed. Half of the requests are signed after they
were mutated, so that what is behind the signature is tried too.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import copy
import json
import random
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from handler.triggers.reading import Delivery, read
from tests.support.triggers import NOW, REGION, SECRET, WEB, event_files, github, sign_bytes, target

TARGETS = (
    WEB,
    target("other", "asg-web", "asg-other", mode="plan"),
    target("off", "asg-web", mode="off"),
)
ODD = [
    *(None, True, False, 0, -1, 1.5, 10**30),
    *("", " ", "x", "i-evil", "\ud800", "\u0000", "null", "[]", "{}", "{", "[" * 5000),
    *([], {}, [[]], [None], {"": None}, {"x": {"y": []}}),
    *("asg-web", "asg-other", "cn-beijing", "ess:LifecycleHook:ScaleIn", "Success", "POST", "Async"),
    *("acs:ess:cn-hangzhou:1:scalingGroup/asg-web", "whsec_", "sha256=", "v1,", "eyJ9", "aS1ldmls"),
]
TOKENS = [
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"=", b"\\", b"\\u0000", b"\\ud800"),
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"1e999", b"null", b"NaN", b"9" * 5000, b"[" * 5000),
    *(b'"i-evil"', b'"instanceIds":', b'"content":', b'"requestPayload":'),
]


@dataclass(frozen=True)
class Seed:
    name: str
    data: bytes
    request: bool = False  #: a request over HTTP that was signed


def corpus() -> list[Seed]:
    return [Seed(one.path.name, one.delivery(NOW), one.expect["via"] == "http") for one in event_files()]


def deliver(data: bytes) -> Delivery:
    return read(data, targets=TARGETS, region=REGION, now=NOW, secrets=(SECRET,))


# --- mutations


def mutate(seed: Seed, seeds: list[Seed], rng: random.Random) -> bytes:
    if seed.request and rng.random() < 0.5:
        return _signed_afterwards(seed, seeds, rng)
    return _mutated(seed, seeds, rng)


def _mutated(seed: Seed, seeds: list[Seed], rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        data = bytearray(seed.data)
        for _ in range(rng.randint(1, 4)):
            _mutate_bytes(data, seeds, rng)
        return bytes(data)
    return _mutate_text(seed.data, seeds, rng)


def _signed_afterwards(seed: Seed, seeds: list[Seed], rng: random.Random) -> bytes:
    event = json.loads(seed.data)
    inner = [Seed(seed.name, event["body"].encode())]
    body = _mutated(inner[0], [*inner, *seeds[:9]], rng) if rng.random() < 0.9 else inner[0].data
    sign = github if "X-Hub-Signature-256" in event["headers"] else sign_bytes
    event["headers"].update(sign(body))
    event.update(body=base64.b64encode(body).decode(), isBase64Encoded=True)
    return json.dumps(event).encode()


def _mutate_bytes(data: bytearray, seeds: list[Seed], rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    end = min(len(data), at + rng.choice((1, 1, 2, 4, 16, 64, 256)))
    how = rng.randrange(7)
    if how == 0 and data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif how == 1:
        del data[at:end]
    elif how == 2:
        data[at:at] = rng.choice(TOKENS)
    elif how == 3:
        data[at:at] = data[at:end]
    elif how == 4:
        del data[at:]
    elif how == 5:
        other = rng.choice(seeds).data
        start = rng.randrange(len(other) + 1)
        data[at:end] = other[start : start + 64]
    else:
        data[at:end] = bytes(rng.randrange(256) for _ in range(end - at))


def _opened(text: bytes | str) -> tuple[object, bool] | None:
    """Return the JSON value of a text or of its base64, and whether it was base64; None if it is neither."""
    try:
        return json.loads(text), False
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(base64.b64decode(text, validate=True)), True
    except (ValueError, RecursionError, binascii.Error):
        return None


def _mutate_text(text: bytes | str, seeds: list[Seed], rng: random.Random) -> bytes:
    opened = _opened(text)
    if opened is None:
        return rng.choice(seeds).data
    value = copy.deepcopy(opened[0])
    for _ in range(rng.randint(1, 3)):
        value = _mutate_value(value, seeds, rng)
    data = json.dumps(value).encode()
    return base64.b64encode(data) if opened[1] else data


def _mutate_value(value: object, seeds: list[Seed], rng: random.Random) -> object:
    if isinstance(value, str) and rng.random() < 0.7:
        opened = _opened(value)
        if opened is not None and isinstance(opened[0], (dict, list)):
            return _mutate_text(value, seeds, rng).decode("utf-8", "replace")
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        how = rng.random()
        if how < 0.12:
            del value[key]
        elif how < 0.2:
            value[rng.choice((key.upper(), key + "s", "content", "data", "i-evil"))] = value.pop(key)
        elif how < 0.3:
            other = json_of(rng.choice(seeds).data)
            value.update(other if isinstance(other, dict) else {key: other})
        else:
            value[key] = _mutate_value(value[key], seeds, rng)
        return value
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        if rng.random() < 0.3:
            value.append(value[at])
        else:
            value[at] = _mutate_value(value[at], seeds, rng)
        return value
    return rng.choice(
        (
            lambda: rng.choice(ODD),
            lambda: [value],
            lambda: {"content": value},
            lambda: json.dumps(value),
            lambda: base64.b64encode(json.dumps(value).encode()).decode(),
            lambda: json_of(rng.choice(seeds).data),
        )
    )()


def json_of(data: bytes) -> object:
    opened = _opened(data)
    return None if opened is None else opened[0]


# --- checks, naive on purpose


def texts(data: bytes | str, depth: int = 0) -> Iterator[str]:
    """Yield a text, every text in its JSON, and what they are base64 of."""
    yield data if isinstance(data, str) else data.decode("utf-8", "replace")
    if depth > 12:
        return
    values: list[object] = []
    with suppress(ValueError, RecursionError):
        values.append(json.loads(data.lstrip("\ufeff") if isinstance(data, str) else data))
    with suppress(ValueError):
        yield from texts(
            base64.b64decode("".join(data.split()) if isinstance(data, str) else data), depth + 1
        )
    while values:
        value = values.pop()
        if isinstance(value, dict):
            values += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            values += value
        elif isinstance(value, str):
            yield from texts(value, depth + 1)


def is_signed(event: object) -> bool:
    """Tell whether a value is a request whose signature the test's own signers give too."""
    if not isinstance(event, dict) or not isinstance(event.get("headers"), dict):
        return False
    sent = {key.lower(): value for key, value in event["headers"].items() if isinstance(value, str)}
    try:
        text = str(event.get("body"))
        body = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
        at = int(sent.get("webhook-timestamp", "0"))
    except ValueError:
        return False
    ours = sign_bytes(body, at=at, msg_id=sent.get("webhook-id", ""))["webhook-signature"]
    hub = github(body)["X-Hub-Signature-256"]
    fresh = abs(at - NOW) <= 300 and ours in sent.get("webhook-signature", "").split()
    return fresh or hub == sent.get("x-hub-signature-256")


def holds_signed_request(data: bytes) -> bool:
    for text in texts(data):
        values: list[object] = []
        with suppress(ValueError, RecursionError):
            values.append(json.loads(text))
        while values:
            value = values.pop()
            if is_signed(value):
                return True
            values += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return False


def check(data: bytes, found: Delivery) -> str | None:
    """Return what is wrong with a delivery's reading, or None."""
    if not (found.intents or found.rejected or found.ignored):
        return "it says nothing"
    if SECRET in repr(found) or SECRET.removeprefix("whsec_") in repr(found):
        return "it tells the secret"
    named = {one.server_id for intent in found.intents for one in (*intent.terminated, *intent.launched)}
    if named:
        said = list(texts(data))
        invented = {one for one in named if not any(one in text for text in said)}
        if invented:
            return f"it invents {invented}"
    requested = any(intent.trigger == "deployment" for intent in found.intents)
    if requested and not holds_signed_request(data):
        return "it takes a request that nobody signed"
    if any(intent.target == "off" for intent in found.intents):
        return "it acts for a target that is off"
    return None


def run(count: int, seed: int) -> list[str]:
    """Return what went wrong in a number of mutations; the same seed gives the same ones."""
    seeds = corpus()
    wrong: list[str] = []
    for index in range(count):
        rng = random.Random(f"{seed}-{index}")
        origin = seeds[index % len(seeds)]
        data = mutate(origin, seeds, rng)
        started = time.process_time()
        try:
            problem = check(data, deliver(data))
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        if time.process_time() - started > 1:
            problem = problem or "it takes more than a second"
        if problem:
            wrong.append(f"{origin.name}, mutation {index} of seed {seed}: {problem}: {data[:400]!r}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    wrong = run(options.count, options.seed)
    for line in wrong[:20]:
        sys.stdout.write(line + "\n")
    sys.stdout.write(f"{options.count} deliveries, {len(wrong)} violations\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

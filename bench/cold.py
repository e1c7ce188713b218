"""A cold start to the first swap: what a fresh process takes of the CPU and the memory, over TLS.

CPU time, not wall time: Function Compute gives a function a share of a CPU, by its memory.
"""

from __future__ import annotations

import compileall
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from py_compile import PycInvalidationMode
from statistics import median
from typing import Any

from bench import cloud as clouds
from bench.rows import Row, interleaved, spread

ROOT = Path(__file__).resolve().parent.parent

#: What is installed for it; cryptography is the SDK's, and the function does without it
#: (scripts/package/contents.py).
PACKAGES = (
    "aliyunsdkcore",
    "aliyunsdkess",
    "aliyunsdkslb",
    "certifi",
    "cffi",
    "_cffi_backend",
    "charset_normalizer",
    "cryptography",
    "fc2",
    "idna",
    "jmespath",
    "msgspec",
    "requests",
    "structlog",
    "typing_extensions",
    "urllib3",
    "websocket",
)
#: The peak is that of the process alone: what getrusage says counts the process that started it.
_END = """
import json, time
took = time.process_time() * 1000
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([took, int(peak.split()[1]) / 1024]))
"""

_OURS = """
import json, os, sys
from types import SimpleNamespace as New
import index
index.initialize(None)
keys = New(access_key_id=given["key"], access_key_secret=given["secret"], security_token=None)
context = New(request_id="r-1", region="cn-hangzhou", account_id="1", credentials=keys,
              function=New(name="swap", timeout=600))
out, sys.stdout = sys.stdout, open(os.devnull, "w")
result = index.swap(json.dumps(given["event"]).encode(), context)
sys.stdout = out
assert result["outcome"] == "applied", result
"""

#: It connects anew for each product: the real ones have a host each. The local cloud has one host for all, to
#: which ours connects twice, by a thread each.
_SDK = """
import importlib, json
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http.protocol_type import HTTPS
from aliyunsdkcore.request import CommonRequest
client = AcsClient(given["key"], given["secret"], "cn-hangzhou", verify=given["bundle"])
connected = set()
products = {"2014-05-15": "slb.request.v20140515", "2014-08-28": "ess.request.v20140828"}
for call in given["calls"]:
    if call["version"] in products:
        module = importlib.import_module(f"aliyunsdk{products[call['version']]}.{call['action']}Request")
        request = getattr(module, f"{call['action']}Request")()
    else:
        request = CommonRequest("ecs.aliyuncs.com", call["version"], call["action"])
        request.set_method("POST")
    request.set_endpoint(given["host"])
    request.set_protocol_type(HTTPS)
    for name, value in call["params"].items():
        if name != "RegionId":
            request.add_query_param(name, value)
    if call["version"] not in connected:
        client.session.get_adapter("https://").poolmanager.clear()
        connected.add(call["version"])
    json.loads(client.do_action_with_exception(request))
"""

_TODAY = """
from alibabacloud_slb20140515.client import Client
from alibabacloud_slb20140515 import models
from alibabacloud_tea_openapi.models import Config
from Tea.exceptions import TeaException
from alibabacloud_tea_util.models import RuntimeOptions
config = Config(access_key_id=given["key"], access_key_secret=given["secret"], endpoint=given["host"],
                protocol="HTTPS", region_id="cn-hangzhou")
client = Client(config)
runtime = RuntimeOptions(ignore_ssl=True)
for call in given["calls"]:
    if call["action"] == "DescribeVServerGroupAttribute":
        request = models.DescribeVServerGroupAttributeRequest(
            region_id="cn-hangzhou", vserver_group_id=call["params"]["VServerGroupId"])
        client.describe_vserver_group_attribute_with_options(request, runtime)
    else:
        request = models.ModifyVServerGroupBackendServersRequest(
            region_id="cn-hangzhou", vserver_group_id=call["params"]["VServerGroupId"],
            old_backend_servers=call["params"]["OldBackendServers"],
            new_backend_servers=call["params"]["NewBackendServers"])
        client.modify_vserver_group_backend_servers_with_options(request, runtime)
"""

_STDLIB = """
import base64, hashlib, hmac, http.client, json, ssl, time, uuid
from urllib.parse import quote
tls = ssl.create_default_context(cafile=given["bundle"])
connection = http.client.HTTPSConnection(given["host"], context=tls)
for call in given["calls"]:
    params = {**call["params"], "Action": call["action"], "Version": call["version"], "Format": "JSON",
              "AccessKeyId": given["key"], "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0",
              "SignatureNonce": uuid.uuid4().hex,
              "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    form = "&".join(f"{quote(k, safe='~')}={quote(str(v), safe='~')}" for k, v in sorted(params.items()))
    text = f"POST&%2F&{quote(form, safe='~')}"
    digest = hmac.digest(f"{given['secret']}&".encode(), text.encode(), hashlib.sha1)
    body = f"{form}&Signature={quote(base64.b64encode(digest).decode(), safe='')}"
    connection.request("POST", "/", body, {"Content-Type": "application/x-www-form-urlencoded"})
    reply = connection.getresponse()
    answer = reply.read()
    assert reply.status == 200, answer
"""

_BOTO = 'import boto3\nboto3.client("elbv2", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")\n'

#: Beside what, the code, whether all calls are made or the two of a tutorial, and the target.
CASES: tuple[tuple[str, str, bool, float | None], ...] = (
    ("the same calls by the bare SDK", _SDK, True, 1.15),
    ("a tutorial's two calls by the bare SDK", _SDK, False, None),
    ("a tutorial's two calls by today's SDK", _TODAY, False, 0.45),
    ("a tutorial's two calls by the standard library", _STDLIB, False, None),
    ("boto3's client, without a call", _BOTO, False, None),
)


def measure(short: bool) -> Iterator[Row]:
    """Yield the rows."""
    with tempfile.TemporaryDirectory() as folder, clouds.serving(tls=True) as cloud:
        package = _package(Path(folder, "package"))
        given = _calls(cloud, Path(folder))
        starter = _Starter(cloud, package, given)
        ways: dict[str, Callable[[], tuple[float, float]]] = {
            "ours": partial(starter.start, _OURS, every=True)
        }
        for beside, code, every, _ in CASES:
            if _works(starter, code, every):
                ways[beside] = partial(starter.start, code, every=every)
        found = interleaved(4 if short else 15, ways)
        cpu = {name: [one for one, _ in each] for name, each in found.items()}
        for beside, _, _, target in CASES:
            if beside in cpu:
                yield Row(
                    "cold start to the first swap, CPU, with bytecode",
                    "ms",
                    median(cpu["ours"]),
                    median(cpu[beside]),
                    beside,
                    target,
                    spread(cpu["ours"]),
                )
        memory = {name: median(peak for _, peak in each) for name, each in found.items()}
        yield Row("peak memory", "MB", memory["ours"], memory[CASES[0][0]], CASES[0][0], 0.95)


def _calls(cloud: clouds.Cloud, folder: Path) -> dict[str, Any]:
    """Return what the processes are given, the calls of one delivery among it: as the function makes them."""
    from bench import warm  # noqa: PLC0415 - it imports the handler, which the processes do themselves

    bundle = clouds.authorities(cloud, folder)
    cloud.put(clouds.state(1))
    with warm.trusting(bundle):
        warm.deliver(cloud, 1)
    return {
        "key": cloud.key,
        "secret": cloud.secret,
        "host": cloud.host,
        "bundle": bundle,
        "event": clouds.event(1),
        "calls": cloud.calls(),
    }


class _Starter:
    """Starts processes, each on the same state."""

    def __init__(self, cloud: clouds.Cloud, package: Path, given: Mapping[str, Any]) -> None:
        self._cloud, self._package, self._given = cloud, package, given

    def start(self, code: str, *, every: bool) -> tuple[float, float]:
        """Return the milliseconds of CPU and the MB that a process took."""
        self._cloud.put(clouds.state(1))
        calls = self._given["calls"]
        two = [next(one for one in calls if one["action"].startswith(name)) for name in _TUTORIAL]
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "SWAP_TARGETS": json.dumps(clouds.TARGETS),
            "SWAP_ENDPOINT": self._cloud.endpoint,
            "ALIBABA_CLOUD_CA_BUNDLE": self._given["bundle"],
            "GIVEN": json.dumps({**self._given, "calls": calls if every else two}),
        }
        # What does not ship is where pip has put it, compiled as well.
        elsewhere = {_TODAY: sysconfig.get_path("purelib"), _BOTO: str(ROOT / "build" / "bench")}
        path = elsewhere.get(code, str(self._package))
        begin = f"import json, os, sys\nsys.path.insert(0, {path!r})\n"
        begin += 'given = json.loads(os.environ["GIVEN"])\n'
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-I", "-S", "-B", "-c", begin + code + _END],
            env=environment,
            check=True,
            capture_output=True,
        )
        cpu, peak = json.loads(done.stdout.splitlines()[-1])
        return cpu, peak


_TUTORIAL = ("DescribeVServerGroupAttribute", "ModifyVServerGroupBackendServers")


def _works(starter: _Starter, code: str, every: bool) -> bool:
    """Tell whether a way can be measured here: what it needs may not be installed."""
    try:
        starter.start(code, every=every)
    except subprocess.CalledProcessError as failed:
        if b"ModuleNotFoundError" in failed.stderr:
            return False
        raise
    return True


def _package(target: Path) -> Path:
    target.mkdir()
    sources = [ROOT / "handler", ROOT / "index.py"]
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            sources.append(origin.parent if origin.name == "__init__.py" else origin)
        elif spec is not None and spec.submodule_search_locations:
            sources.append(Path(next(iter(spec.submodule_search_locations))))
    for source in sources:
        if source.is_dir():
            shutil.copytree(
                source, target / source.name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
            )
        else:
            shutil.copy(source, target)
    compileall.compile_dir(target, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH, workers=2)
    return target

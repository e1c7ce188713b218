"""Parts of `make package` that need no network; `make try-package` builds and runs the whole."""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import sys
import zipfile
from pathlib import Path

import pytest

from scripts.package import __main__ as package
from scripts.package import bom, contents, installing, zipping
from scripts.package.__main__ import main
from scripts.package.bom import Build
from scripts.package.installing import Installed, _for

ROOT = Path(__file__).parents[2]


def files(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")


def test_the_checksum_is_that_of_oss() -> None:
    # The check value of CRC-64/XZ, which OSS's documents call CRC-64 of ECMA-182.
    assert zipping.crc64(b"123456789") == 0x995DC9BBDF1939FA


def test_the_same_files_give_the_same_bytes_whatever_their_age_and_rights(tmp_path: Path) -> None:
    zips = []
    for number, order in enumerate([("b.py", "a/c.py"), ("a/c.py", "b.py")]):
        folder = tmp_path / str(number)
        files(folder, *order)
        os.utime(folder / "b.py", (number * 1e6, number * 1e6))
        (folder / "b.py").chmod(0o600 if number else 0o664)
        zipping.write(folder, folder.with_suffix(".zip"))
        zips.append(folder.with_suffix(".zip").read_bytes())
    assert zips[0] == zips[1]
    with zipfile.ZipFile(tmp_path / "0.zip") as zipped:
        assert zipped.namelist() == ["a/c.py", "b.py"]


@pytest.fixture
def code(tmp_path: Path) -> Path:
    files(
        tmp_path,
        "handler/cloud/slb.py",
        "aliyunsdkcore/auth/algorithm/sha_hmac256.py",
        "aliyunsdkslb/request/v20140515/__init__.py",
        "aliyunsdkslb/request/v20140515/DescribeRulesRequest.py",
        "aliyunsdkslb/request/v20140515/DeleteLoadBalancerRequest.py",
        "aliyunsdkess/request/v20140828/DescribeScalingGroupsRequest.py",
        "websocket/tests/test_url.py",
        "websocket/__init__.py",
        "cryptography/__init__.py",
        "cryptography-50.0.2.dist-info/METADATA",
        "_cffi_backend.cpython-310-x86_64-linux-gnu.so",
        "structlog-26.1.0.dist-info/METADATA",
        "structlog-26.1.0.dist-info/RECORD",
        "structlog-26.1.0.dist-info/licenses/LICENSE",
        "bin/jp.py",
    )
    (tmp_path / "handler/cloud/slb.py").write_text(
        "import DescribeRulesRequest\nACTION = 'DescribeScalingGroups'\n"
    )
    return tmp_path


def test_what_nothing_imports_is_left_out(code: Path) -> None:
    contents.leave_out(code)
    left = sorted(path.relative_to(code).as_posix() for path in code.rglob("*") if path.is_file())
    assert left == [
        "aliyunsdkcore/auth/algorithm/sha_hmac256.py",
        "aliyunsdkess/request/v20140828/DescribeScalingGroupsRequest.py",
        "aliyunsdkslb/request/v20140515/DescribeRulesRequest.py",
        "aliyunsdkslb/request/v20140515/__init__.py",
        "handler/cloud/slb.py",
        "structlog-26.1.0.dist-info/METADATA",
        "structlog-26.1.0.dist-info/licenses/LICENSE",
        "websocket/__init__.py",
    ]


def test_what_is_left_out_may_be_looked_at(code: Path) -> None:
    contents.leave_out(code)
    path = code / "aliyunsdkcore/auth/algorithm/sha_hmac256.py"
    spec = importlib.util.spec_from_file_location("stub_of_sha_hmac256", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    names = {name for name, _ in inspect.getmembers(module, inspect.isfunction)}
    assert names == {"get_sign_string", "get_signer_name", "get_signer_version", "get_signer_type"}
    with pytest.raises(NotImplementedError):
        module.get_sign_string("text", "key")


def test_another_layout_of_the_sdk_is_noticed(code: Path) -> None:
    (code / "aliyunsdkcore/auth/algorithm/sha_hmac256.py").unlink()
    with pytest.raises(FileNotFoundError, match="another layout"):
        contents.leave_out(code)


def test_the_bill_of_materials_names_what_is_in(code: Path) -> None:
    installed = [
        Installed("structlog", "26.1.0", "MIT", "ab"),
        Installed("cryptography", "50.0.2", "BSD", "cd"),
    ]
    contents.leave_out(code)
    bom.write(code, Build("0.1.0", "c0ffee", "python3.10", compiled=True), installed)
    told = json.loads((code / bom.FILE).read_text())
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.5")
    assert told["metadata"]["component"]["version"] == "0.1.0"
    assert {one["name"]: one["value"] for one in told["metadata"]["component"]["properties"]} == {
        "slb-swap:commit": "c0ffee",
        "slb-swap:runtime": "python3.10",
        "slb-swap:compiled": "true",
    }
    assert [one["name"] for one in told["components"]] == ["structlog", "handler/cloud/slb.py"]
    assert told["components"][0]["hashes"] == [{"alg": "SHA-256", "content": "ab"}]
    again = (code / bom.FILE).read_bytes()
    (code / bom.FILE).unlink()
    bom.write(code, Build("0.1.0", "c0ffee", "python3.10", compiled=True), installed)
    assert (code / bom.FILE).read_bytes() == again


def test_each_build_has_a_name_of_its_own() -> None:
    named = [
        Build("0.1.0", commit, runtime, compiled=True).name(digest)
        for commit in ("c0ffee", "c0ffee-changed", "decaf")
        for runtime in ("python3.10", "python3.12")
        for digest in ("0123456789abcdef", "1123456789abcdef")
    ]
    assert len(set(named)) == 12
    assert named[0] == "slb-swap-0.1.0-c0ffee-python3.10-01234567.zip"


def test_another_file_of_targets_is_another_package_by_its_name(
    code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(requirements: Path, version: str, target: Path, work: Path) -> list[Installed]:
        files(target, "aliyunsdkcore/auth/algorithm/sha_hmac256.py")
        return []

    monkeypatch.setattr(installing, "install", install)
    monkeypatch.setattr(package, "interpreter", lambda version: None)
    names = []
    for mode in ("plan", "apply", "plan"):
        targets = tmp_path / "targets.json"
        targets.write_text(json.dumps([{"vserver_group_id": "rsp-web", "mode": mode}]))
        names.append(package.build("python3.10", tmp_path / "into", targets).name)
    assert names[0] == names[2] != names[1]


REQUIREMENTS = """\
one==1 \\
    --hash=sha256:aa
    # via two
two==2 ; python_full_version < '3.11' \\
    --hash=sha256:bb
"""


@pytest.mark.parametrize(("version", "names"), [("3.10", ["one", "two"]), ("3.12", ["one"])])
def test_markers_are_asked_for_the_runtime_and_not_for_this_python(version: str, names: list[str]) -> None:
    kept = list(_for(REQUIREMENTS, version))
    assert [block.partition("==")[0] for block in kept] == names
    assert not any(";" in block for block in kept)


def test_without_the_runtime_s_python_nothing_is_compiled_and_the_remedy_is_said(
    code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def install(requirements: Path, version: str, target: Path, work: Path) -> list[Installed]:
        files(target, "aliyunsdkcore/auth/algorithm/sha_hmac256.py")
        return []

    monkeypatch.setattr(installing, "install", install)
    monkeypatch.setattr(package, "interpreter", lambda version: None)
    target = package.build("python3.12", tmp_path / "into")
    with zipfile.ZipFile(target) as zipped:
        assert not [name for name in zipped.namelist() if name.endswith(".pyc")]
        told = json.loads(zipped.read(bom.FILE))
    assert {"name": "slb-swap:compiled", "value": "false"} in told["metadata"]["component"]["properties"]
    said = capsys.readouterr().err
    assert "nothing is compiled" in said
    assert "put python3.12 on PATH and build again" in said


def test_a_file_of_targets_that_is_wrong_is_refused_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "targets.json"
    path.write_text('[{"vserver_group_id": "lb-1"}]')
    monkeypatch.setattr(
        sys, "argv", ["package", "python3.10", "--targets", str(path), "--into", str(tmp_path / "b")]
    )
    assert main() == 2
    assert "targets[0].vserver_group_id" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


def test_the_targets_of_before_are_packed_beside_those_of_now_under_a_name_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now, before = tmp_path / "targets.json", tmp_path / "before.json"
    for path in (now, before):
        path.write_text('[{"vserver_group_id": "rsp-web"}]')
    contents.add(ROOT, tmp_path / "code", now, before)
    assert {"targets.json", "before.json"} <= {one.name for one in (tmp_path / "code").iterdir()}
    given = [
        "package",
        "python3.10",
        "--targets",
        str(now),
        "--before",
        str(now),
        "--into",
        str(tmp_path / "b"),
    ]
    monkeypatch.setattr(sys, "argv", given)
    assert main() == 2
    assert "expected another name than that of --targets" in capsys.readouterr().err
    before.write_text("[]")
    given[5] = str(before)
    assert main() == 2
    assert f"{before}: SWAP_TARGETS: 'before.json': expected a list" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


def test_nothing_of_the_operator_s_command_is_packed(tmp_path: Path) -> None:
    contents.add(ROOT, tmp_path)
    names = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*")}
    assert names == {"handler", "index.py", "LICENSE"}
    words = {word for path in tmp_path.rglob("*.py") for word in path.read_text(encoding="utf-8").split()}
    assert not {"swapctl", "typer", "rich", "alibabacloud_credentials"} & words
    ships = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for name in ("typer", "rich", "click", "alibabacloud-credentials", "pydantic"):
        assert f"\n{name}==" not in f"\n{ships}"

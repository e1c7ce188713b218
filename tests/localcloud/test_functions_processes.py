"""The life of the processes: killed, replaced, forked warm, and never left behind."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from localcloud.rpc.credentials import Registry
from tests.support.local_functions import (
    SAMPLE,
    await_start,
    deliver,
    do,
    drain,
    get,
    let_go_on,
    pipes_in,
    post,
    running,
)

ROOT = Path(__file__).parent.parent.parent


def gone(pid, seconds=20):
    """Wait, without polling, for a process that is not ours to end."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], seconds)[0])
    finally:
        os.close(fd)


@pytest.fixture
def pipes(tmp_path):
    return pipes_in(tmp_path)


@pytest.mark.parametrize("warm", [False, True])
def test_a_killed_worker_fails_its_invocation_at_once_and_is_replaced(pipes, warm):
    with running(warm=warm) as functions:
        worker = do(functions, "environment")["FC_INSTANCE_ID"]
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(deliver(functions, {"do": "wait_for_file", **pipes}))
        )
        thread.start()
        await_start(pipes)
        assert functions.kill(worker)
        thread.join(30)
        assert answers[0].status == 502
        assert b"Process exited unexpectedly" in answers[0].body
        assert do(functions, "environment")["FC_INSTANCE_ID"] != worker
        assert not functions.kill(worker)


@pytest.mark.parametrize("how", ["by the local cloud", "by itself"])
def test_a_worker_that_ended_while_idle_is_not_used_again(how):
    with running() as functions:
        told = do(functions, "environment")
        pid = do(functions, "imported_by")["self"]
        if how == "by itself":
            os.kill(pid, signal.SIGKILL)
            worker = functions._fleet._pools["slb-swap", "swap"]._all[told["FC_INSTANCE_ID"]]
            worker.process.wait_gone(20)
        else:
            assert functions.kill(told["FC_INSTANCE_ID"])
        assert do(functions, "environment")["FC_INSTANCE_ID"] != told["FC_INSTANCE_ID"]


def test_an_asynchronous_invocation_is_retried_after_a_kill(pipes):
    with running() as functions:
        worker = do(functions, "environment")["FC_INSTANCE_ID"]
        event = json.dumps({"do": "wait_for_file", **pipes}).encode()
        post(functions, "/_local/topics/scaling-events", event)
        await_start(pipes)
        functions.kill(worker)
        await_start(pipes)
        let_go_on(pipes, "on")
        drain(functions)
        (told,) = get(functions, "/_local/async")["finished"]
        assert (told["outcome"], told["attempts"]) == ("succeeded", 2)


def test_a_warm_worker_is_a_fork_of_a_process_that_imported_the_code():
    with running(warm=True) as functions:
        first = do(functions, "imported_by")
        deliver(functions, {"do": "exit"})
        second = do(functions, "imported_by")
    assert first["importer"] == second["importer"]
    assert len({first["importer"], first["self"], second["self"]}) == 3


def test_a_zygote_that_died_is_started_again():
    with running(warm=True) as functions:
        zygote = do(functions, "imported_by")["importer"]
        os.kill(zygote, signal.SIGKILL)
        assert gone(zygote)
        deliver(functions, {"do": "exit"})
        assert do(functions, "imported_by")["importer"] != zygote


def test_a_cold_worker_imports_the_code_itself():
    with running() as functions:
        told = do(functions, "imported_by")
        assert told["importer"] == told["self"]


@pytest.mark.parametrize("warm", [False, True])
def test_no_process_outlives_a_close_even_if_it_is_at_work(pipes, warm):
    with running(warm=warm) as functions:
        told = do(functions, "imported_by")
        thread = threading.Thread(target=deliver, args=(functions, {"do": "wait_for_file", **pipes}))
        thread.start()
        await_start(pipes)
    thread.join(30)
    assert gone(told["self"])
    assert gone(told["importer"])


@pytest.mark.parametrize("warm", [False, True])
def test_no_process_outlives_a_local_cloud_that_is_killed(warm):
    program = (
        "import sys; sys.path[:0] = ['tests/localcloud', '.']\n"
        "from tests.support.local_functions import *\n"
        f"with running(warm={warm}) as functions:\n"
        "    print(do(functions, 'imported_by'), flush=True)\n"
        "    deliver(functions, {'do': 'hang'})\n"
    )
    server = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    told = json.loads(server.stdout.readline().replace("'", '"'))
    server.kill()
    server.wait()
    server.stdout.close()
    assert gone(told["self"])
    assert gone(told["importer"])


def test_parameters_follow_the_state_and_only_changed_functions_get_new_workers(tmp_path):
    text = SAMPLE.read_text().replace("./code", str(SAMPLE.parent / "code"))
    text = text.replace("  Format:", "  ScalingGroupIds: {Type: String}\n  Format:")
    text = text.replace("OWN: 'value'", "OWN: {Ref: ScalingGroupIds}")
    (tmp_path / "template.yml").write_text(text)
    state = {"scaling_groups": [{"scaling_group_id": "asg-1"}]}
    with running(template_path=tmp_path / "template.yml", state=lambda: state) as functions:
        swap, brief = do(functions, "environment"), do(functions, "environment", "brief")
        functions.reload()
        assert do(functions, "environment")["FC_INSTANCE_ID"] == swap["FC_INSTANCE_ID"]
        state["scaling_groups"].append({"scaling_group_id": "asg-2"})
        functions.reload()
        again = do(functions, "environment")
        assert (swap["OWN"], again["OWN"]) == ("asg-1", "asg-1,asg-2")
        assert again["FC_INSTANCE_ID"] != swap["FC_INSTANCE_ID"]
        assert do(functions, "environment", "brief")["FC_INSTANCE_ID"] == brief["FC_INSTANCE_ID"]


def test_a_function_without_a_limit_runs_as_often_as_it_is_asked(pipes):
    with running(instances={}) as functions:
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(deliver(functions, {"do": "wait_for_file", **pipes}).body)
        )
        thread.start()
        await_start(pipes)
        assert deliver(functions, b"beside").body == b"beside"
        let_go_on(pipes, "on")
        thread.join(30)
        assert answers == [b"on"]


def test_the_certificates_to_trust_are_named_when_there_are_some():
    with running(ca_bundle="/tmp/ca.pem", identities=Registry()) as functions:
        assert do(functions, "environment")["ALIBABA_CLOUD_CA_BUNDLE"] == "/tmp/ca.pem"
    with running(env={"SWAP_ENDPOINT": "http://127.0.0.1:8"}) as functions:
        told = do(functions, "environment")
        assert "ALIBABA_CLOUD_CA_BUNDLE" not in told
        assert told["SWAP_ENDPOINT"] == "http://127.0.0.1:8"

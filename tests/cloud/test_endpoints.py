from __future__ import annotations

from types import SimpleNamespace

import pytest

from handler.cloud import credentials, endpoints
from handler.cloud.credentials import Credentials, NoCredentials
from handler.cloud.endpoints import Endpoints
from tests.support.cloud import KEYS


@pytest.mark.parametrize(
    ("url", "shown", "tls"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", False),
        ("http://127.9.9.9:1/", "http://127.9.9.9:1", False),
        ("https://localhost:8443", "https://localhost:8443", True),
        ("http://[::1]:8080", "http://[::1]:8080", False),
        ("http://localhost", "http://localhost", False),
    ],
)
def test_a_base_url_on_loopback_is_taken(url: str, shown: str, tls: bool) -> None:
    endpoint = endpoints.loopback(url)
    assert (endpoint.url, endpoint.tls, endpoint.loopback) == (shown, tls, True)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://slb.aliyuncs.com", "loopback"),
        ("http://10.0.0.1:80", "loopback"),
        ("http://localhost.example.com", "loopback"),
        ("http://127.0.0.1:99999", "like http"),
        ("http://[::1", "like http"),
        ("ftp://127.0.0.1", "like http"),
        ("127.0.0.1:8080", "like http"),
        ("http://user@127.0.0.1:80", "base URL only"),
        ("http://127.0.0.1:80/path", "base URL only"),
        ("http://127.0.0.1:80?a=b", "base URL only"),
        ("http://127.0.0.1:80#a", "base URL only"),
    ],
)
def test_any_other_url_is_refused_with_a_reason(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        endpoints.loopback(url)


def test_the_endpoints_of_regions() -> None:
    shared = {"cn-hangzhou": "ess.aliyuncs.com"}
    public, vpc = Endpoints("public"), Endpoints("vpc")
    assert public.rpc("ess", "cn-hangzhou", shared).url == "https://ess.aliyuncs.com"
    assert public.rpc("ess", "eu-west-1", shared).url == "https://ess.eu-west-1.aliyuncs.com"
    assert vpc.rpc("ess", "cn-hangzhou", shared).url == "https://ess-vpc.cn-hangzhou.aliyuncs.com"
    assert public.fc("12", "cn-hangzhou").url == "https://12.cn-hangzhou.fc.aliyuncs.com"
    assert vpc.fc("12", "cn-hangzhou").url == "https://12.cn-hangzhou-internal.fc.aliyuncs.com"


def test_each_product_may_have_another_host() -> None:
    text = " slb=slb.aliyuncs.com, ecs=ecs-vpc.cn-beijing.aliyuncs.com,"
    assert endpoints.hosts(text) == {"slb": "slb.aliyuncs.com", "ecs": "ecs-vpc.cn-beijing.aliyuncs.com"}
    assert endpoints.hosts("") == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("slb=slb.example.com", "ends with .aliyuncs.com for slb"),
        ("slb=aliyuncs.com", "ends with .aliyuncs.com"),
        ("slb=evil.test/.aliyuncs.com", "ends with .aliyuncs.com"),
        ("slb=http://slb.aliyuncs.com", "ends with .aliyuncs.com"),
        ("slb=slb.aliyuncs.com:443", "ends with .aliyuncs.com"),
        ("slb=", "ends with .aliyuncs.com"),
        ("rds=rds.aliyuncs.com", "slb, ess, ecs, fc once at most"),
        ("slb=slb.aliyuncs.com,slb=slb.aliyuncs.com", "once at most"),
        ("slb.aliyuncs.com", "as in slb=HOST"),
    ],
)
def test_keys_are_sent_to_no_other_host(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        endpoints.hosts(text)


ENV = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "env-secret",
    "ALIBABA_CLOUD_SECURITY_TOKEN": "env-token",
}


@pytest.mark.parametrize(
    "given",
    [
        SimpleNamespace(access_key_id="a", access_key_secret="b", security_token="c"),
        SimpleNamespace(accessKeyId="a", accessKeySecret="b", securityToken="c"),
    ],
)
def test_the_contexts_credentials_come_first(given: object) -> None:
    assert credentials.find(SimpleNamespace(credentials=given), ENV) == Credentials("a", "b", "c")


@pytest.mark.parametrize(
    "context",
    [
        None,
        SimpleNamespace(),
        SimpleNamespace(credentials=None),
        SimpleNamespace(credentials=SimpleNamespace(access_key_id="a")),
    ],
)
def test_the_environment_gives_them_where_the_context_has_none(context: object) -> None:
    assert credentials.find(context, ENV) == Credentials("env-id", "env-secret", "env-token")


def test_without_any_the_reason_is_said() -> None:
    with pytest.raises(NoCredentials, match="ALIBABA_CLOUD_ACCESS_KEY_ID"):
        credentials.find(None, {"ALIBABA_CLOUD_ACCESS_KEY_ID": "alone"})


def test_credentials_show_nothing_of_themselves() -> None:
    assert repr(KEYS) == "Credentials()"
    assert Credentials("a", "b").secrets() == ("a", "b")

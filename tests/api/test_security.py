from __future__ import annotations

import socket

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from api.security import HEADERS, Hosts, hosts_of, same_origin
from kb.settings import load_settings
from tests.api.conftest import Server

LOOPBACK = Hosts(frozenset({"localhost", "127.0.0.1", "::1", "kb.example"}), addresses=False)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1:8000", "[::1]:8000", "kb.example."]
)
def test_our_own_names_are_answered(host: str) -> None:
    assert LOOPBACK.allow(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.2",
        "evil@localhost",
        "[::1",
        "a b",
        "localhost/x",
        "localhost#",
        "localhost:80:80",
    ],
)
def test_other_names_are_refused(host: str | None) -> None:
    assert not LOOPBACK.allow(host)


@given(st.text(max_size=40))
def test_no_host_header_breaks_the_check(host: str) -> None:
    assert LOOPBACK.allow(host) in (True, False)


def test_a_service_for_every_address_takes_addresses_and_its_names_only() -> None:
    hosts = hosts_of(load_settings(host="0.0.0.0", public_host="KB.example"))

    assert hosts.allow("192.168.1.20:8000")
    assert hosts.allow("[fe80::1]")
    assert hosts.allow("kb.example")
    assert hosts.allow(socket.gethostname())
    assert not hosts.allow("evil.example")


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"origin": "http://localhost:8000"}, True),
        ({"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"origin": "http://localhost:8000", "sec-fetch-site": "cross-site"}, False),
        ({"origin": "http://localhost:9000"}, False),
        ({"origin": "http://localhost"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://[::1"}, False),
    ],
)
def test_only_our_own_pages_may_change_something(headers: dict[str, str], allowed: bool) -> None:
    assert same_origin(Headers({"host": "localhost:8000", **headers})) is allowed


def test_a_proxy_that_ends_tls_leaves_the_origin_the_same() -> None:
    assert same_origin(Headers({"host": "kb.example", "origin": "https://kb.example"}))


@pytest.mark.parametrize(
    "address", ["/api/health", "/api/documents/none", "/nowhere", "/docs", "/docs/reference.css"]
)
def test_every_answer_carries_the_headers(server: Server, address: str) -> None:
    answer = server.client.get(address)

    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "access-control-allow-origin" not in answer.headers
    assert "server" not in answer.headers
    if address.startswith("/api/"):
        assert answer.headers["cache-control"] == "no-store"


def test_a_rebound_name_is_refused_and_the_refusal_carries_the_headers(server: Server) -> None:
    answer = server.client.get("/api/health", headers={"Host": "evil.example"})

    assert (answer.status_code, answer.json()["code"]) == (421, "host")
    assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


def test_two_hosts_are_none(server: Server) -> None:
    url = httpx.URL(server.url)
    with socket.create_connection((url.host, url.port or 80)) as raw:
        raw.sendall(
            b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n"
            b"Connection: close\r\n\r\n"
        )
        answer = raw.makefile("rb").readline()

    assert answer.split()[1] in (b"400", b"421")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_another_sites_page_cant_change_anything(server: Server, method: str) -> None:
    answer = server.client.request(
        method, "/api/documents/x", headers={"Origin": "http://evil.example"}
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")


def test_a_form_of_another_site_cant_send_json_as_text(server: Server) -> None:
    answer = server.client.post(
        "/api/ask", content=b'{"question": "x"}', headers={"Content-Type": "text/plain"}
    )

    assert answer.status_code == 422


def test_our_own_origin_may_ask(server: Server) -> None:
    answer = server.client.post(
        "/api/search",
        json={"query": "vesi"},
        headers={"Origin": server.url, "Sec-Fetch-Site": "same-origin"},
    )

    assert answer.status_code == 200


def test_a_body_that_says_it_is_too_large_is_refused(server: Server) -> None:
    answer = server.client.post("/api/ask", json={"question": "x" * 70_000})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("count", [66, 100, 900])
def test_a_body_that_doesnt_say_is_cut_off(server: Server, count: int) -> None:
    pieces = (b"x" * 1000 for _ in range(count))
    answer = server.client.post(
        "/api/ask", content=pieces, headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_web_socket_is_turned_away(server: Server) -> None:
    answer = server.client.get(
        "/api/health",
        headers={
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
    )

    assert answer.status_code != 101

"""Hostile HTTP/2 frames: floods, resets, headers without end, bytes that are no protocol."""

import os
import socket
import struct

import pytest

import wire
from clients import H1
from harness import wait_until
from hostile import AUTHORIZATION, ENOUGH, fell, flood
from wire import (COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM,
                  ENHANCE_YOUR_CALM, FRAME_SIZE_ERROR, HEADERS, INTERNAL_ERROR, LARGEST_WINDOW,
                  PING, PRIORITY, PROTOCOL_ERROR, RST_STREAM, SETTINGS, Wire, frame,
                  request_block, rst, window_update)

pytestmark = [pytest.mark.quick, pytest.mark.usefixtures("nobody_else_notices")]


# -- floods of frames ------------------------------------------------------------------------------


def test_rapid_reset(target):
    with Wire(target.tls) as client:
        for _ in range(3000):
            stream = client.new_stream()
            if not client.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, request_block())
                               + rst(stream)):
                break
        assert fell(client) in (ENHANCE_YOUR_CALM, INTERNAL_ERROR)


BUDGET, STREAMS = 100, 256  # limits.provoked_resets, limits.concurrent_streams


def provoke_by_window(client, stream):
    block = request_block("POST", "/events/x", [AUTHORIZATION])
    return client.send(frame(HEADERS, END_HEADERS, stream, block)
                       + window_update(stream, LARGEST_WINDOW))


def provoke_by_length(client, stream):
    block = request_block("POST", "/events/x", [AUTHORIZATION, ("content-length", "1")])
    return client.send(frame(HEADERS, END_HEADERS, stream, block)
                       + frame(DATA, END_STREAM, stream, b"12345"))


def provoke_by_header(client, stream):
    block = request_block("GET", "/events/x", [("connection", "close")])
    return client.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, block))


@pytest.mark.parametrize("provoke", [provoke_by_window, provoke_by_length, provoke_by_header])
def test_made_you_reset(target, provoke):
    """Errors that make the gateway itself reset streams: after its budget, no more."""
    with Wire(target.tls) as client:
        sent = 0
        while sent < 2000 and provoke(client, client.new_stream()):
            sent += 1
        resets = 0
        while (got := client.read(ENOUGH, "the end")) is not None:
            resets += got[0] == RST_STREAM
        assert client.goaway == ENHANCE_YOUR_CALM
        assert resets <= BUDGET + STREAMS, "what one read may hold beyond the budget"


@pytest.mark.parametrize("packet", [
    pytest.param(frame(SETTINGS, 0, 0), id="settings"),
    pytest.param(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535) * 4), id="settings-values"),
    pytest.param(frame(PING, 0, 0, b"12345678"), id="ping"),
])
def test_floods_of_frames_that_are_answered(target, packet):
    with Wire(target.tls) as client:
        client.get("/events/x")
        flood(client, packet, 20_000)
        assert fell(client) == ENHANCE_YOUR_CALM


@pytest.mark.parametrize("packet", [
    pytest.param(window_update(1, 1), id="window-update"),
    pytest.param(frame(PRIORITY, 0, 1, struct.pack(">IB", 0, 15)), id="priority"),
])
def test_floods_of_frames_that_are_not_answered(target, packet):
    with Wire(target.tls) as client:
        client.get("/events/x")
        flood(client, packet, 200_000, 1000)
        assert fell(client) == ENHANCE_YOUR_CALM


def test_frames_that_nobody_knows_are_ignored_however_many(target):
    """RFC 9113 §5.5; they cost less than the TLS record in which they come."""
    with Wire(target.tls) as client:
        flood(client, frame(0xBB, 0, 0, b"nobody knows this"), 100_000, 1000)
        assert client.status(client.get("/nothing")) == 404


def test_a_flood_of_empty_data(target):
    with Wire(target.tls) as client:
        stream = client.new_stream()
        client.send(frame(HEADERS, END_HEADERS, stream,
                          request_block("POST", "/events/x", [AUTHORIZATION])))
        flood(client, frame(DATA, 0, stream), 20_000)
        assert fell(client) == ENHANCE_YOUR_CALM


def test_pings_whose_answers_are_never_read(target):
    """The acknowledgements must not pile up: the socket is not read any more, or the end comes."""
    with Wire(target.tls, receive_buffer=4096) as client:
        client.socket.settimeout(ENOUGH)
        try:
            flood(client, frame(PING, 0, 0, b"12345678"), 500_000, 1000)
        except TimeoutError:
            pytest.fail("the gateway neither read on nor closed the connection")
        assert fell(client) in (ENHANCE_YOUR_CALM, None)


def test_a_flood_of_continuations(target):
    with Wire(target.tls) as client:
        client.send(frame(HEADERS, END_STREAM, client.new_stream(), request_block()))
        flood(client, frame(CONTINUATION, 0, 1, b""), 20_000)
        assert fell(client) in (ENHANCE_YOUR_CALM, PROTOCOL_ERROR, INTERNAL_ERROR)


def test_more_streams_than_are_allowed(target):
    with Wire(target.tls) as client:
        client.read_until(lambda kind, flags, *_: kind == SETTINGS and not flags, "SETTINGS")
        # Requests that stay open; event streams above their own limit would be parked instead.
        block = request_block("POST", "/events/x", extra=[AUTHORIZATION])
        for _ in range(400):
            client.send(frame(HEADERS, END_HEADERS, client.new_stream(), block))
        refused = client.read_until(lambda kind, *_: kind == RST_STREAM, "a refusal", ENOUGH)
        assert refused is None and client.goaway == PROTOCOL_ERROR or \
            struct.unpack(">I", refused[3])[0] == wire.REFUSED_STREAM


# -- headers ---------------------------------------------------------------------------------------


def test_a_thousand_headers(target):
    with Wire(target.tls) as client:
        stream = client.new_stream()
        block = request_block(extra=[(f"x-{n}", "v") for n in range(1000)])
        client.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, block))
        assert client.status(stream) == 431
        assert client.status(client.get("/nothing")) == 404, "the connection goes on"


def test_a_header_of_40_kib_in_continuations(target):
    with Wire(target.tls) as client:
        stream = client.new_stream()
        block = request_block(extra=[("x-big", "v" * 40_000)])
        parts = [block[at:at + 16_000] for at in range(0, len(block), 16_000)]
        client.send(frame(HEADERS, END_STREAM, stream, parts[0])
                    + b"".join(frame(CONTINUATION, 0, stream, part) for part in parts[1:-1])
                    + frame(CONTINUATION, END_HEADERS, stream, parts[-1]))
        assert client.status(stream) == 431
        assert client.status(client.get("/nothing")) == 404


def test_a_header_beyond_what_can_be_decoded_ends_the_connection_and_is_counted(target):
    """nghttp2 takes none larger than 64 KiB, and whoever skips a field of HPACK understands no more."""
    before = target.metric("sluice_connections_closed_total", reason="protocol_error")
    with Wire(target.tls) as client:
        block = request_block(extra=[("x-big", "v" * 70_000)])
        parts = [block[at:at + 16_000] for at in range(0, len(block), 16_000)]
        client.send(frame(HEADERS, END_STREAM, client.new_stream(), parts[0])
                    + b"".join(frame(CONTINUATION, 0, 1, part) for part in parts[1:-1])
                    + frame(CONTINUATION, END_HEADERS, 1, parts[-1]))
        assert fell(client) and client.goaway == COMPRESSION_ERROR
    wait_until(lambda: target.metric("sluice_connections_closed_total",
                                     reason="protocol_error") == before + 1, "it is counted")


def test_a_giant_header_over_http1(target):
    with H1(target.clear) as client:
        try:
            client.send("GET / HTTP/1.1\r\nhost: localhost\r\nx-big: ")
            for _ in range(100):
                client.send("v" * 10_000)
        except OSError:
            pass  # it hung up in the middle, as it may
        assert client.head().status == 431
        assert client.closed_by_peer(ENOUGH)


def test_a_thousand_headers_over_http1(target):
    before = target.metric("sluice_requests_refused_total", protocol="http/1.1")
    with H1(target.clear) as client:
        client.request("GET", "/", {f"x-{n}": "v" for n in range(1000)})
        assert client.head().status == 431
        assert client.closed_by_peer(ENOUGH)
    assert target.metric("sluice_requests_refused_total", protocol="http/1.1") == before + 1


def test_a_reference_to_a_header_that_was_never_sent(target):
    with Wire(target.tls) as client:
        client.send(frame(HEADERS, END_STREAM | END_HEADERS, client.new_stream(), b"\xff\x80\x01"))
        assert fell(client) == COMPRESSION_ERROR


@pytest.mark.parametrize("fields", [
    pytest.param([(":method", "GET"), (":scheme", "https"), (":authority", "localhost")],
                 id="no path"),
    pytest.param([(":method", "GET"), (":scheme", "https"), (":authority", "a@localhost"),
                  (":path", "/")], id="userinfo"),
    pytest.param([(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
                  ("host", "elsewhere"), (":path", "/")], id="pseudo after regular"),
    pytest.param([(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
                  (":path", "/"), ("host", "elsewhere")], id="another host"),
    pytest.param([(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
                  (":path", "/events/a#b")], id="fragment"),
    pytest.param([(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
                  (":path", "/events/a\\b")], id="backslash"),
    pytest.param([(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
                  (":path", "events")], id="relative path"),
    pytest.param([(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
                  (":path", "/"), ("te", "gzip")], id="te"),
    pytest.param([(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
                  (":path", "/"), ("transfer-encoding", "chunked")], id="transfer-encoding"),
    pytest.param([(":method", "GET"), (":scheme", "https"), (":authority", "localhost"),
                  (":path", "/"), ("Upper", "case")], id="upper case"),
])
def test_malformed_requests_reach_nobody(target, fields):
    with Wire(target.tls) as client:
        stream = client.new_stream()
        client.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, wire.header_block(fields)))
        assert client.status(stream) in (400, ("reset", PROTOCOL_ERROR))
        assert client.status(client.get("/nothing")) == 404, "the connection goes on"


# -- garbage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("garbage", [
    pytest.param(bytes(range(256)) * 64, id="all bytes"),
    pytest.param(b"\0" * 20_000, id="zeros"),
    pytest.param(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", id="http1"),
    pytest.param(frame(0xFF, 0xFF, 0, b"") + b"\xff" * 20_000, id="huge frame"),
])
def test_garbage_in_place_of_a_preface(target, garbage):
    with Wire(target.tls, start=False) as client:
        client.send(garbage)
        assert fell(client) in (PROTOCOL_ERROR, None)


@pytest.mark.parametrize("bad, code", [
    pytest.param(frame(DATA, 0, 1, b"x"), PROTOCOL_ERROR, id="data on an idle stream"),
    pytest.param(frame(HEADERS, 5, 2, request_block()), PROTOCOL_ERROR, id="an even stream"),
    pytest.param(frame(SETTINGS, 0, 0, b"12345"), FRAME_SIZE_ERROR, id="settings of 5 bytes"),
    pytest.param(frame(PING, 0, 0, b"1"), FRAME_SIZE_ERROR, id="ping of 1 byte"),
    pytest.param(frame(wire.PUSH_PROMISE, 4, 1, b"\0\0\0\2" + request_block()), PROTOCOL_ERROR,
                 id="push"),
    pytest.param(frame(DATA, 0, 1, b"x" * 20_000), FRAME_SIZE_ERROR, id="frame too large"),
    pytest.param(window_update(0, LARGEST_WINDOW) * 2, wire.FLOW_CONTROL_ERROR,
                 id="connection window overflow"),
    pytest.param(window_update(0, 0), PROTOCOL_ERROR, id="window update of 0"),
    pytest.param(frame(CONTINUATION, 4, 1, b""), PROTOCOL_ERROR, id="continuation of nothing"),
])
def test_frames_that_break_the_protocol(target, bad, code):
    with Wire(target.tls) as client:
        client.send(bad)
        assert fell(client) == code


def test_random_bytes_after_a_good_start(target):
    for seed in range(20):
        with Wire(target.tls) as client:
            client.get("/events/x")
            client.send(os.urandom(4096))
            client.socket.shutdown(socket.SHUT_WR)
            client.ended_by_peer(ENOUGH)


@pytest.mark.parametrize("tls", [True, False], ids=["on the tls port", "on the clear port"])
def test_bytes_that_are_no_protocol_at_all(target, tls):
    with H1(target.tls if tls else target.clear) as client:
        client.send(b"\x80\x81\x82 what is this\r\n\r\n" * 100)
        assert client.closed_by_peer(ENOUGH)


def test_a_client_that_leaves_half_way(target):
    subscriptions = target.metric("sluice_streams")
    with Wire(target.tls) as client:
        client.get("/events/x")
        client.read_until(lambda kind, *_: kind == DATA, "the first bytes")
        client.socket.shutdown(socket.SHUT_WR)
        client.ended_by_peer(ENOUGH)
    with H1(target.clear) as client:
        client.subscribe("/events/x")
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: target.metric("sluice_streams") <= subscriptions, "no leak")

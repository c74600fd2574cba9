"""Clients that take their time: every wait has a limit, and windows and bodies have bounds."""

import ssl
import struct
import time

import pytest

import harness
import wire
from clients import H1
from harness import wait_until
from hostile import AUTHORIZATION, ENOUGH, fell
from settings import PUBLISHER
from wire import (CANCEL, DATA, END_HEADERS, END_STREAM, HEADERS, LARGEST_WINDOW, PREFACE,
                  RST_STREAM, SETTINGS, Wire, frame, request_block)

pytestmark = [pytest.mark.quick, pytest.mark.usefixtures("nobody_else_notices")]


# -- slowness --------------------------------------------------------------------------------------


def drip(sock, data, every=0.25):
    """Sends byte by byte until the peer hangs up, and returns how long that took."""
    start = time.monotonic()
    sock.settimeout(every)
    for byte in data:
        try:
            sock.sendall(bytes([byte]))
            if not sock.recv(65536):
                return time.monotonic() - start
        except TimeoutError:
            pass  # nothing to read: that was the pause
        except OSError:
            return time.monotonic() - start
    pytest.fail("the gateway was patient to the end")


@pytest.mark.parametrize("tls", [True, False], ids=["tls", "clear"])
def test_a_preface_byte_by_byte(target, tls):
    with Wire(target.tls if tls else target.clear, tls=tls, start=False) as client:
        assert drip(client.socket, PREFACE * 2) < ENOUGH


@pytest.mark.parametrize("tls", [True, False], ids=["tls", "clear"])
def test_a_request_byte_by_byte_over_http1(target, tls):
    with H1(target.tls if tls else target.clear, tls=tls) as client:
        assert drip(client.socket, b"GET /events/x HTTP/1.1\r\nhost: localhost\r\nx: yyyy") < ENOUGH


def test_a_header_block_that_does_not_end(target):
    with Wire(target.tls) as client:
        client.send(frame(HEADERS, END_STREAM, client.new_stream(), request_block()))
        assert fell(client) is not wire.NO_ERROR


def test_a_frame_that_does_not_end(target):
    with Wire(target.tls) as client:
        whole = frame(HEADERS, END_STREAM | END_HEADERS, client.new_stream(), request_block())
        client.send(whole[:20])
        client.ended_by_peer(ENOUGH)


@pytest.mark.parametrize("packets", [b"", PREFACE], ids=["nothing", "preface only"])
def test_a_client_that_says_nothing_after_the_handshake(target, packets):
    with Wire(target.tls, start=False) as client:
        client.send(packets)
        client.ended_by_peer(ENOUGH)


def test_settings_that_are_never_acknowledged(target):
    class Mute(Wire):
        def send(self, data):
            return not data.startswith(frame(SETTINGS, 1, 0)) and super().send(data)

    with Mute(target.tls) as client:
        client.get("/events/x")
        assert fell(client) == 4  # SETTINGS_TIMEOUT


def test_a_connection_without_any_bytes(target):
    for port in (target.tls, target.clear):
        with H1(port) as client:
            assert client.closed_by_peer(ENOUGH)


def test_a_handshake_that_is_never_finished(target):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    handshake = harness.tls_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        handshake.do_handshake()
    hello = outgoing.read()
    for part in (hello[:40], hello):
        with H1(target.tls) as client:
            client.send(part)
            assert client.closed_by_peer(ENOUGH)


def test_a_body_that_stops_coming(target):
    with Wire(target.tls) as client:
        stream = client.new_stream()
        client.send(frame(HEADERS, END_HEADERS, stream,
                          request_block("POST", "/events/x", [AUTHORIZATION]))
                    + frame(DATA, 0, stream, b"the first half"))
        assert client.status(stream, ENOUGH) in (408, ("reset", CANCEL))
        assert client.status(client.get("/nothing")) == 404


def test_a_body_that_stops_coming_over_http1(target):
    with H1(target.clear) as client:
        client.send(f"POST /events/x HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer "
                    f"{PUBLISHER}\r\ncontent-length: 100\r\n\r\nthe first half")
        assert client.head(ENOUGH).status == 408
        assert client.closed_by_peer(ENOUGH)


# -- windows ---------------------------------------------------------------------------------------


def test_windows_that_are_never_opened(target):
    with Wire(target.tls, initial_window=0) as client:
        streams = [client.get("/events/neighbour") for _ in range(200)]
        ended = set()
        while len(ended) < len(streams):
            got = client.read(ENOUGH, "the resets of the stalled streams")
            assert got is not None, "only the streams end, not the connection"
            if got[0] == RST_STREAM:
                assert struct.unpack(">I", got[3])[0] == CANCEL
                ended.add(got[2])
        assert ended == set(streams)
        client.send(wire.settings(initial_window_size=65535))
        assert client.status(client.get("/nothing")) == 404


def test_a_socket_that_is_never_read(target):
    with Wire(target.tls, initial_window=LARGEST_WINDOW, receive_buffer=4096) as client:
        for _ in range(100):
            client.get("/events/flood")
        with target.publisher() as publisher:
            for _ in range(100):
                publisher.publish("flood", "x" * 60_000)
        before = target.metric("sluice_connections")
        wait_until(lambda: target.metric("sluice_connections") < before,
                   "the end of the connection that takes no byte", ENOUGH + 10)


# -- bodies ----------------------------------------------------------------------------------------


def test_a_giant_body_is_refused_before_it_is_sent(target):
    with H1(target.clear) as client:
        client.send(f"POST /events/x HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer "
                    f"{PUBLISHER}\r\ncontent-length: 10000000000\r\n\r\n")
        assert client.head().status == 413
    with Wire(target.tls) as client:
        stream = client.new_stream()
        client.send(frame(HEADERS, END_HEADERS, stream, request_block(
            "POST", "/events/x", [AUTHORIZATION, ("content-length", "10000000000")])))
        assert client.status(stream) == 413


def test_an_endless_chunked_body(target):
    with H1(target.clear) as client:
        client.send(f"POST /events/x HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer "
                    f"{PUBLISHER}\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            for _ in range(1000):
                client.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        except OSError:
            pass  # it hung up in the middle, as it may
        assert client.head().status == 413


def test_an_endless_chunk_extension(target):
    with H1(target.clear) as client:
        try:
            client.send(f"POST /events/x HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer "
                        f"{PUBLISHER}\r\ntransfer-encoding: chunked\r\n\r\n1;")
            for _ in range(1000):
                client.send(b"x" * 10_000)
        except OSError:
            pass
        assert client.head().status in (400, 413, 431)
        assert client.closed_by_peer(ENOUGH)


def test_an_endless_body_over_http2(target):
    with Wire(target.tls) as client:
        stream = client.new_stream()
        client.send(frame(HEADERS, END_HEADERS, stream,
                          request_block("POST", "/events/x", [AUTHORIZATION])))
        sent, window, status = 0, 65535, None
        while status is None:  # sends as much as it is allowed to, for as long as it is
            while window >= 16_000 and sent < 64 << 20:
                client.send(frame(DATA, 0, stream, b"x" * 16_000))
                sent, window = sent + 16_000, window - 16_000
            kind, _, on, payload = client.read(ENOUGH, "an answer or a window")
            if kind == wire.WINDOW_UPDATE and on == stream:
                window += struct.unpack(">I", payload)[0]
            elif kind == HEADERS and on == stream:
                status = int(dict(client.decoder.decode(payload))[":status"])
        assert status == 413
        assert sent < 2 << 20, "it was told in time"


def test_more_data_than_the_window_allows(target):
    with Wire(target.tls) as client:
        stream = client.new_stream()
        client.send(frame(HEADERS, END_HEADERS, stream,
                          request_block("POST", "/nothing", [AUTHORIZATION])))
        for _ in range(200):
            if not client.send(frame(DATA, 0, stream, b"x" * 16_384)):
                break
        got = client.read_until(lambda kind, _, on, __: kind == wire.GOAWAY
                                or kind == RST_STREAM and on == stream, "a refusal", ENOUGH)
        assert got is not None or client.eof

"""Requests that two parsers could read differently: one refusal, and the end of the connection."""

import pytest

from clients import H1
from hostile import ENOUGH

pytestmark = [pytest.mark.quick, pytest.mark.usefixtures("nobody_else_notices")]


# -- request smuggling -----------------------------------------------------------------------------

SMUGGLED = "GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n"
POST = "POST /events/x HTTP/1.1\r\nhost: localhost\r\n"


@pytest.mark.parametrize("request_text", [
    pytest.param(POST + "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
                 id="both lengths"),
    pytest.param(POST + "content-length: 5\r\ncontent-length: 6\r\n\r\nhello", id="two lengths"),
    pytest.param(POST + "content-length: 5, 5\r\n\r\nhello", id="a list of lengths"),
    pytest.param(POST + "content-length: +5\r\n\r\nhello", id="plus"),
    pytest.param(POST + "content-length: 0x5\r\n\r\nhello", id="hex"),
    pytest.param(POST + "content-length: 99999999999999999999\r\n\r\n", id="overflow"),
    pytest.param(POST + "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n", id="te list"),
    pytest.param(POST + "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n", id="te unknown"),
    pytest.param(POST + "transfer-encoding: chunked\r\ntransfer-encoding: x\r\n\r\n0\r\n\r\n",
                 id="te twice"),
    pytest.param(POST + "transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n", id="te with a tab"),
    pytest.param(POST + "transfer-encoding : chunked\r\n\r\n0\r\n\r\n", id="blank before colon"),
    pytest.param(POST + " folded: line\r\n\r\n", id="obs-fold"),
    pytest.param(POST + "bad name: x\r\n\r\n", id="blank in a name"),
    pytest.param(POST + "x: a\0b\r\n\r\n", id="nul in a value"),
    pytest.param(POST + "x: a\rb\r\n\r\n", id="bare cr"),
    pytest.param("GET /a HTTP/1.1\nhost: localhost\n\n", id="bare lf"),
    pytest.param("GET /a HTTP/1.1\r\n\r\n", id="no host"),
    pytest.param("GET /a HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", id="two hosts"),
    pytest.param("GET /a b HTTP/1.1\r\nhost: a\r\n\r\n", id="blank in the target"),
    pytest.param("GET /a HTTP/1.2\r\nhost: a\r\n\r\n", id="another version"),
    pytest.param("GET /a HTTP/11.1\r\nhost: a\r\n\r\n", id="no version"),
    pytest.param("G\u00ebT /a HTTP/1.1\r\nhost: a\r\n\r\n", id="method"),
    pytest.param(POST + "transfer-encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
                 id="blank after a chunk size"),
    pytest.param(POST + "transfer-encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
                 id="negative chunk"),
    pytest.param(POST + "transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nx", id="huge chunk"),
    pytest.param(POST + "transfer-encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n", id="chunk end"),
])
def test_smuggling_over_http1_gets_one_refusal_and_the_end(target, request_text):
    with H1(target.clear) as client:
        client.send((request_text + SMUGGLED).encode("latin-1"))
        answer = client.answer(seconds=ENOUGH)
        assert answer.status in (400, 401, 411, 413, 501, 505), answer
        assert client.closed_by_peer(ENOUGH)
        assert b"HTTP/1.1" not in client.buffer, "what followed was not taken for a request"

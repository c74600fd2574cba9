"""A publisher in a process of its own: python3 load_publisher.py PORT TOPIC COUNT SECONDS

Publishes COUNT events evenly over SECONDS, pipelined over HTTP/1.1 as they fall due. The data is
`NUMBER NANOSECONDS padding`, the monotonic clock when it was sent, which readers on the same
machine can compare with their own. Exits 0 when every one was acknowledged with 200."""

import re
import sys
import time

import clients
import settings

BATCH = 64
PADDING = "x" * 60


def request(topic, number):
    data = f"{number} {time.monotonic_ns()} {PADDING}"
    return (f"POST /events/{topic} HTTP/1.1\r\nhost: localhost\r\n"
            f"authorization: Bearer {settings.PUBLISHER}\r\ncontent-length: {len(data)}\r\n\r\n"
            f"{data}").encode()


def main(port, topic, count, seconds):
    connection = clients.connect(port, timeout=30)
    start = time.monotonic()
    sent = 0
    while sent < count:
        elapsed = time.monotonic() - start
        due = count if elapsed >= seconds else int(count * elapsed / seconds)
        batch = min(due - sent, BATCH)
        if batch <= 0:
            time.sleep(seconds / count)
            continue
        connection.sendall(b"".join(request(topic, sent + n) for n in range(batch)))
        await_answers(connection, batch)
        sent += batch
    print(sent)


def await_answers(connection, count):
    text = b""
    while len(heads := re.findall(rb"HTTP/1\.1 (\d+)", text)) < count or not complete(text, count):
        data = connection.recv(65536)
        assert data, "the gateway closed the connection"
        text += data
    assert set(heads) == {b"200"}, text


def complete(text, count):
    """True when the body of the last of `count` answers has arrived."""
    *_, last = text.split(b"HTTP/1.1 ")
    head, mark, body = last.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    return text.count(b"HTTP/1.1 ") == count and bool(mark) and len(body) >= int(length[1])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))

"""Where an HTTP/1.1 answer begins and ends, for clients that are given its bytes as they come."""


class Unframed(Exception):
    """Bytes that are no HTTP/1.1 answer."""


class Framing:
    """The head of an answer, and then its body as it comes, by chunks or by its length."""

    def __init__(self):
        self.status = None
        self.headers = {}
        self.is_over = False
        self._buffer = b""
        self._left = None      # of the body, or of the chunk

    def feed(self, data):
        """What it brings of the body."""
        self._buffer += data
        if self.status is None and not self._read_head():
            return b""
        return self._read_chunks() if self._is_chunked else self._read_counted()

    def _read_head(self):
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        for line in lines:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self._is_chunked = self.headers.get("transfer-encoding") == "chunked"
        if not self._is_chunked:
            if "content-length" not in self.headers:
                raise Unframed(f"neither chunked nor of a length: {head!r}")
            self._left = int(self.headers["content-length"])
        self._buffer = rest
        self.status = int(first.split(" ")[1])
        return True

    def _read_counted(self):
        body, self._buffer = self._buffer[:self._left], self._buffer[self._left:]
        self._left -= len(body)
        self.is_over = self._left == 0
        return body

    def _read_chunks(self):
        body = b""
        while not self.is_over:
            size, end, rest = self._buffer.partition(b"\r\n")
            if not end:
                break
            size = int(size, 16)
            if len(rest) < size + 2:
                break
            if rest[size:size + 2] != b"\r\n":
                raise Unframed(f"a chunk ends in {rest[size:size + 2]!r}")
            body += rest[:size]
            self._buffer = rest[size + 2:]
            self.is_over = size == 0
        return body

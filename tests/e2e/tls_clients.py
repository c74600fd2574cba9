"""Clients that look at TLS itself: which certificate they are shown, what they show, sessions."""

import socket

import harness
from clients import Answer


def believing(version=None, client=None):
    """A client's context that takes any certificate; `client`: the one that it shows."""
    context = harness.tls_context(("http/1.1",))
    if version:
        context.minimum_version = context.maximum_version = version
    if client:
        context.load_cert_chain(client.certificate, client.key)
    return context


def handshake(port, name=None, context=None, session=None):
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    return (context or believing()).wrap_socket(plain, server_hostname=name, session=session)


def shown(port, name=None):
    """The certificate that a client gets who asks for `name`."""
    with handshake(port, name) as secure:
        return secure.getpeercert(binary_form=True)


def ask(secure, method="GET", path="/nothing", headers=(), body=b""):
    """One request on a TLS socket; the answer's status and body."""
    fields = {"host": "localhost", "connection": "close", "content-length": len(body),
              **dict(headers)}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    secure.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    text = b""
    while part := secure.recv(65536):
        text += part
    head, _, rest = text.partition(b"\r\n\r\n")
    return Answer(int(head.split()[1]), {}, rest)

"""Mercure as its clients speak it: tokens of both versions, the hub's URLs, and readers of which it
is known when they have had everything."""

import time
import urllib.parse

from clients import H2, Stream
from settings import PUBLISHER, SECRET, jwt

HUB = "/.well-known/mercure"
SUBSCRIPTIONS = f"{HUB}/subscriptions"
METADATA = "/.well-known/oauth-protected-resource/.well-known/mercure"
ISSUER = "https://issuer.example"
DETAIL = "https://mercure.rocks/authorization-detail"
FORM = "application/x-www-form-urlencoded"
COOKIE, COOKIE_V1 = "mercureAuthorization", "__Secure-mercure_access_token"

# A key without an issuer takes tokens of 0.x, one with an issuer those of 1.0 too.
KEY = {"alg": "HS256", "secret": SECRET}
KEYS = [KEY, {**KEY, "issuer": ISSUER}]
BOTH = {"publisher_keys": KEYS, "subscriber_keys": KEYS}


def v0(*subscribe, payload=None, **claims):
    """A subscriber's token of Mercure 0.x."""
    grants = {"subscribe": list(subscribe)} | ({"payload": payload} if payload else {})
    return jwt({"mercure": grants, **claims})


def detail(*subscribe, **more):
    """One of `authorization_details`; a topic is a text, or a pair of match type and match."""
    pairs = [("exact", topic) if isinstance(topic, str) else topic for topic in subscribe]
    topics = [{"match": match, "match_type": kind} for kind, match in pairs]
    return {"type": DETAIL, "actions": ["subscribe"], "topics": topics, **more}


def v1(*subscribe, details=None, **claims):
    """A subscriber's token of Mercure 1.0."""
    claims = {"iss": ISSUER, "exp": int(time.time()) + 600, **claims}
    claims["authorization_details"] = details or [detail(*subscribe)]
    return jwt(claims, header={"alg": "HS256", "typ": "at+jwt"})


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def cookie(token, name=COOKIE):
    return {"cookie": f"{name}={token}"}


def query(*pairs, **fields):
    """The hub's URL with a query: pairs for names that repeat or are no Python names."""
    return f"{HUB}?{urllib.parse.urlencode([*pairs, *fields.items()])}"


def data_of(stream):
    return [event.data for event in stream.events]


class Room:
    """One connection with readers. One more reader hears everything, and so tells when the others
    must have had what is theirs. For gateways with one worker."""

    def __init__(self, gateway, control=None, publisher=PUBLISHER):
        self.gateway, self.publisher = gateway, publisher
        self.client = H2(gateway.tls)
        self.control = self.client.subscribe(*(control or (query(topic="*"), bearer(v0("*")))))
        self.client.opened(self.control)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.socket.close()

    def reader(self, path, headers=()):
        """An open stream, whatever it was answered with."""
        return self.client.opened(self.client.subscribe(path, headers))[0]

    def publish(self, topic, data, **fields):
        with self.gateway.publisher(self.publisher) as publisher:
            return publisher.publish(topic, data, **fields)

    def ask(self, method, path, headers=(), body=None):
        return self.client.answer(self.client.request(method, path, headers, body))

    def ask_with_fields(self, path, fields):
        """GET with header fields that may repeat, as HTTP/2 clients send a cookie in crumbs."""
        h2 = self.client.h2
        number = h2.get_next_available_stream_id()
        self.client.streams[number] = Stream()
        h2.send_headers(number, [(":method", "GET"), (":scheme", "https"),
                                 (":authority", "localhost"), (":path", path), *fields], True)
        self.client.flush()
        return self.client.opened(number)[0]

    def heard(self, *streams):
        """What each of the streams has had when all that was published has been delivered."""
        mark = f"mark {len(self.client.streams)} {time.monotonic_ns()}"
        self.publish("only-for-the-control", mark)
        control = self.client.streams[self.control]
        self.client.pump(lambda: data_of(control)[-1:] == [mark], "the mark")
        self.client.ping()
        return [data_of(stream) for stream in streams]

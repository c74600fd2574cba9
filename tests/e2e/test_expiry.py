"""What becomes of a stream when its token expires, disappears or is revoked, and of one too many."""

import http.client
import time

import pytest

from clients import H2
from harness import wait_until
from mercure import BOTH, COOKIE, HUB, Room, bearer, cookie, data_of, query, v0, v1
from publishing import authorized
from settings import jwt

pytestmark = pytest.mark.quick
MARK = "sluice_signed_in"
QUICK_RETRY = {"min": "500ms", "max": "600ms", "parked_min": "700ms", "parked_max": "800ms"}


def hub_with(start, **options):
    return start(hub={**BOTH, "token_leeway": "0ms", **options}, retry=QUICK_RETRY)


@pytest.fixture
def hub(start):
    return hub_with(start)


def soon(seconds=3):
    return int(time.time()) + seconds


def is_parked(answer):
    return (answer.status == 200 and answer.ended and not answer.events
            and 700 <= answer.sse.retry <= 800)


def marked(token, **more):
    return {"cookie": f"{COOKIE}={token}; {MARK}=1", **more}


# -- a token that expires ------------------------------------------------------------------------


@pytest.mark.parametrize("carry", [
    lambda exp: (query(topic="a"), bearer(v0("a", exp=exp))),
    lambda exp: (query(topic="a"), cookie(v0("a", exp=exp))),
    lambda exp: (query(topic="a", authorization=v0("a", exp=exp)), {}),
    lambda exp: (query(match="a"), bearer(v1("a", exp=exp))),
], ids=["header", "cookie", "query", "1.0"])
def test_a_stream_ends_cleanly_when_its_token_expires(hub, carry):
    exp = soon()
    with H2(hub.tls) as client:
        number = client.subscribe(*carry(exp))
        client.opened(number)
        hub.publish("a", "in time", private="on")
        stream = client.answer(number)
        assert exp - 0.1 <= time.time() <= exp + 1.5
        assert stream.ended and stream.reset is None and stream.sse.ended_at_boundary
        assert data_of(stream) == ["in time"]
        assert bytes(stream.body).rstrip(b"\n").rpartition(b"\n")[2].startswith(b"retry: ")
        assert not client.goaways
    assert hub.metric("sluice_streams_expired_total") == 1


def test_the_leeway_of_the_hub_counts_for_open_streams_too(start):
    gateway = hub_with(start, token_leeway="2s")
    exp = soon(1)
    with H2(gateway.tls) as client:
        client.answer(client.subscribe(query(topic="a"), bearer(v0("a", exp=exp))))
    assert exp + 1.9 <= time.time() <= exp + 4


def test_with_a_fresh_cookie_it_goes_on_without_a_loss_or_a_repeat(hub):
    with H2(hub.tls) as client:
        number = client.subscribe(query(topic="a"), cookie(v0("a", exp=soon())))
        client.opened(number)
        hub.publish("a", "0", private="on")
        stream = client.answer(number)
        for data in ("1", "2"):
            hub.publish("a", data, private="on")
        again = client.subscribe(query(topic="a"), {**cookie(v0("a")), "last-event-id": stream.sse.last_id})
        client.events(again, 2)
        hub.publish("a", "3", private="on")
        assert data_of(stream) == ["0"]
        assert [event.data for event in client.events(again, 3)] == ["1", "2", "3"]


def test_an_expired_token_parks_in_a_cookie_and_in_the_query_and_is_401_in_a_header(hub):
    old = v0("a", exp=soon(-5))
    with Room(hub) as room:
        assert is_parked(room.reader(query(topic="a"), cookie(old)))
        assert is_parked(room.reader(query(topic="a", authorization=old)))
        assert is_parked(room.reader(query(match="a"), cookie(v1("a", exp=soon(-5)))))
        answer = room.ask("GET", query(topic="a"), bearer(old))
        assert answer.status == 401 and 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("choice", ["park", "reject", "anonymous"])
def test_what_becomes_of_an_expired_cookie_is_the_operators_choice(start, choice):
    gateway = hub_with(start, expired_token=choice)
    with Room(gateway) as room:
        stream = room.reader(query(topic="a"), cookie(v0("a", exp=soon(-5))))
        gateway.publish("a", "hidden", private="on")
        gateway.publish("a", "public")
        room.heard()
    if choice == "park":
        assert is_parked(stream)
    else:
        assert stream.status == {"reject": 401, "anonymous": 200}[choice]
        assert data_of(stream) == ([] if choice == "reject" else ["public"])


def test_without_anonymous_subscribers_an_expired_cookie_cannot_become_one(start):
    gateway = hub_with(start, expired_token="anonymous", anonymous=False)
    with Room(gateway) as room:
        assert room.ask("GET", query(topic="a"), cookie(v0("a", exp=soon(-5)))).status == 401


# -- a cookie that has gone ----------------------------------------------------------------------


@pytest.mark.parametrize("anonymous", [True, False])
def test_a_browser_that_comes_back_without_the_cookie_it_had_is_parked(start, anonymous):
    """Browsers delete a cookie at its Max-Age: the login has run out, and this is no visitor."""
    gateway = hub_with(start, anonymous=anonymous)
    with Room(gateway) as room:
        first = room.reader(query(topic="a"), cookie(v0("a")))
        assert first.headers["set-cookie"] == f"{MARK}=1; Path=/; HttpOnly; SameSite=None; Secure"
        id = gateway.publish("a", "x")
        assert is_parked(room.reader(query(topic="a"), {"cookie": f"{MARK}=1", "last-event-id": id}))
        again = room.reader(query(topic="a"), marked(v0("a"), **{"last-event-id": id}))
        assert not again.over and "set-cookie" not in again.headers


def test_a_visitor_who_opens_a_page_anew_is_anonymous_and_the_mark_goes(hub):
    with Room(hub) as room:
        stream = room.reader(query(topic="a"), {"cookie": f"{MARK}=1"})
        assert not stream.over and "Max-Age=0" in stream.headers["set-cookie"]
        assert "set-cookie" not in room.reader(query(topic="a")).headers


def test_the_mark_in_clear_text_does_not_ask_for_tls(hub):
    connection = http.client.HTTPConnection("127.0.0.1", hub.clear, timeout=10)
    connection.request("GET", query(topic="a"), headers=cookie(v0("a")))
    assert connection.getresponse().headers["set-cookie"].endswith("SameSite=Lax")
    connection.close()


@pytest.mark.parametrize("choice", ["reject", "anonymous"])
def test_what_becomes_of_a_lost_cookie_is_the_operators_choice(start, choice):
    gateway = hub_with(start, lost_token=choice)
    with Room(gateway) as room:
        id = gateway.publish("a", "x")
        stream = room.reader(query(topic="a"), {"cookie": f"{MARK}=1", "last-event-id": id})
        assert stream.status == {"reject": 401, "anonymous": 200}[choice]
        if choice == "anonymous":
            assert not stream.over
            assert "set-cookie" not in room.reader(query(topic="a"), cookie(v0("a"))).headers


# -- revocation ----------------------------------------------------------------------------------


def revoke(gateway, subject, method="POST", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.admin, timeout=10)
    connection.request(method, f"/revoke?subject={subject}", headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_revoking_a_subject_ends_its_streams_and_refuses_its_old_tokens(start):
    gateway = start(hub=BOTH, server={"workers": 2}, retry=QUICK_RETRY)
    old = int(time.time()) - 10
    ann, bob = v0("a", sub="ann", iat=old), v0("a", sub="bob", iat=old)
    with H2(gateway.tls) as client, H2(gateway.tls) as other:
        mine = [client.subscribe(query(topic="a"), bearer(ann)),
                client.subscribe(query(topic="a"), cookie(ann))]
        his = client.subscribe(query(topic="a"), bearer(bob))
        elsewhere = other.subscribe(query(topic="a"), bearer(ann))
        client.opened(*mine, his)
        other.opened(elsewhere)
        assert revoke(gateway, "ann") == (200, "3 streams are being ended\n")
        for stream in [client.answer(n) for n in mine] + [other.answer(elsewhere)]:
            assert stream.ended and stream.reset is None and stream.sse.ended_at_boundary
        for headers in (bearer(ann), cookie(ann)):
            answer = client.answer(client.subscribe(query(topic="a"), headers))
            assert answer.status == 401 and "revoked" in answer.text
        fresh = client.subscribe(query(topic="a"), bearer(v0("a", sub="ann", iat=int(time.time()))))
        gateway.publish("a", "x", private="on")
        assert data_of(client.opened(fresh)[0]) or client.events(fresh, 1)
        assert [event.data for event in client.events(his, 1)] == ["x"]


def test_a_publish_request_whose_body_ends_after_the_revocation_publishes_nothing(hub):
    token = jwt({"sub": "ann", "iat": int(time.time()) - 10, "mercure": {"publish": ["*"]}})
    with H2(hub.tls) as client:
        posts = [client.request("POST", path, authorized(token, content_type=kind), end=False)
                 for path, kind in ((HUB, "application/x-www-form-urlencoded"),
                                    ("/events/a", "text/plain"))]
        client.ping()  # The heads have been looked at.
        assert revoke(hub, "ann")[0] == 200
        for number in posts:
            client.h2.send_data(number, b"topic=a&data=x", end_stream=True)
            client.flush()
            answer = client.answer(number)
            assert answer.status == 401 and "revoked" in answer.text
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert hub.metric("sluice_publishes_total", result="rejected") == 2


def test_a_token_without_a_time_of_issue_counts_as_old(hub):
    revoke(hub, "ann")
    with Room(hub) as room:
        assert room.ask("GET", query(topic="a"), bearer(v0("a", sub="ann"))).status == 401


def test_no_page_in_an_operators_browser_can_revoke(hub):
    assert revoke(hub, "ann", origin="https://evil.example")[0] == 403
    assert revoke(hub, "ann", method="GET")[0] == 405
    assert revoke(hub, "")[0] == 400


# -- one subject's streams -----------------------------------------------------------------------


def test_one_stream_more_than_a_subject_may_have_is_parked(start):
    gateway = start(hub=BOTH, limits={"streams_per_subject": 2}, retry=QUICK_RETRY,
                    server={"workers": 2})
    ann, bob = bearer(v0("a", sub="ann")), bearer(v0("a", sub="bob"))
    with H2(gateway.tls) as client, H2(gateway.tls) as other:
        first = client.subscribe(query(topic="a"), ann)
        second = other.subscribe(query(topic="a"), ann)
        client.opened(first)
        other.opened(second)
        assert is_parked(client.answer(client.subscribe(query(topic="a"), ann)))
        assert not client.opened(client.subscribe(query(topic="a"), bob))[0].over
        assert not client.opened(client.subscribe(query(topic="a")))[0].over
        other.socket.close()
        wait_until(lambda: not client.opened(client.subscribe(query(topic="a"), ann))[0].over,
                   "a place that became free")

"""Who gets what: the carriers of a token, the answers of RFC 6750, and a matrix of subjects."""

import random
import urllib.parse

import pytest

from clients import H2
from harness import binary
from mercure import (BOTH, COOKIE, COOKIE_V1, FORM, HUB, METADATA, Room, bearer, cookie, data_of,
                     query, v0, v1)
from settings import PUBLISHER, jwt

pytestmark = pytest.mark.quick
RUBBISH = "not.a.token"


@pytest.fixture(scope="module")
def hub(start_for_module):
    return start_for_module(hub={**BOTH, "publish_origins": ["https://admin.example"]})


@pytest.fixture
def room(hub):
    with Room(hub) as room:
        yield room


def gets_private(room, hub, path, headers=()):
    stream = room.reader(path, headers)
    assert stream.status == 200, stream.text
    hub.publish("secret", "hidden", private="on")
    return room.heard(stream)[0] == ["hidden"]


# -- carriers ------------------------------------------------------------------------------------

CARRIERS = {
    "header": (query(topic="secret"), bearer(v0("secret"))),
    "header, in capitals": (query(topic="secret"), {"authorization": f"BEARER {v0('secret')}"}),
    "query": (query(topic="secret", authorization=v0("secret")), {}),
    "query of a path": (f"/events/secret?authorization={v0('secret')}", {}),
    "cookie": (query(topic="secret"), cookie(v0("secret"))),
    "cookie among others": (query(topic="secret"),
                            {"cookie": f"a=b; {COOKIE}={v0('secret')}; theme=dark"}),
    "cookie of 1.0": (query(match="secret"), cookie(v1("secret"), COOKIE_V1)),
    "header beside a cookie for something else": (
        query(topic="secret"), {"authorization": "Basic eDp5", **cookie(v0("secret"))}),
}


@pytest.mark.parametrize("way", CARRIERS)
def test_a_token_may_be_carried_by(room, hub, way):
    assert gets_private(room, hub, *CARRIERS[way])


def test_a_cookie_that_comes_in_crumbs_is_found(room, hub):
    stream = room.ask_with_fields(query(topic="secret"), [
        ("cookie", "a=b"), ("cookie", f"{COOKIE}={v0('secret')}"), ("cookie", "c=d")])
    hub.publish("secret", "hidden", private="on")
    assert room.heard(stream) == [["hidden"]]


def test_the_header_wins_over_the_query_and_the_query_over_the_cookie(room, hub):
    good, poor = v0("secret"), v0("nothing")
    in_query = query(topic="secret", authorization=good)
    assert not gets_private(room, hub, in_query, {**bearer(poor), **cookie(good)})
    assert gets_private(room, hub, in_query, cookie(poor))
    assert room.ask("GET", in_query, {**bearer(RUBBISH), **cookie(good)}).status == 401


def test_an_answer_for_somebody_in_particular_is_private_to_caches(room):
    shown = [room.reader(*CARRIERS[way]).headers["cache-control"] for way in ("query", "cookie", "header")]
    assert shown == ["private, no-cache, no-transform"] * 3
    assert room.reader(query(topic="a")).headers["cache-control"] == "no-cache, no-transform"
    expired = query(topic="a", authorization=v0("a", exp=1))
    assert room.ask("GET", expired).headers["cache-control"].startswith("private")


def test_the_cookies_have_the_names_that_the_operator_gave_them(start):
    names = {"cookie": "old", "cookie_v1": "new"}
    gateway = start(hub={**BOTH, **names})
    with Room(gateway) as room:
        assert gets_private(room, gateway, query(topic="secret"), cookie(v0("secret"), "old"))
        assert gets_private(room, gateway, query(match="secret"), cookie(v1("secret"), "new"))
        assert not gets_private(room, gateway, query(topic="secret"), cookie(v0("secret"), COOKIE))


# -- a cookie that publishes ---------------------------------------------------------------------


def publish_with_cookie(room, **headers):
    body = urllib.parse.urlencode({"topic": "news", "data": "x"}).encode()
    fields = {"content-type": FORM, **cookie(PUBLISHER), **headers}
    return room.ask("POST", HUB, fields, body).status


@pytest.mark.parametrize("headers, status", [
    ({"origin": "https://admin.example"}, 200),
    ({"origin": "https://localhost"}, 200),
    ({"referer": "https://admin.example/page?x=1"}, 200),
    ({"origin": "https://evil.example"}, 400),
    ({"origin": "https://admin.example.evil.example"}, 400),
    ({"origin": "null"}, 400),
    ({"referer": "https://evil.example/?https://admin.example"}, 400),
    ({"origin": "https://evil.example", "referer": "https://admin.example/"}, 400),
    ({}, 400),
], ids=["listed", "own", "referer", "other", "longer", "null", "referer of another", "origin first", "none"])
def test_with_a_cookie_only_pages_of_our_own_and_of_listed_origins_publish(room, headers, status):
    assert publish_with_cookie(room, **headers) == status


def test_with_a_header_any_page_that_has_the_token_publishes(room):
    headers = {**bearer(PUBLISHER), "origin": "https://evil.example", "cookie": f"{COOKIE}=x"}
    body = urllib.parse.urlencode({"topic": "news", "data": "x"}).encode()
    assert room.ask("POST", HUB, {"content-type": FORM, **headers}, body).status == 200


# -- RFC 6750 ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def closed_hub(start_for_module):
    return start_for_module(hub={**BOTH, "anonymous": False, "subscriptions": True,
                                 "public_url": f"https://hub.example{HUB}"})


@pytest.mark.parametrize("headers, status, error", [
    ({}, 401, None),
    ({"authorization": "Basic eDp5"}, 401, None),
    (bearer(RUBBISH), 401, "invalid_token"),
    (bearer(v0("a", exp=1)), 401, "invalid_token"),
    (bearer(jwt({"mercure": {}}, secret="another-secret-of-32-bytes-or-so!")), 401, "invalid_token"),
    ({"authorization": "Bearer"}, 400, "invalid_request"),
], ids=["none", "another scheme", "rubbish", "expired", "another key", "nothing behind it"])
def test_a_refusal_says_in_the_form_of_rfc_6750_what_is_wrong(closed_hub, headers, status, error):
    with Room(closed_hub) as room:
        answer = room.ask("GET", query(topic="a"), headers)
    assert answer.status == status
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith(f'Bearer resource_metadata="https://hub.example{METADATA}"')
    assert f'error="{error}"' in challenge if error else "error" not in challenge


def test_no_grant_is_insufficient_scope(closed_hub):
    with Room(closed_hub) as room:
        answer = room.ask("GET", f"{HUB}/subscriptions", bearer(v0("a")))
    assert answer.status == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_without_a_public_url_the_challenge_points_to_where_the_request_went(start):
    gateway = start(hub={**BOTH, "anonymous": False})
    with Room(gateway) as room:
        challenge = room.ask("GET", query(topic="a")).headers["www-authenticate"]
        assert challenge == f'Bearer resource_metadata="https://localhost{METADATA}"'


# -- the matrix ----------------------------------------------------------------------------------

SUBJECTS, EVENTS = 50, 10_000


def matrix(seed):
    """For each event the subjects that it is for."""
    chance = random.Random(seed)
    return [chance.sample(range(SUBJECTS), chance.randint(1, 3)) for _ in range(EVENTS)]


@pytest.mark.limit(180)
def test_of_ten_thousand_private_events_every_subject_gets_exactly_its_own(start):
    """Each reader asks for everything; its token alone decides."""
    gateway = start(binary("SLUICE_RELEASE_BINARY"), hub=BOTH, server={"workers": 2})
    events = matrix(seed=7)
    with H2(gateway.tls, timeout=120) as client:
        numbers = [client.subscribe(query(topic="*"), bearer(v0(f"subject/{n}")))
                   for n in range(SUBJECTS)]
        stranger = client.subscribe(query(topic="*"))
        client.opened(*numbers, stranger)
        with gateway.publisher() as publisher:
            for number, subjects in enumerate(events):
                publisher.publish([f"subject/{n}" for n in subjects], str(number), private="on")
            publisher.publish("all", "end")
        everyone = [client.streams[number] for number in (*numbers, stranger)]
        client.pump(lambda: all(data_of(s)[-1:] == ["end"] for s in everyone), "the end everywhere")
    for subject, stream in enumerate(everyone[:-1]):
        own = [str(number) for number, subjects in enumerate(events) if subject in subjects]
        assert data_of(stream) == [*own, "end"]
    assert data_of(everyone[-1]) == ["end"]

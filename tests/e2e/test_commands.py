"""The command line, as the manual shows it."""

import json
import re
import signal
import subprocess

import pytest

import harness
import settings
from application import Application
from clients import H1, H2
from harness import run

pytestmark = pytest.mark.quick


@pytest.fixture
def key_file(tmp_path):
    file = tmp_path / "hub.key"
    file.write_text(settings.SECRET)
    return file


@pytest.fixture
def publisher_env(tmp_path):
    return {"SLUICE_TOKEN": settings.PUBLISHER, "XDG_STATE_HOME": str(tmp_path)}


def test_publish_prints_the_id_and_the_event_arrives(gateway, publisher_env):
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/news")
        client.opened(stream)
        done = run("publish", f"http://127.0.0.1:{gateway.clear}", "--topic", "news",
                   "--data", "hello", "--type", "note", env=publisher_env)
        assert done.returncode == 0, done.stderr
        event = client.events(stream, 1)[0]
    assert (event.id, event.type, event.data) == (done.stdout.strip(), "note", "hello")


def test_publish_reads_its_data_from_stdin_and_may_name_the_topic_in_the_url(
        gateway, publisher_env):
    done = run("publish", f"https://127.0.0.1:{gateway.tls}/events/news", "--insecure",
               input="from stdin", env=publisher_env)
    assert done.returncode == 0, done.stderr
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/news?lastEventID=earliest")
        assert client.events(stream, 1)[0].data == "from stdin"


@pytest.mark.parametrize("secure", [True, False], ids=["https", "http"])
def test_publish_streams_stdin_in_one_request_and_prints_what_is_acknowledged(
        gateway, publisher_env, secure):
    url = (f"https://localhost:{gateway.tls}" if secure else f"http://127.0.0.1:{gateway.clear}")
    ca = ["--ca", str(gateway.directory / "cert.pem")] if secure else []
    count = 20_000
    done = run("publish", url, "--topic", "news", "--stream", *ca, env=publisher_env,
               input="".join(f"data: {n}\n\n" for n in range(count)))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["events"] == count
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/news?lastEventID=earliest")
        events = client.events(stream, count, 30)
    assert [int(event.data) for event in events] == list(range(count))
    requests = gateway.metric("sluice_requests_total", protocol="http/1.1")
    assert requests == 1


def test_publish_stream_goes_on_while_its_input_does(gateway, publisher_env):
    process = subprocess.Popen(
        [harness.binary(), "publish", f"http://127.0.0.1:{gateway.clear}", "--stream"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**harness.environment(), **publisher_env})
    with process, H2(gateway.tls) as client:
        stream = client.subscribe("/.well-known/mercure?topic=*")
        client.opened(stream)
        for n, topic in enumerate(["a", "b"], 1):
            process.stdin.write(f"topic: {topic}\ndata: {n}\n\n".encode())
            process.stdin.flush()
            assert client.events(stream, n)[-1].data == str(n)
            assert json.loads(process.stdout.readline())["events"] == n
        process.stdin.close()
        assert process.wait(20) == 0


@pytest.mark.parametrize("secure", [True, False], ids=["https", "http"])
def test_publish_stream_tells_which_event_breaks_a_rule(gateway, publisher_env, secure):
    url = (f"https://localhost:{gateway.tls}" if secure else f"http://127.0.0.1:{gateway.clear}")
    done = run("publish", f"{url}/events/news", "--stream", "--insecure", env=publisher_env,
               input="data: one\n\nid: #\ndata: two\n\n" + "data: more\n\n" * 200_000)
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[-1])["events"] == 1
    assert '"event":2' in done.stderr and '"status":400' in done.stderr


def test_publish_stream_that_is_refused_says_why(gateway, tmp_path):
    env = {"XDG_STATE_HOME": str(tmp_path)}
    done = run("publish", f"http://127.0.0.1:{gateway.clear}/events/a", "--stream", env=env,
               input="data: one\n\n" * 100_000)
    assert done.returncode == 1 and "401" in done.stderr and "token" in done.stderr
    done = run("publish", f"https://localhost:{gateway.tls}/events/a", "--stream", env=env, input="")
    assert done.returncode == 1 and "certificate" in done.stderr
    done = run("publish", f"https://localhost:{gateway.clear}/events/a", "--stream", env=env, input="")
    assert done.returncode == 1 and "http://" in done.stderr
    done = run("publish", f"http://localhost:{gateway.tls}/events/a", "--stream", env=env, input="")
    assert done.returncode == 1 and "https://" in done.stderr


def test_publish_sends_a_batch_and_prints_its_ids(gateway, publisher_env, tmp_path):
    file = tmp_path / "events.json"
    file.write_text('[{"topic": "a", "data": 1, "id": "own"}, {"topic": "b", "data": "x"}]')
    url = f"http://127.0.0.1:{gateway.clear}"
    done = run("publish", url, "--batch", file, "--idempotency-key", "k", env=publisher_env)
    assert done.returncode == 0, done.stderr
    ids = done.stdout.split()
    assert len(ids) == 2 and ids[0] == "own"
    done = run("publish", url, "--batch", "-", input='[{"data": 1}]', env=publisher_env)
    assert done.returncode == 1 and "event 1: topic" in done.stderr


def test_publish_without_a_token_says_what_to_do(gateway, tmp_path):
    done = run("publish", f"http://127.0.0.1:{gateway.clear}", "--topic", "a", "--data", "x",
               env={"XDG_STATE_HOME": str(tmp_path)})
    assert done.returncode == 1
    assert "token" in done.stderr


@pytest.mark.parametrize("by", ["--token", "--token-file", "$SLUICE_TOKEN", "state"])
def test_publish_says_which_token_was_refused(gateway, tmp_path, by):
    file = tmp_path / "sluice" / "publisher.jwt"
    file.parent.mkdir()
    file.write_text("not.a.token")
    options = {"--token": [by, "not.a.token"], "--token-file": [by, file]}.get(by, [])
    env = {"XDG_STATE_HOME": str(tmp_path)}
    if by == "$SLUICE_TOKEN":
        env["SLUICE_TOKEN"] = "not.a.token"
    done = run("publish", f"http://127.0.0.1:{gateway.clear}/events/a", "--data", "x", *options,
               env=env)
    assert done.returncode == 1
    origin = by if by in ("--token", "$SLUICE_TOKEN") else str(file)
    assert f"the token was from {origin}\n" in done.stderr


def test_publish_in_the_clear_to_a_tls_port_says_what_may_be_wrong(gateway, publisher_env):
    done = run("publish", f"http://127.0.0.1:{gateway.tls}/events/a", "--data", "x",
               env=publisher_env)
    assert done.returncode == 1 and "is it an https:// address?" in done.stderr


def test_publish_to_nobody_says_so(publisher_env):
    done = run("publish", "http://127.0.0.1:1", "--topic", "a", "--data", "x", env=publisher_env)
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr


def test_subscribe_prints_json_lines_and_ends_after_the_count(gateway, publisher_env):
    ids = [gateway.publish("news", text) for text in ("one", "two")]
    done = run("subscribe", f"http://127.0.0.1:{gateway.clear}", "--topic", "news", "--json",
               "--last-event-id", "earliest", "--count", "2", env=publisher_env)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(event["id"], event["data"]) for event in events] == list(zip(ids, ("one", "two")))


def test_subscribe_prints_event_stream_blocks(gateway, publisher_env):
    id = gateway.publish("news", "two\nlines", type="note")
    done = run("subscribe", f"http://127.0.0.1:{gateway.clear}/events/news",
               "--last-event-id", "earliest", "--count", "1", env=publisher_env)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.strip().splitlines()) == {
        f"id: {id}", "event: note", "data: two", "data: lines"}


def test_subscribe_comes_back_after_a_restart_and_misses_nothing_it_could_get(
        start, publisher_env):
    first = start()
    process = subprocess.Popen(
        [harness.binary(), "subscribe", f"http://127.0.0.1:{first.clear}", "--topic", "news",
         "--json", "--count", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**harness.environment(), **publisher_env})
    try:
        harness.wait_until(lambda: first.metric("sluice_streams") == 1, "the subscription")
        first.publish("news", "before")
        assert json.loads(process.stdout.readline())["data"] == "before"
        first.stop()
        second = start(listen=[{"address": f"127.0.0.1:{first.clear}", "tls": False}])
        last = json.loads(process.stdout.readline())
        assert last["type"] == "gap", last
        assert process.wait(20) == 0
        assert second.clear == first.clear
    finally:
        process.kill()
        process.communicate()


def test_subscribe_gives_up_on_what_a_browser_would_give_up_on(gateway, publisher_env):
    done = run("subscribe", f"http://127.0.0.1:{gateway.clear}/nothing", env=publisher_env)
    assert done.returncode == 1 and "404" in done.stderr


def test_subscribe_ends_well_on_control_c(gateway, publisher_env):
    process = subprocess.Popen(
        [harness.binary(), "subscribe", f"http://127.0.0.1:{gateway.clear}/events/a"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**harness.environment(), **publisher_env})
    try:
        harness.wait_until(lambda: gateway.metric("sluice_streams") == 1, "the subscription")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()


def test_token_makes_a_token_that_the_hub_takes(gateway, key_file):
    done = run("token", "--publish", "news/{id}", "--subscribe", "*", "--ttl", "1h",
               "--key-file", key_file)
    assert done.returncode == 0, done.stderr
    token = done.stdout.strip()
    with gateway.publisher(token) as publisher:
        assert publisher.form([("topic", "news/1"), ("data", "x")])[0] == 200
    with gateway.publisher(token) as publisher:
        assert publisher.form([("topic", "sport"), ("data", "x")])[0] == 403


def test_token_makes_a_token_that_a_route_takes(start, key_file):
    with Application() as app:
        @app.at("/*")
        async def page(exchange):
            await exchange.reply(200, b"in")

        gateway = start(route=[{
            "path": "/*", "upstream": app.url, "token": "required",
            "keys": [{"secret": settings.SECRET, "issuer": "us", "audience": "them"}],
            "claims": {"scope": "read", "tenant": "a"}}])

        def status(*options):
            done = run("token", "--key-file", key_file, "--issuer", "us", "--audience", "them",
                       *options)
            assert done.returncode == 0, done.stderr
            with H1(gateway.clear) as client:
                client.request("GET", "/", {"authorization": f"Bearer {done.stdout.strip()}"})
                return client.answer().status

        assert status("--claim", "scope=write read", "--claim", "tenant=a") == 200
        assert status("--claim", "scope:=[\"read\"]", "--claim", "tenant=a") == 200
        assert status("--subject", "ada", "--claim", "tenant=a") == 403
    done = run("token", "--key-file", key_file, "--claim", "exp=1")
    assert done.returncode == 2 and "--ttl" in done.stderr
    done = run("token", "--key-file", key_file)
    assert done.returncode == 2 and "--claim" in done.stderr


# -- check -----------------------------------------------------------------------------------------

GOOD = settings.toml(settings.config())


def check(tmp_path, certificate, text):
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_bytes((certificate / name).read_bytes())
    file = tmp_path / "sluice.toml"
    file.write_text(text)
    return file, run("check", "--config", file)


def test_check_says_that_a_good_file_is_good(tmp_path, certificate):
    file, done = check(tmp_path, certificate, GOOD)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{file}: ok\n", "")
    assert run("check", file).stdout == done.stdout


@pytest.mark.parametrize("good, bad, hint", [
    ("workers = 1", "wrokers = 1", "workers"),
    ("workers = 1", 'workers = "many"', "workers"),
    ("workers = 1", "workers = -1", "workers"),
    ("workers = 1", "workers = ", ""),
    ("[heartbeat]", "[hartbeat]", "heartbeat"),
    ('interval = "15s"', 'interval = "15 parsecs"', "interval"),
    ('max_bytes = "256MiB"', 'max_bytes = "256 MegaBananas"', "max_bytes"),
    ('journal = "memory"', 'journal = "clay tablets"', "memory"),
    ("a-contract-secret-of-32-bytes-or-more", "short", "32"),
    ('"cert.pem"', '"absent.pem"', "absent.pem"),
    ('"127.0.0.1:0"', '"127.0.0.1:99999"', "99999"),
])
def test_check_tells_the_place_of_a_fault_and_what_would_be_right(
        tmp_path, certificate, good, bad, hint):
    assert good in GOOD
    text = GOOD.replace(good, bad, 1)
    file, done = check(tmp_path, certificate, text)
    assert done.returncode == 2
    said = (done.stdout + done.stderr).splitlines()
    places = [re.fullmatch(rf"{re.escape(str(file))}:(\d+):(\d+): (.+)", line) for line in said]
    assert any(places), said
    first = next(place for place in places if place)
    line = 1 + text[:text.index(bad)].count("\n")
    assert abs(int(first[1]) - line) <= (bad == "workers = "), said
    assert hint in first[3]


@pytest.mark.parametrize("name, hint", [
    ("logs", "is a folder"), ("none/access.log", "none: No such file or directory")])
def test_check_and_serve_refuse_an_access_log_that_cannot_be(tmp_path, certificate, name, hint):
    (tmp_path / "logs").mkdir()
    text = settings.toml(settings.config(access_log={"file": name}))
    file, done = check(tmp_path, certificate, text)
    line = 1 + text[:text.index(f'"{name}"')].count("\n")
    assert done.returncode == 2
    assert f"{file}:{line}:" in done.stdout + done.stderr and hint in done.stdout + done.stderr
    served = run("serve", "--config", file)
    assert served.returncode == 2 and hint in served.stderr


def test_check_warns_of_what_may_not_be_meant_and_finds_it_good(tmp_path, certificate):
    routes = [{"path": "/admin", "upstream": "http://127.0.0.1:1", "auth_url": "http://127.0.0.1:2"},
              {"path": "/*", "upstream": "http://127.0.0.1:1"}]
    file, done = check(tmp_path, certificate, settings.toml(settings.config(route=routes)))
    warning, ok = done.stdout.splitlines()
    assert done.returncode == 0 and ok == f"{file}: ok"
    assert ': warning: route[0].path: "/admin" asks who it is, but "/admin/" goes unasked' in warning


def test_check_reports_every_fault_at_once(tmp_path, certificate):
    text = GOOD.replace("workers = 1", "wrokers = 1").replace('"15s"', '"soon"')
    _, done = check(tmp_path, certificate, text)
    said = done.stdout + done.stderr
    assert done.returncode == 2 and "wrokers" in said and "soon" in said


def test_serve_refuses_a_broken_file_with_the_same_words(tmp_path, certificate):
    text = GOOD.replace("workers = 1", "wrokers = 1")
    file, checked = check(tmp_path, certificate, text)
    served = run("serve", "--config", file)
    assert served.returncode == 2
    assert f"{file}:" in served.stderr and "wrokers" in served.stderr


def test_version_names_the_libraries():
    done = run("version")
    assert done.returncode == 0
    for name in ("sluice", "nghttp2", "OpenSSL", "libevent", "llhttp"):
        assert name.lower() in done.stdout.lower()


def test_the_reference_of_the_metrics_names_every_metric_that_is_exported(gateway):
    reference = run("reference", "metrics").stdout
    for name in {sample[0] for sample in gateway.metrics().samples}:
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        assert base in reference or name in reference, name


def test_the_reference_of_the_configuration_names_the_keys_of_the_example():
    done = run("reference", "config")
    assert done.returncode == 0
    for key in ("workers", "address", "certificate", "publisher_keys", "max_events", "interval"):
        assert key in done.stdout


def test_an_unknown_command_is_a_usage_error():
    assert run("fly").returncode == 2
    assert run("serve", "--confg", "x").returncode == 2
    assert run("--help").returncode == 0

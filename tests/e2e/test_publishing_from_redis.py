"""An application that has a Redis client and nothing of Sluice appends events itself: the examples of
docs/examples/publish-from-redis as they stand, beside a real Redis and a real instance."""

import os
import pathlib
import re
import shutil
import subprocess

import harness
import pytest
from clients import H2
from redis_server import redis, shared  # noqa: F401

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/examples/publish-from-redis"
PAGE = ROOT / "docs/publishing.md"
NEEDS = {
    "publish.sh": (["sh"], "redis-tools"),
    "publish.mjs": (["node"], "nodejs, and: npm --prefix tests/relay ci"),
    "publish.py": (["/usr/bin/python3"], "python3-redis"),
    "publish.php": (["php"], "php-cli and php-redis"),
}
TEXT = "Goal!\n  2 : 1, größer\r\n\"'$HOME *"


@pytest.fixture(params=sorted(NEEDS))
def application(request, tmp_path, redis):  # noqa: F811
    """The folder of an application: one of the examples, and the script. Call it with arguments."""
    folder = tmp_path / "application"
    folder.mkdir()
    shutil.copy(EXAMPLES / request.param, folder)
    (folder / "journal.lua").write_text(harness.run("reference", "script").stdout)
    (folder / "node_modules").symlink_to(ROOT / "tests/relay/node_modules")
    command, package = NEEDS[request.param]

    def run(*arguments, url=redis.url):
        assert shutil.which(command[0]), f"install {package}"
        return subprocess.run([*command, request.param, *arguments], cwd=folder, text=True,
                              capture_output=True, timeout=45, env={**os.environ, "REDIS": url})

    return run


def receipts(done):
    """Of each event its id, its position, and whether it is a repeat."""
    assert done.returncode == 0, done.stderr + done.stdout
    return [tuple(line.split(" ")) for line in done.stdout.splitlines()]


def test_every_example_is_run_and_told_of():
    names = {file.name for file in EXAMPLES.iterdir()}
    assert names == set(NEEDS)
    page = PAGE.read_text()
    assert [name for name in names if f"examples/publish-from-redis/{name}" not in page] == []


@pytest.mark.quick
def test_the_command_on_the_page_publishes_once_however_often_it_is_given(start, redis, tmp_path):  # noqa: F811
    """Also: it is the very script that instances call, so one that knows the one knows the other."""
    block = re.search(r"```sh\n(sluice reference script.*?)```", PAGE.read_text(), re.DOTALL)[1]
    gateway = start(history=shared(redis.url))
    (tmp_path / "sluice").symlink_to(harness.binary())
    env = {**harness.environment(), "REDIS": redis.url, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/news")
        client.opened(stream)
        for _ in range(2):
            subprocess.run(["sh", "-e", "-c", block], cwd=tmp_path, env=env, check=True, timeout=20)
        last = gateway.publish("news", "the end")
        events = client.events(stream, 2)
    assert [event.data for event in events] == ["Goal!", "the end"]
    assert events[1].id == last
    assert redis.ask("XLEN", "sluice") == "2"


def test_a_subscriber_gets_what_was_published_once_however_often_it_is_published(
        start, redis, application):  # noqa: F811
    gateway = start(history=shared(redis.url))
    with H2(gateway.tls) as client:
        stream = client.subscribe("/.well-known/mercure?topic=news&topic=sport")
        client.opened(stream)
        events = ("news", TEXT, "one", "sport", '{"goals": [2, 1]}', "two")
        first = receipts(application(*events))
        redis.ask("SCRIPT", "FLUSH")  # As behind a restart.
        again = receipts(application(*events))
        both = receipts(application("news", TEXT, "one", "sport", "the end", "three"))
        seen = client.events(stream, 3)
    assert [repeat for _, _, repeat in first] == ["0", "0"]
    assert [receipt[:2] for receipt in again] == [receipt[:2] for receipt in first]
    assert [repeat for _, _, repeat in again] == ["1", "1"]
    assert [repeat for _, _, repeat in both] == ["1", "0"]
    assert [position for _, position, _ in (*first, both[1])] == ["1", "2", "3"]
    assert [event.id for event in seen] == [first[0][0], first[1][0], both[1][0]]
    # A carriage return ends a line as a line feed does: that is how the protocol has it.
    assert [event.data for event in seen] == [TEXT.replace("\r\n", "\n"), '{"goals": [2, 1]}', "the end"]


def test_what_cannot_be_published_is_said_and_none_of_it_is(start, redis, application):  # noqa: F811
    gateway = start(history=shared(redis.url))
    done = application("news", "good", "one", "", "without a topic", "two")
    assert done.returncode != 0
    assert "a topic is empty" in done.stderr + done.stdout
    assert redis.ask("EXISTS", "sluice") == "0"
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/news")
        client.opened(stream)
        assert receipts(application("news", "good", "one"))[0][2] == "0", "the key was not used up"
        assert client.events(stream, 1)[0].data == "good"


def test_it_needs_no_instance_to_be_up(start, redis, application):  # noqa: F811
    receipts(application("news", "before the first", "one"))
    gateway = start(history=shared(redis.url))
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/news?lastEventID=earliest")
        assert client.events(stream, 1)[0].data == "before the first"


def test_with_the_user_that_the_page_makes_for_it(start, redis, application):  # noqa: F811
    """docs/scaling.md, Users."""
    page = (ROOT / "docs/scaling.md").read_text()
    redis.ask(*re.search(r"^ACL SETUSER publisher .*$", page, re.MULTILINE)[0].split())
    gateway = start(history=shared(redis.url))
    url = redis.url.replace("://", "://publisher:PASSWORD@")
    with H2(gateway.tls) as client:
        stream = client.subscribe("/events/news")
        client.opened(stream)
        receipts(application("news", "by a user", "one", url=url))
        redis.ask("SCRIPT", "FLUSH")
        receipts(application("news", "by a user, again", "two", url=url))
        assert [event.data for event in client.events(stream, 2)] == ["by a user", "by a user, again"]
    assert redis.ask("ACL", "LOG") == ""

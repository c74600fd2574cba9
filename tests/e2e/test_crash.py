"""kill -9 under load: what was acknowledged reaches every subscriber, once and in order.

A witness (tests/crash) publishes numbered events and reads with many subscribers that come back
each time. The gateway is killed at random moments and started again, with history in a file.

    SLUICE_CRASH_ROUNDS=20 SLUICE_CRASH_READERS=200 SLUICE_CRASH_RATE=5000 \\
        SLUICE_BINARY=build/release/gateway/sluice python3 -m pytest -s tests/e2e/test_crash.py
"""

import json
import os
import pathlib
import random
import subprocess
import time

import pytest

from harness import binary, environment, free_port
from settings import PUBLISHER

ROUNDS = int(os.environ.get("SLUICE_CRASH_ROUNDS", 3))
READERS = int(os.environ.get("SLUICE_CRASH_READERS", 40))
RATE = int(os.environ.get("SLUICE_CRASH_RATE", 1000))
SEED = int(os.environ.get("SLUICE_CRASH_SEED", random.randrange(1 << 32)))
PATIENCE = 60  # seconds until the last subscriber has everything
TIME_LIMIT = 90 + 6 * ROUNDS

LISTEN = [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "tls": False}]
FAULTS = ("missing", "repeated", "disordered", "misplaced", "strange", "epochs", "gaps",
          "bad_answers")

# Subscribers that are slow, or away until the end, come back from far behind; with a small ring and
# a small window they read the file, and cross from there into the window and into the ring.
FROM_THE_FILE = {"hub": {"ring_events": 64}, "history": {"window_events": 300}}
CASES = {
    "one worker": {"server": {"workers": 1}},
    "two workers": {"server": {"workers": 2}},
    "not synced": {"server": {"workers": 2}, "history": {"sync": "interval"}},
    "one worker, from the file": {"server": {"workers": 1}, **FROM_THE_FILE},
    "two workers, from the file": {"server": {"workers": 2}, **FROM_THE_FILE},
}


class Witness:
    """The program that publishes, reads, and judges."""

    def __init__(self, port, seed, **options):
        path = os.environ.get("SLUICE_WITNESS")
        path = path or pathlib.Path(binary()).parent.parent / "tests" / "crash" / "witness"
        assert os.access(path, os.X_OK), f"{path} is not there: build it, or set SLUICE_WITNESS"
        arguments = {"url": f"http://127.0.0.1:{port}/events/crash", "token": PUBLISHER,
                     "seed": seed, "rate": RATE, "readers": READERS, "patience": PATIENCE,
                     "slow": READERS // 10, "absent": READERS // 10, **options}
        words = [word for name, value in arguments.items() for word in (f"--{name}", str(value))]
        self.process = subprocess.Popen(
            [path, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment(), text=True)

    def __enter__(self):
        assert self.process.stdout.readline() == "publishing\n", self.process.communicate()[1]
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def verdict(self):
        """Stops publishing, and waits until all has been read."""
        out, errors = self.process.communicate(timeout=3 * PATIENCE)
        print(out.strip())
        assert out, f"the witness said nothing: {errors}"
        return json.loads(out), self.process.returncode, errors


def start_with_history(start, server=None, hub=None, history=None):
    kept = {"journal": "file", "path": "history", "max_events": 10_000_000, "max_bytes": "1GiB"}
    listen = [LISTEN[0], {**LISTEN[1], "address": f"127.0.0.1:{free_port()}"}]
    return start(listen=listen, server=server or {}, hub=hub or {},
                 history={**kept, **(history or {})})


def assert_nothing_is_lost(witness):
    verdict, status, errors = witness.verdict()
    assert {name: verdict[name] for name in FAULTS} == dict.fromkeys(FAULTS, 0), errors
    assert verdict["acknowledged"] > 0
    kept = verdict["acknowledged"] + verdict["unknown_kept"]
    assert verdict["received"] == verdict["readers"] * kept
    assert status == 0, errors


@pytest.mark.limit(TIME_LIMIT)
@pytest.mark.parametrize("case", CASES)
def test_kill_9_loses_repeats_and_reorders_nothing_that_was_acknowledged(start, case):
    print(f"\n{case}: seed {SEED}, {ROUNDS} rounds, {RATE} events a second, {READERS} readers")
    chance = random.Random(SEED)
    gateway = start_with_history(start, **CASES[case])
    with Witness(gateway.clear, SEED) as witness:
        for _ in range(ROUNDS):
            time.sleep(chance.uniform(0.3, 1.5))
            gateway.kill()
            gateway.assert_no_report()
            gateway.start()
        time.sleep(chance.uniform(0.3, 1.5))
        assert_nothing_is_lost(witness)
    if "from the file" in case:
        assert gateway.metric("sluice_history_pages_total") > 0, "history was read from the file"


@pytest.mark.limit(TIME_LIMIT)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_and_a_start_lose_nothing_either(start, workers):
    gateway = start_with_history(start, server={"workers": workers}, **FROM_THE_FILE)
    with Witness(gateway.clear, SEED) as witness:
        time.sleep(random.Random(SEED).uniform(0.3, 1.5))
        gateway.stop()
        gateway.start()
        time.sleep(0.3)
        assert_nothing_is_lost(witness)


def test_the_witness_sees_what_a_history_in_memory_loses(start):
    gateway = start_with_history(start, history={"journal": "memory", "max_events": 100_000})
    with Witness(gateway.clear, SEED, patience=3) as witness:
        time.sleep(0.5)
        gateway.kill()
        gateway.start()
        time.sleep(0.5)
        verdict, status, _ = witness.verdict()
    assert status == 1
    assert verdict["missing"] > 0, "who was away lost what was acknowledged"
    assert verdict["epochs"] > 0 and verdict["gaps"] > 0

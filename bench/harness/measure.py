"""One run, and all the rounds of a scenario.

Every run starts its server anew, on core 0; the load generator has core 1. The systems of a
scenario take turns within each round, so that all of them meet the same noise.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from harness.machine import fsync_ms
from harness.process import Failure, make_certificate, pinned
from harness.scenarios import adapted, load_of, name_of
from harness.systems import require_programs, running

LOAD_SLACK = 90  # seconds for the program that makes the load, beyond the times it was given
# Those programs, and the options that say how long they take.
PROGRAMS = {"load": ("settle", "warmup", "duration", "leave"),
            "resume": ("fill-limit", "phase-limit"),
            "publish": ("warmup", "duration"),
            "crowd": ("setup-limit", "heartbeat-limit", "duration", "duration", "duration",
                      "duration", "drain-limit")}


def measure(system, scenario, load, args, folder):
    """One run: a fresh server, one load generator. Returns the load generator's report."""
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    program = scenario.get("program", "load")
    with running(system, scenario, args, folder) as server:
        command = [args.build / "bench" / program, "--url", server.subscribe, "--publish-url",
                   server.publish, "--token", server.token, "--server-pid",
                   ",".join(map(str, server.pids)), "--json", report]
        for name, value in load.items():
            command += ["--" + name, value]
        limit = LOAD_SLACK + sum(float(load.get(k, 0)) for k in PROGRAMS[program])
        done = subprocess.run(pinned(1, command), capture_output=True, text=True, timeout=limit)
        if done.returncode != 0:
            print(f"-- {system}: bench/{program} ended with {done.returncode}\n{done.stdout}"
                  f"{done.stderr}-- its server said:\n{server.said()}", file=sys.stderr)
    if not report.exists():
        raise Failure(f"{system}: no report")
    return json.loads(report.read_text())


def perform(name, scenario, args):
    """All rounds of a scenario: a result for each shape and system, in their order."""
    systems = args.systems.split(",") if args.systems else scenario["systems"]
    require_programs(scenario.get("program", "load"), systems, args)
    rounds = args.rounds or (1 if args.quick else scenario["rounds"])
    results = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = pathlib.Path(temporary)
        make_certificate(folder)
        for number in range(rounds):
            for index, shape in enumerate(scenario["shape"]):
                if args.shapes and args.shapes not in name_of(shape):
                    continue
                load = load_of(scenario, shape, args.quick)
                for system in systems:
                    report = measure(system, adapted(scenario, shape), load, args, folder)
                    if "file" in system or "interval" in system:
                        report["fsync_ms"] = fsync_ms(folder)
                    result = results.setdefault((index, system), {
                        "shape": name_of(shape), "system": system, "load": load, "rounds": []})
                    result["rounds"].append(report)
                    print(f"{name} {number + 1}/{rounds} {name_of(shape)} {system}: "
                          f"{'clean' if report['clean'] else 'FAULTS'}", file=sys.stderr)
    return [results[key] for key in sorted(results, key=lambda k: (k[0], systems.index(k[1])))]

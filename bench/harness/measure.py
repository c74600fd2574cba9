"""One run, and all the rounds of a scenario.

Every run starts its server anew, on core 0, or servers; the load generator has core 1. The systems of a
scenario take turns within each round, so that all of them meet the same noise.
"""
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile

from harness.columns import reason_void
from harness.comparison import is_peer, load_for, running
from harness.machine import fsync_ms
from harness.origin import running_origin
from harness.process import Failure, make_certificate, pinned
from harness.scenarios import (adapted, baseline_named, is_for, is_for_peers, is_of_relays, load_of,
                               marks_of, name_of)
from harness.systems import FLOORS

LOAD_SLACK = 90  # seconds for the program that makes the load, beyond the times it was given
SAID = 2000  # characters of a server's last words, when something was wrong
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
    asked = None
    with contextlib.ExitStack() as stack:
        application = None
        if is_of_relays(scenario) and system not in FLOORS:
            application = stack.enter_context(running_origin(args, folder))
            scenario = {**scenario, "relay": {**scenario["relay"], "upstream": application.url}}
        server = stack.enter_context(running(system, scenario, args, folder))
        command = command_for(args.build / "bench" / program, server, application, load)
        command += ["--json", report]
        limit = LOAD_SLACK + sum(float(load.get(k, 0)) for k in PROGRAMS[program])
        done = subprocess.run(pinned(1, command), capture_output=True, text=True, timeout=limit)
        if done.returncode != 0:
            print(f"-- {system}: bench/{program} ended with {done.returncode}\n{done.stdout}"
                  f"{done.stderr}-- its server said:\n{server.said()[-SAID:]}", file=sys.stderr)
        asked = application and application.counts()
    if not report.exists():
        raise Failure(f"{system}: no report")
    return {**json.loads(report.read_text()), **({"source": asked} if asked else {})}


def command_for(program, server, application, load):
    """What makes the load. Where readers get the application's own events nothing is published."""
    command = [program, "--url", server.subscribe, "--server-pid",
               ",".join(map(str, server.pids))]
    if server.publish:
        command += ["--publish-url", server.publish]
    else:
        command += ["--source", application.url, "--source-pid",
                    ",".join(map(str, application.pids))]
    command += ["--token", server.token] if server.token else []
    command += ["--redis-port", server.redis_port] if server.redis_port else []
    for name, value in load.items():
        command += ["--" + name, value]
    return command


def measure_peer(system, *how):
    """The same, but what a peer cannot do is a result, and the others go on."""
    try:
        return measure(system, *how)
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        print(f"-- {failure}", file=sys.stderr)
        return {"failure": str(failure).splitlines()[0], "clean": False}


def measure_round(scenario, shape, systems, args, folder):
    """Each system once. Yields its name, the options of the load, and the report."""
    for system in systems:
        if is_peer(system) and not is_for_peers(shape) or not is_for(shape, system):
            continue
        load = {**load_of(scenario, shape), **load_for(system)}
        how = (adapted(scenario, shape), load, args, folder)
        report = measure_peer(system, *how) if is_peer(system) else measure(system, *how)
        if "file" in system or "interval" in system:
            report["fsync_ms"] = fsync_ms(folder)
        yield system, load, report


def perform(name, scenario, systems, args, results):
    """All rounds of a scenario. Adds to the dictionary `results`, which keeps what was measured
    when a later round fails; ordered() has them as a list."""
    rounds = args.rounds or scenario["rounds"]
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = pathlib.Path(temporary)
        make_certificate(folder)
        for number in range(rounds):
            for index, shape in enumerate(scenario["shape"]):
                if not is_wanted(shape, args):
                    continue
                for system, load, report in measure_round(scenario, shape, systems, args, folder):
                    result = results.setdefault((index, system), {
                        "shape": name_of(shape), "system": system, "load": load,
                        "marks": marks_of(shape), "rounds": [],
                        "baseline": baseline_named(scenario, shape)})
                    result["rounds"].append(report)
                    print(f"{name} {number + 1}/{rounds} {name_of(shape)} {system}: {said(report)}",
                          file=sys.stderr)


def is_wanted(shape, args):
    return not args.shapes or args.shapes in name_of(shape)


def ordered(results, systems):
    """A result for each shape and system, in their order."""
    return [results[key] for key in sorted(results, key=lambda k: (k[0], systems.index(k[1])))]


def said(report):
    return "clean" if report["clean"] else reason_void(report) or "FAULTS"

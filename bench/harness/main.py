"""The command line of bench/run."""
import argparse
import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys

from harness.columns import COLUMNS, summarise
from harness.comparison import chosen, is_peer, require, require_shape, versions
from harness.machine import machine, raise_descriptor_limit, warn_if_busy, warn_if_paced
from harness.measure import ordered, perform
from harness.process import Failure
from harness.scenarios import HERE, quickened, scenarios
from harness.systems import ENGINES, OWN
from harness.table import print_fsync, print_table
from peers import PEERS


def number_of_rounds(text):
    if int(text) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return int(text)


def arguments():
    parser = argparse.ArgumentParser(prog="bench/run", description="Runs a named benchmark.")
    parser.add_argument("name", nargs="*", help="a scenario; `relay idle` is `relay-idle`")
    parser.add_argument("--list", action="store_true", help="name the scenarios")
    parser.add_argument("--quick", action="store_true",
                        help="one round of at most 2 s, to see that it works: nothing is judged")
    parser.add_argument("--rounds", type=number_of_rounds, help="instead of the scenario's")
    parser.add_argument("--systems", help=f"some of {','.join(OWN)}")
    parser.add_argument("--against", help=f"beside these peers, and the floor: some of "
                        f"{','.join(PEERS)}; or `all`: those of them that are installed")
    parser.add_argument("--shapes", help="only shapes whose name contains this")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build" / "release",
                        help="the build folder, for the programs not named below")
    parser.add_argument("--gateway", type=pathlib.Path, help="BUILD/gateway/sluice")
    parser.add_argument("--config", type=pathlib.Path, default=HERE / "gateway.toml",
                        help="the gateway's; it finds cert.pem and key.pem beside it, and its "
                             "first publisher key is an HS256 secret")
    parser.add_argument("--path", default="/events/bench", help="where events are posted and read")
    parser.add_argument("--no-save", action="store_true", help="write no bench/results/*.json")
    args = parser.parse_args()
    args.name = "-".join(args.name)
    args.gateway = (args.gateway or args.build / "gateway" / "sluice").absolute()
    args.build = args.build.absolute()
    args.floor = (args.build / "bench" / "floor").absolute()
    return parser, args


def save(run, args):
    file = HERE / "results" / f"{run['scenario']}-{run['at']}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(run, indent=1))
    print(f"written to {file}")


def finish(name, scenario, results, begun_on, args, cut_short=""):
    """The table of what was measured, and its file. `cut_short` says why it is not all."""
    for result in results:
        summarise(result, COLUMNS[scenario["report"]])
    print(f"{name}: {scenario['title']}")
    print_table(scenario, results)
    print_fsync(results)
    told = versions({result["system"] for result in results}, scenario)
    for system in ENGINES.keys() & told.keys():
        print(f"{system}: {told[system]}")
    if not args.no_save:
        save({"scenario": name, "at": datetime.datetime.now().strftime("%Y%m%d-%H%M%S"),
              "quick": args.quick, "cut_short": cut_short,
              "machine": {**begun_on, "load_average": os.getloadavg()},
              "peers": told,
              "configuration": scenario, "results": results}, args)


def run(name, scenario, systems, args):
    """One scenario: its table, its file. True when nothing was lost, doubled or refused. What
    peers lose is in the table and the file, and their own affair."""
    begun_on = machine(args.gateway)
    measured = {}
    try:
        perform(name, scenario, systems, args, measured)
    except BaseException as reason:  # An interruption too: hours of rounds are not to be lost.
        if measured:
            told = str(reason) if isinstance(reason, Exception) else "interrupted"
            finish(name, scenario, ordered(measured, systems), begun_on, args, told)
        raise
    results = ordered(measured, systems)
    finish(name, scenario, results, begun_on, args)
    return all(report["clean"] for result in results if not is_peer(result["system"])
               for report in result["rounds"])


def planned(args, known):
    """Names, scenarios and systems of what is to be run, when all that it needs is there."""
    is_whole = not (args.systems or args.shapes or args.against)
    names = [args.name, *(known[args.name].get("then", []) if is_whole else [])]
    plan = []
    for name in names:
        scenario = quickened(known[name]) if args.quick else known[name]
        systems = chosen(name, scenario, args)
        require(systems, scenario, args)
        require_shape(name, scenario, args)
        plan.append((name, scenario, systems))
    return plan


def end_by_signal(number, _):
    """Ends by an exception, so that every server that was started is ended too."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def main():
    parser, args = arguments()
    known = scenarios()
    if args.list:
        width = max(map(len, known))
        for name, scenario in known.items():
            print(f"{name:{width}} {scenario['title']}")
        return 0
    if args.name not in known:
        parser.error(f"name a scenario: {', '.join(known)}")
    signal.signal(signal.SIGTERM, end_by_signal)
    try:
        plan = planned(args, known)
        raise_descriptor_limit()
        warn_if_busy()
        warn_if_paced()
        # All of them, also behind one that was not clean.
        are_clean = [run(*each, args) for each in plan]
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0 if all(are_clean) else 1

"""The command line of bench/run."""
import argparse
import datetime
import json
import pathlib
import subprocess
import sys

from harness.columns import COLUMNS, summarise
from harness.comparison import is_peer, versions
from harness.machine import machine, raise_descriptor_limit, warn_if_busy, warn_if_paced
from harness.measure import perform
from harness.process import Failure
from harness.scenarios import HERE, scenarios
from harness.systems import OWN
from harness.table import print_fsync, print_table
from peers import PEERS


def arguments():
    parser = argparse.ArgumentParser(prog="bench/run", description="Runs a named benchmark.")
    parser.add_argument("name", nargs="?", help="a scenario")
    parser.add_argument("--list", action="store_true", help="name the scenarios")
    parser.add_argument("--quick", action="store_true", help="one round of at most 2 s")
    parser.add_argument("--rounds", type=int, help="instead of the scenario's")
    parser.add_argument("--systems", help=f"some of {','.join(OWN)}")
    parser.add_argument("--against", help=f"beside these peers, and the floor: some of "
                        f"{','.join(PEERS)}, or all that are installed")
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
    args.gateway = (args.gateway or args.build / "gateway" / "sluice").absolute()
    args.build = args.build.absolute()
    args.floor = (args.build / "bench" / "floor").absolute()
    return parser, args


def save(name, scenario, results, args):
    now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    file = HERE / "results" / f"{name}-{now}.json"
    file.parent.mkdir(exist_ok=True)
    peers = versions({result["system"] for result in results})
    file.write_text(json.dumps({
        "scenario": name, "at": now, "quick": args.quick, "machine": machine(args.gateway),
        "peers": peers, "configuration": scenario, "results": results}, indent=1))
    print(f"written to {file}")


def run(name, scenario, args):
    """One scenario: its table, its file. True when nothing was lost, doubled or refused. What
    peers lose is in the table and the file, and their own affair."""
    results = perform(name, scenario, args)
    for result in results:
        summarise(result, COLUMNS[scenario["report"]])
    print(f"{name}: {scenario['title']}")
    print_table(scenario, results)
    print_fsync(results)
    if not args.no_save:
        save(name, scenario, results, args)
    return all(report["clean"] for result in results if not is_peer(result["system"])
               for report in result["rounds"])


def main():
    parser, args = arguments()
    known = scenarios()
    if args.list:
        for name, scenario in known.items():
            print(f"{name:8} {scenario['title']}")
        return 0
    if args.name not in known:
        parser.error(f"name a scenario: {', '.join(known)}")
    raise_descriptor_limit()
    warn_if_busy()
    warn_if_paced()
    names = [args.name, *known[args.name].get("then", [])]
    try:
        # All of them, also behind one that was not clean.
        are_clean = [run(name, known[name], args) for name in names]
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0 if all(are_clean) else 1

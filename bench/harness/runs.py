"""The files that bench/run wrote, and which of them stand for their scenarios."""
import json
import sys

from harness.columns import COLUMNS, summarise
from harness.process import Failure
from harness.scenarios import HERE, is_for, name_of

NEEDED = {"scenario", "at", "quick", "machine", "configuration", "results"}


def read(file):
    """A file of results. What they say together is made anew: columns come, and the file stays."""
    try:
        run = json.loads(file.read_text())
        lacking = NEEDED - run.keys()
        if lacking:
            raise Failure(f"{file}: not what bench/run writes now: no {', '.join(sorted(lacking))}")
        for result in run["results"]:
            summarise(result, COLUMNS[run["configuration"]["report"]])
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failure(f"{file}: not what bench/run writes ({error!r})") from error
    return {**run, "file": file}


def newest(runs):
    """The newest of each scenario, by its name."""
    return {run["scenario"]: run for run in sorted(runs, key=lambda run: run["at"])}


def measured_in(run):
    return {(result["shape"], result["system"]) for result in run["results"]}


def peers_in(run):
    return sorted({result["system"] for result in run["results"]}
                  - set(run["configuration"]["systems"]))


def lack_of(run):
    """What a run has not of its own scenario, in words; nothing when it is whole."""
    if run.get("cut_short"):
        return f"it was cut short: {run['cut_short']}"
    scenario = run["configuration"]
    measured = measured_in(run)
    shapes = [name_of(shape) for shape in scenario["shape"]]
    missing = [shape for shape in shapes if shape not in {shape for shape, _ in measured}]
    if missing:
        return f"without {'; '.join(missing)}"
    missing = [system for system in scenario["systems"]
               if any((name_of(shape), system) not in measured for shape in scenario["shape"]
                      if is_for(shape, system))]
    return f"without {', '.join(missing)}" if missing else ""


def why_not(run, taken):
    """Why a run is not to replace an older one that is taken, or None."""
    if run["quick"]:
        return "quick"
    lack = lack_of(run)
    fewer = [peer for peer in peers_in(taken) if peer not in peers_in(run)] if taken else []
    return lack or (f"without {', '.join(fewer)}, which the one of {taken['at']} has"
                    if fewer else "")


def chosen(runs):
    """For each scenario the newest run that is not quick, is whole, and has the peers that older
    ones have. Says on stderr which others are newer, and why they are left."""
    found = {}
    for run in sorted(runs, key=lambda run: run["at"]):
        reason = why_not(run, found.get(run["scenario"]))
        if not reason:
            found[run["scenario"]] = run
        elif not run["quick"]:
            print(f"{run['file']}: left ({reason}); name it to use it", file=sys.stderr)
    return found


def all_runs():
    """Of all scenarios, as they lie there, without files that cannot be read. Fails when there is
    nothing to choose from."""
    runs = []
    for file in sorted((HERE / "results").glob("*.json")):
        try:
            runs.append(read(file))
        except Failure as failure:
            print(f"{failure}: left", file=sys.stderr)
    if not runs:
        raise Failure(f"no results in {HERE / 'results'}: bench/run makes them")
    if all(run["quick"] for run in runs):
        raise Failure("nothing but quick runs: name files to use them")
    return runs

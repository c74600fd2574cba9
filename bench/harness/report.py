"""The tables and plots of docs/benchmarks.md, from the files that bench/run wrote."""
import argparse
import pathlib
import re
import statistics
import sys

from harness import runs
from harness.columns import (COLUMNS, FAULTS, NOTHING, baseline_of, faults_of, figure,
                             head_of_ratio, label_of_baseline, ratio_of, reason_void, remarks_on)
from harness.marks import AT_LEAST, marked_value, verdict_of
from harness.names import NAMES
from harness.panels import panels_of, unit
from harness.plot import svg
from harness.process import Failure
from harness.scenarios import HERE

DOCS = HERE.parent / "docs" / "benchmarks.md"
BUSY = 1  # load average at the start from which a section says so first
SIGNS = "†‡§¶"


def told_faults(result):
    faults = {kind: count for kind, count in faults_of(result).items() if count}
    return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(
        faults.items(), key=lambda fault: fault[0] not in FAULTS)) or "none"


def named(label):
    return NAMES.get(label, label)


def ratio_cell(result, results, scenario):
    base = baseline_of(result, results, scenario)
    ratio = ratio_of(result, base, COLUMNS[scenario["report"]][0][1])
    label = label_of_baseline(result, scenario)
    return f"{ratio:.2f}{f' (to {named(label)})' if label else ''}" if ratio else NOTHING


def row_of(result, results, scenario, footnotes):
    """`footnotes`: what rows remark, each → its sign."""
    columns = COLUMNS[scenario["report"]]
    _, path, form = columns[0]
    has_ratio = bool(head_of_ratio(results, scenario))
    who = [result["shape"], named(result["system"])]
    if not result["median"]:
        return [*who, NOTHING, *[""] * (has_ratio + len(columns)), result["void"][0]]
    spread = result["spread"][path]
    width = (f"{form.format(spread['least'])}–{form.format(spread['most'])} "
             f"({spread['relative'] * 100:.0f} %)") if len(result["rounds"]) > 1 else NOTHING
    shown = [figure(result, column) for column in columns]
    for remark in remarks_on(result, scenario):
        shown[1] += f" {footnotes.setdefault(remark, SIGNS[len(footnotes)])}"
    first = [shown[0], width, *([ratio_cell(result, results, scenario)] if has_ratio else [])]
    if result["system"] == "sluice":
        who[1:], first = [f"**{who[1]}**"], [
            cell if cell == NOTHING else f"**{cell}**" for cell in first]
    return [*who, *first, *shown[1:], told_faults(result)]


def table_of(run):
    """The table, and what its signs mean."""
    scenario, results = run["configuration"], run["results"]
    columns = COLUMNS[scenario["report"]]
    ratio_head = head_of_ratio(results, scenario)
    head = ["shape", "system", unit(columns[0]), "least–most (spread)",
            *([f"/ {named(ratio_head[2:])}"] if ratio_head else []),
            *[unit(column) for column in columns[1:]], "faults"]
    footnotes = {}
    rows = [head, ["---"] * len(head)]
    rows += [row_of(result, results, scenario, footnotes) for result in results]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return table + "".join(f"\n{sign} {remark}.\n" for remark, sign in footnotes.items())


def told_marks(run):
    """What the gateway has to meet, and whether it does."""
    scenario, results = run["configuration"], run["results"]
    columns = COLUMNS[scenario["report"]]
    said = []
    for result in [] if run["quick"] else results:
        base = baseline_of(result, results, scenario)
        verdict = verdict_of(result, base, columns)
        if verdict:
            who = "" if result["system"] == "sluice" else f", {named(result['system'])}"
            said.append(f"{result['shape']}{who}: {result['marks']['of']} "
                        f"{marked_value(result, base, columns):.3g}, {verdict}")
    is_least = any(result["marks"].get("of") in AT_LEAST for result in results)
    return f"Marks (at {'least' if is_least else 'most'}): {'; '.join(said)}.\n" if said else ""


def told_fsync(results):
    """How long the disk took beside runs that wrote to it."""
    times = [report["fsync_ms"] for result in results for report in result["rounds"]
             if "fsync_ms" in report]
    return (f" `fdatasync` of 4 KiB, beside each run with a file: {min(times):.2f} to "
            f"{max(times):.2f} ms, median {statistics.median(times):.2f}.") if times else ""


def steal_of(results):
    """The most that a hypervisor took, of any core in any run."""
    return max((share for result in results for report in result["rounds"]
                if not reason_void(report)
                for share in report.get("measured", {}).get("steal", [])), default=0)


def told_load(machine):
    if "load_average_at_start" in machine:
        return f"load average {machine['load_average_at_start'][0]:.1f} at the start"
    return f"load average {machine['load_average'][0]:.1f} at the end"


def told_commit(commit):
    is_dirty = commit.endswith("-dirty")
    return commit.removesuffix("-dirty") + (" with changes not committed" if is_dirty else "")


def told_run(run):
    machine = run["machine"]
    day = f"{run['at'][:4]}-{run['at'][4:6]}-{run['at'][6:8]}"
    rounds = max(len(result["rounds"]) for result in run["results"])
    congestion = f" ({machine['congestion_control']})" if machine.get("congestion_control") else ""
    peers = "".join(f" {named(name)}: {version}."
                    for name, version in sorted(run.get("peers", {}).items()))
    return (f"{day}, {rounds} round{'s' if rounds > 1 else ''}{', quick' if run['quick'] else ''}: "
            f"{machine['cores']} cores of {machine['cpu']}, Linux {machine['kernel']}{congestion}, "
            f"{machine['openssl'].partition(' (')[0]}, commit {told_commit(machine['commit'])}; "
            f"{told_load(machine)}, steal {steal_of(run['results']):.2f} at most."
            f"{told_fsync(run['results'])}{peers}")


def warnings_of(run):
    """What a reader has to know before the figures."""
    said = []
    busy = run["machine"].get("load_average_at_start", [0])[0]
    if busy > BUSY:
        said.append(f"The machine was busy when this run began (load average {busy:.1f}): times "
                    "say little, and ratios less than they should.")
    if run["quick"]:
        said.append("A quick run, which shows that it works and is no measurement.")
    elif runs.lack_of(run):
        said.append(f"Not the whole scenario: {runs.lack_of(run)}.")
    return "".join(f"**{sentence}**\n\n" for sentence in said)


def section_of(run):
    title = run["configuration"]["title"]
    return (f"{warnings_of(run)}![{title}](benchmarks/{run['scenario']}.svg)\n\n{table_of(run)}\n"
            f"{told_marks(run)}{told_run(run)}\n")


def put_between(document, name, section):
    """The document with what stands between the markers of `name` replaced; None without them."""
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.S)
    if not pattern.search(document):
        return None
    return pattern.sub(lambda found: found[1] + section + found[2], document)


def write(document, taken):
    """Puts the sections of those runs between their markers, and their plots beside the page."""
    text = document.read_text()
    plots = document.parent / "benchmarks"
    plots.mkdir(exist_ok=True)
    for name, run in taken.items():
        changed = put_between(text, name, section_of(run))
        if changed is None:
            print(f"{name}: left out, {document} has no <!-- {name} -->", file=sys.stderr)
            continue
        text = changed
        (plots / f"{name}.svg").write_text(svg(run["configuration"]["title"], panels_of(run)))
        print(f"{name}: from {run['file']}", file=sys.stderr)
    document.write_text(text)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="bench/report", description="Puts results into the document, as tables and plots.")
    parser.add_argument("files", nargs="*", type=pathlib.Path,
                        help="of bench/results; without any, for each scenario the newest that is "
                             "whole: not quick, with all its shapes and systems, and with the "
                             "peers that older ones have")
    parser.add_argument("--document", type=pathlib.Path, default=DOCS)
    args = parser.parse_args(arguments)
    try:
        taken = (runs.newest(map(runs.read, args.files)) if args.files
                 else runs.chosen(runs.all_runs()))
        write(args.document, taken)
    except (Failure, OSError) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0

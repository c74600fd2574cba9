"""The tables and plots of docs/benchmarks.md, from the files that bench/run wrote."""
import argparse
import json
import pathlib
import re
import sys

from harness.columns import (COLUMNS, FAULTS, NOTHING, baseline_of, faults_of, figure, ratio_of,
                             reason_void, summarise)
from harness.plot import Bar, Panel, svg
from harness.scenarios import HERE
from harness.systems import FLOORS, HISTORIES
from peers import PEERS

DOCS = HERE.parent / "docs" / "benchmarks.md"
NAMES = {"floor": "floor", "floor-batch": "floor, batched", "sluice": "Sluice",
         "sluice-file": "Sluice, file, always", "sluice-interval": "Sluice, file, interval",
         **{name: peer.title for name, peer in PEERS.items()}}


def newest(files):
    """The newest result of each scenario."""
    found = {}
    for run in map(read, files):
        known = found.get(run["scenario"])
        if not known or known["at"] < run["at"]:
            found[run["scenario"]] = run
    return found


def read(file):
    """A file of results. What they say together is made anew: columns come, and the file stays."""
    run = json.loads(file.read_text())
    for result in run["results"]:
        summarise(result, COLUMNS[run["configuration"]["report"]])
    return run


def all_files():
    return [file for file in sorted((HERE / "results").glob("*.json"))
            if not json.loads(file.read_text()).get("quick", True)]


def kind_of(system):
    return "floor" if system in FLOORS else "ours" if system in HISTORIES else "peer"


# --- plots ---

def plotted_column(marks, columns):
    """The column that the marks of a shape speak of, or the first."""
    return next((column for column in columns if column[0] == marks.get("of")), columns[0])


def bar_for(result, column, name=None):
    _, path, _ = column
    name = name or NAMES.get(result["system"], result["system"])
    if path not in result["median"]:
        return Bar(name, kind_of(result["system"]))
    spread = result["spread"][path]
    return Bar(name, kind_of(result["system"]), result["median"][path], spread["least"],
               spread["most"], figure(result, column))


def marks_for(marks, column, base):
    """The values of must and goal on the axis of that column."""
    if marks.get("of") == "ratio" and (not base or column[1] not in base["median"]):
        return {}
    by = base["median"][column[1]] if marks.get("of") == "ratio" else 1
    return {kind: marks[kind] * by for kind in ("must", "goal") if kind in marks}


def panels_of(run):
    scenario, results = run["configuration"], run["results"]
    columns = COLUMNS[scenario["report"]]
    if len({result["system"] for result in results}) == 1:
        return [panel_of_shapes(scenario, results, columns)]
    panels = []
    for shape in dict.fromkeys(result["shape"] for result in results):
        own = [result for result in results if result["shape"] == shape]
        column = plotted_column(own[0]["marks"], columns)
        base = baseline_of(own[0], results, scenario)
        panels.append(Panel(f"{shape}: {unit(column)}", [bar_for(result, column) for result in own],
                            marks_for(own[0]["marks"], column, base)))
    return panels


def panel_of_shapes(scenario, results, columns):
    """Where one system is measured alone, its shapes stand beside each other."""
    marked = next((result for result in results if result["marks"]), results[0])
    column = plotted_column(marked["marks"], columns)
    base = baseline_of(marked, results, scenario)
    return Panel(unit(column), [bar_for(result, column, result["shape"]) for result in results],
                 marks_for(marked["marks"], column, base))


def unit(column):
    return column[0].replace(" us/", " µs/").replace("cpu ", "CPU ")


# --- tables ---

def told_faults(result):
    faults = {kind: count for kind, count in faults_of(result).items() if count}
    return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(
        faults.items(), key=lambda fault: fault[0] not in FAULTS)) or "none"


def row_of(result, base, columns):
    _, path, form = columns[0]
    who = [result["shape"], NAMES.get(result["system"], result["system"])]
    if not result["median"]:
        return [*who, NOTHING, "", "", *["" for _ in columns[1:]], result["void"][0]]
    spread = result["spread"][path]
    ratio = ratio_of(result, base, path)
    shown = [figure(result, column) for column in columns]
    width = (f"{form.format(spread['least'])}–{form.format(spread['most'])} "
             f"({spread['relative'] * 100:.0f} %)") if len(result["rounds"]) > 1 else NOTHING
    cells = [*who, shown[0], width, f"{ratio:.2f}" if ratio else NOTHING, *shown[1:],
             told_faults(result)]
    if result["system"] == "sluice":
        cells[1:5] = [cell if cell == NOTHING else f"**{cell}**" for cell in cells[1:5]]
    return cells


def told_marks(results):
    """What the gateway has to meet, and where it is."""
    said = []
    for result in results:
        marks = result["marks"]
        if result["system"] == "sluice" and marks:
            wanted = ", ".join(f"{kind} {marks[kind]:g}" for kind in ("must", "goal")
                               if kind in marks)
            said.append(f"{result['shape']}: {marks['of']} {wanted}")
    return f"At most: {'; '.join(said)}.\n" if said else ""


def steal_of(results):
    """The most that a hypervisor took, of any core in any run."""
    return max((share for result in results for report in result["rounds"]
                if not reason_void(report)
                for share in report.get("measured", {}).get("steal", [])), default=0)


def told_run(run):
    machine = run["machine"]
    day = f"{run['at'][:4]}-{run['at'][4:6]}-{run['at'][6:8]}"
    rounds = len(run["results"][0]["rounds"])
    congestion = f" ({machine['congestion_control']})" if machine.get("congestion_control") else ""
    peers = "".join(f" {NAMES.get(name, name)}: {version}."
                    for name, version in sorted(run.get("peers", {}).items()))
    return (f"{day}, {rounds} round{'s' if rounds > 1 else ''}{', quick' if run['quick'] else ''}: "
            f"{machine['cores']} cores of {machine['cpu']}, Linux {machine['kernel']}"
            f"{congestion}, "
            f"{machine['openssl'].partition(' (')[0]}, commit {machine['commit']}; load average "
            f"{machine['load_average'][0]:.1f} at the end, steal {steal_of(run['results']):.2f} at "
            f"most.{peers}")


def table_of(run):
    scenario, results = run["configuration"], run["results"]
    columns = COLUMNS[scenario["report"]]
    baseline = scenario.get("baseline_shape", scenario["baseline"])
    head = ["shape", "system", unit(columns[0]), "least–most (spread)", f"/ {baseline}",
            *[unit(column) for column in columns[1:]], "faults"]
    rows = [head, ["---"] * len(head)]
    rows += [row_of(result, baseline_of(result, results, scenario), columns) for result in results]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def section_of(name, run):
    title = run["configuration"]["title"]
    return (f"![{title}](benchmarks/{name}.svg)\n\n{table_of(run)}\n\n"
            f"{told_marks(run['results'])}{told_run(run)}\n")


def put_between(document, name, section):
    """The document with what stands between the markers of `name` replaced; None without them."""
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.S)
    if not pattern.search(document):
        return None
    return pattern.sub(lambda found: found[1] + section + found[2], document)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="bench/report", description="Puts results into the document, as tables and plots.")
    parser.add_argument("files", nargs="*", type=pathlib.Path,
                        help="of bench/results; without any, the newest of each scenario that was "
                             "not quick")
    parser.add_argument("--document", type=pathlib.Path, default=DOCS)
    args = parser.parse_args(arguments)
    document = args.document.read_text()
    plots = args.document.parent / "benchmarks"
    plots.mkdir(exist_ok=True)
    for name, run in newest(args.files or all_files()).items():
        changed = put_between(document, name, section_of(name, run))
        if changed is None:
            print(f"{name}: left out, {args.document} has no <!-- {name} -->", file=sys.stderr)
            continue
        document = changed
        (plots / f"{name}.svg").write_text(svg(run["configuration"]["title"], panels_of(run)))
        print(f"{name}: {run['at']}")
    args.document.write_text(document)
    return 0

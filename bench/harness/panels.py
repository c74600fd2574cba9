"""The panels of a run's plot."""
from harness.columns import COLUMNS, PLOTTED_INSTEAD, PLOTTED_TOO, baseline_of, figure
from harness.names import NAMES
from harness.marks import ADDED
from harness.plot import Bar, Panel
from harness.systems import FLOOR_PROXY, FLOORS, SLUICES


def kind_of(system):
    return "floor" if system in (*FLOORS, FLOOR_PROXY) else "ours" if system in SLUICES else "peer"


def unit(column):
    return column[0].replace(" us/", " µs/").replace("cpu ", "CPU ")


def plotted_column(marks, columns):
    """The column that the marks of a shape speak of, or the first."""
    return next((column for column in columns if column[0] == marks.get("of")), columns[0])


def bar_for(result, column, name=None, kind=None):
    _, path, _ = column
    name = name or NAMES.get(result["system"], result["system"])
    kind = kind or kind_of(result["system"])
    if path not in result["median"]:
        return Bar(name, kind)
    spread = result["spread"][path]
    return Bar(name, kind, result["median"][path], spread["least"], spread["most"],
               figure(result, column))


def marks_for(marks, column, base):
    """The values of must and goal on the axis of that column."""
    of = marks.get("of")
    if of == ADDED:
        return {}
    if of != "ratio":
        return {kind: marks[kind] for kind in ("must", "goal") if kind in marks and of == column[0]}
    if not base or column[1] not in base["median"]:
        return {}
    return {kind: marks[kind] * base["median"][column[1]] for kind in ("must", "goal")
            if kind in marks}


def marks_of(result, run):
    return {} if run["quick"] else result["marks"]


def panels_of(run):
    scenario, results = run["configuration"], run["results"]
    columns = COLUMNS[scenario["report"]]
    if scenario["report"] in PLOTTED_INSTEAD:
        names = PLOTTED_INSTEAD[scenario["report"]]
        chosen = [column for name in names for column in columns if column[0] == name]
        return [panel_of_phases(result, chosen) for result in results]
    if len({result["system"] for result in results}) == 1:
        return [panel_of_shapes(run, columns)]
    shapes = list(dict.fromkeys(result["shape"] for result in results))
    panels = [panel_of_systems(run, shape, columns) for shape in shapes]
    too = [column for column in columns if column[0] in PLOTTED_TOO.get(scenario["report"], ())]
    return panels + [panel_of_systems(run, shape, [column]) for column in too for shape in shapes]


def panel_of_systems(run, shape, columns):
    own = [result for result in run["results"] if result["shape"] == shape]
    marks = marks_of(own[0], run)
    # A column that is plotted beside the marked one has no marks.
    marks = marks if len(columns) > 1 or marks.get("of") == columns[0][0] else {}
    column = plotted_column(marks, columns)
    marked = next((result for result in own if result["system"] == "sluice"), own[0])
    base = baseline_of(marked, run["results"], run["configuration"])
    bars = [bar_for(result, column) for result in own]
    return Panel(f"{shape}: {unit(column)}", bars, marks_for(marks, column, base),
                 [bar.label for bar in bars if bar.kind == "ours"])


def panel_of_shapes(run, columns):
    """Where one system is measured alone, its shapes stand beside each other."""
    results = run["results"]
    marked = next((result for result in results if result["marks"]), results[0])
    marks = marks_of(marked, run)
    column = plotted_column(marks, columns)
    base = baseline_of(marked, results, run["configuration"])
    return Panel(unit(column), [bar_for(result, column, result["shape"]) for result in results],
                 marks_for(marks, column, base), [marked["shape"]])


def panel_of_phases(result, columns):
    """Where two times of one run are compared, their figures stand beside each other: as grey as
    a floor what is without the others."""
    return Panel(f"{result['shape']}: ms",
                 [bar_for(result, column, column[0].removesuffix(" ms"),
                          "floor" if column[0].startswith("alone") else "ours")
                  for column in columns], {})

"""The scenarios: bench/scenarios/NAME.toml, each a title, a report, systems, a load and shapes."""
import pathlib
import tomllib

HERE = pathlib.Path(__file__).resolve().parent.parent

# The widest windows there are: the floor keeps no flow control, so all runs of a comparison do.
WINDOWS = {"stream-window": 2**31 - 1, "connection-window": 2**31 - 1}

# The most that --quick takes.
QUICK_LIMITS = {"duration": 2, "others": 100_000}

# What a shape says to the harness. All else is an option of the program that makes the load.
ABOUT_SHAPES = ("name", "must", "goal", "mark", "peers", "systems", "gateway", "relay", "engine",
                "cores",                 "baseline", "baseline_shape")


def scenarios():
    return {path.stem: tomllib.loads(path.read_text())
            for path in sorted((HERE / "scenarios").glob("*.toml"))}


def name_of(shape):
    if "name" in shape:
        return shape["name"]
    rate = f"@{shape['rate']}" if "rate" in shape else ""
    return f"{shape['connections']}x{shape['streams']}{rate}"


def adapted(scenario, shape):
    """The scenario as the shape will have it: tables of the gateway's configuration, cores."""
    tables = {name: dict(table) for name, table in scenario.get("gateway", {}).items()}
    for name, table in shape.get("gateway", {}).items():
        tables.setdefault(name, {}).update(table)
    cores = {"cores": shape["cores"]} if "cores" in shape else {}
    engine = ({"engine": {**scenario.get("engine", {}), **shape["engine"]}}
              if "engine" in shape else {})
    relay = ({"relay": {**scenario["relay"], **shape.get("relay", {})}}
             if is_of_relays(scenario) else {})
    return {**scenario, "gateway": tables, **cores, **engine, **relay}


def baseline_named(scenario, shape):
    """Shape and system that this shape is held against: its own shape, if not said otherwise."""
    usual = scenario.get("baseline_shape", name_of(shape))
    return {"shape": shape.get("baseline_shape", usual),
            "system": shape.get("baseline", scenario["baseline"])}


def quickened(scenario):
    """The scenario as --quick has it: less of everything, by its own names, and no marks, which
    are for the numbers that the file has."""
    def lessened(options):
        return {key: min(value, QUICK_LIMITS[key]) if key in QUICK_LIMITS else value
                for key, value in options.items() if key not in ("must", "goal", "mark")}

    less = scenario.get("quick", {})
    return {**scenario, "rounds": 1, "load": lessened(scenario["load"]),
            "shape": [{**lessened(shape), **less} for shape in scenario["shape"]]}


def load_of(scenario, shape):
    """The options of the program that makes the load."""
    load = {**WINDOWS, **scenario["load"], **shape}
    for key in ABOUT_SHAPES:
        load.pop(key, None)
    return load


def marks_of(shape):
    """What the gateway should be at most: `must` and `goal` of the ratio to the baseline, or of
    the column that `mark` names."""
    marks = {kind: shape[kind] for kind in ("must", "goal") if kind in shape}
    return {**marks, "of": shape.get("mark", "ratio")} if marks else {}


def is_for_peers(shape):
    """Whether the shape makes sense for servers of others."""
    return shape.get("peers", True)


def is_for(shape, system):
    """Whether the system can do it: a shape names those that can, or all can."""
    return system in shape.get("systems", [system])


def is_of_relays(scenario):
    """Whether there is an application behind the systems. Its table says how they are to speak to
    it."""
    return "relay" in scenario

"""Which systems a run compares, and whether they can be had."""
import shutil
import sys

from harness import engine
from harness.process import Failure
from harness.scenarios import is_of_relays, name_of
from harness.systems import ENGINES, FLOOR_PROXY, FLOORS, OWN, SLUICES
from harness.systems import running as own_running
from peers import PEERS


def chosen(name, scenario, args):
    """The names of the systems that are to be measured, in order."""
    systems = args.systems.split(",") if args.systems else list(scenario["systems"])
    is_sluice_s_own = scenario.get("program", "load") != "load" and not is_of_relays(scenario)
    if is_sluice_s_own and args.against:
        raise Failure(f"{name} speaks to Sluice alone: there is nothing to run it against")
    others = [system for system in systems if system not in SLUICES]
    if is_sluice_s_own and others:
        raise Failure(f"{name} speaks to Sluice alone ({', '.join(SLUICES)}): "
                      f"{', '.join(others)} cannot be measured by it")
    if not args.against:
        return systems
    # A comparison has the floor in it, whatever else was asked for; some have none.
    floor = [] if scenario["baseline"] in ("", *systems) else [scenario["baseline"]]
    return list(dict.fromkeys([*floor, *systems, *peers_named(args.against, scenario)]))


def peers_named(text, scenario):
    if text != "all":
        return text.split(",")
    peers = [peer for peer in PEERS.values() if peer.is_relay == is_of_relays(scenario)]
    for peer in peers:
        if not peer.is_installed():
            print(f"without {peer.name}: bench/peers/setup {peer.name} installs it",
                  file=sys.stderr)
    return [peer.name for peer in peers if peer.is_installed()]


def can_do(system, scenario):
    """Whether it is a relay where relays are measured, and a hub where hubs are."""
    if system in PEERS:
        return PEERS[system].is_relay == is_of_relays(scenario)
    return system != FLOOR_PROXY or is_of_relays(scenario)


def require(systems, scenario, args):
    """Fails at once, with the line that says what to do, when something is not there."""
    for system in systems:
        if system not in OWN and system not in PEERS:
            raise Failure(f"unknown system {system!r}: {', '.join([*OWN, *PEERS])}")
        if not can_do(system, scenario):
            kind = "relays" if is_of_relays(scenario) else "hubs"
            raise Failure(f"{system} cannot be measured here: this is for {kind}")
        if system in PEERS and not PEERS[system].is_installed():
            raise Failure(f"{system} is missing: bench/peers/setup {system} installs it")
        if system in ENGINES:
            engine.require()
    needed = [args.build / "bench" / scenario.get("program", "load")]
    needed += [args.gateway] if set(SLUICES) & set(systems) else []
    needed += [args.floor] if FLOORS.keys() & set(systems) else []
    needed += [args.build / "bench" / "floor_proxy"] if FLOOR_PROXY in systems else []
    needed += [args.build / "bench" / "origin"] if is_of_relays(scenario) else []
    for program in needed:
        if not program.exists():
            raise Failure(f"{program} is missing: ninja -C {args.build} builds it")


def require_shape(name, scenario, args):
    """Fails when no shape has a name like that."""
    names = [name_of(shape) for shape in scenario["shape"]]
    if args.shapes and not any(args.shapes in each for each in names):
        raise Failure(f"no shape of {name} has {args.shapes!r} in its name: there are "
                      f"{'; '.join(names)}")


def is_peer(system):
    return system in PEERS


def load_for(system):
    """What the program that makes the load has to do otherwise for this system."""
    return PEERS[system].load if is_peer(system) else {}


def running(system, scenario, args, folder):
    """A fresh `system`, pinned to core 0, for the time of the `with`."""
    if system in ENGINES:
        return engine.running(system, scenario, args, folder)
    if system not in PEERS:
        return own_running(system, scenario, args, folder)
    relay = [scenario["relay"]] if is_of_relays(scenario) else []
    return PEERS[system].running(empty(folder / system), folder, *relay)


def empty(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def versions(systems, scenario):
    """Of the peers among them, and of Redis with what stands where."""
    engines = {system: engine.version(system, scenario) for system in ENGINES if system in systems}
    return engines | {system: PEERS[system].versions() for system in systems if system in PEERS}

"""What each kind of report shows, and what the rounds of a result say together."""
import statistics

# Name of a column, where it stands in the report of the program, how it is printed. The first is
# the figure that systems are compared by.
COLUMNS = {
    "delivery": [
        ("cpu us/delivery", "measured.server_cpu_us_per_delivery", "{:.3f}"),
        ("deliveries/s", "measured.deliveries_per_s", "{:.0f}"),
        ("p50 ms", "measured.latency_ms.p50", "{:.2f}"),
        ("p99 ms", "measured.latency_ms.p99", "{:.2f}"),
        ("events/read", "measured.events_per_read", "{:.1f}"),
        ("B/event", "measured.bytes_per_delivery", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
    ],
    "relay": [
        ("cpu us/event", "measured.server_cpu_us_per_delivery", "{:.3f}"),
        ("events/s", "measured.deliveries_per_s", "{:.0f}"),
        ("p50 ms", "measured.latency_ms.p50", "{:.2f}"),
        ("p99 ms", "measured.latency_ms.p99", "{:.2f}"),
        ("events/read", "measured.events_per_read", "{:.1f}"),
        ("B/event", "measured.bytes_per_delivery", "{:.0f}"),
        ("upstream connections", "source.connections", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
        ("application busy", "measured.source_busy", "{:.2f}"),
    ],
    "relay-shared": [
        ("cpu us/delivery", "measured.server_cpu_us_per_delivery", "{:.3f}"),
        ("deliveries/s", "measured.deliveries_per_s", "{:.0f}"),
        ("p50 ms", "measured.latency_ms.p50", "{:.2f}"),
        ("p99 ms", "measured.latency_ms.p99", "{:.2f}"),
        ("events/read", "measured.events_per_read", "{:.1f}"),
        ("upstream streams", "source.requests", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
    ],
    "relay-memory": [
        ("KiB/stream", "memory.kib_per_stream", "{:.2f}"),
        ("KiB/connection", "memory.kib_per_connection", "{:.1f}"),
        ("upstream connections", "source.connections", "{:.0f}"),
        ("set-up us/connection", "setup.server_cpu_us_per_connection", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.4f}"),
    ],
    "relay-heads": [
        ("head p50 ms", "setup.first_byte_ms.p50", "{:.1f}"),
        ("head p99 ms", "setup.first_byte_ms.p99", "{:.1f}"),
        ("heads", "setup.streams_ready", "{:.0f}"),
    ],
    "relay-slow": [
        ("MiB grown", "measured.grown_mib", "{:.2f}"),
        ("reader kB/s", "measured.client_kb_per_s", "{:.0f}"),
        ("upstream kB/s", "measured.upstream_kb_per_s", "{:.0f}"),
        ("KiB ahead", "measured.upstream_ahead_kib", "{:.0f}"),
        ("alone p50 ms", "measured.alone_p50_ms", "{:.2f}"),
        ("alone p99 ms", "measured.alone_p99_ms", "{:.2f}"),
        ("beside p50 ms", "measured.beside_p50_ms", "{:.2f}"),
        ("beside p99 ms", "measured.beside_p99_ms", "{:.2f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
    ],
    "memory": [
        ("KiB/connection", "memory.kib_per_connection", "{:.2f}"),
        ("KiB/stream", "memory.kib_per_stream", "{:.3f}"),
        ("busy", "measured.server_busy", "{:.4f}"),
        ("set-up us/connection", "setup.server_cpu_us_per_connection", "{:.0f}"),
        ("KiB when gone", "memory.gone_kib", "{:.0f}"),
        ("MiB over start", "memory.kept_mib", "{:.1f}"),
    ],
    "handshake": [
        ("cpu us/connection", "setup.server_cpu_us_per_connection", "{:.0f}"),
        ("connections/s", "setup.connections_per_s", "{:.0f}"),
        ("first byte p50 ms", "setup.first_byte_ms.p50", "{:.1f}"),
        ("first byte p99 ms", "setup.first_byte_ms.p99", "{:.1f}"),
    ],
    "resume": [
        ("replay us/event", "measured.replay_cpu_us_per_event", "{:.3f}"),
        ("live us/delivery", "measured.live_cpu_us_per_delivery", "{:.3f}"),
        ("replay/live", "measured.replay_to_live", "{:.2f}"),
        ("of live: publishing", "measured.live_publishing_us", "{:.3f}"),
        ("caught up s", "measured.caught_up_s", "{:.2f}"),
        ("after last s", "measured.caught_up_after_last_s", "{:.3f}"),
        ("nothing missed s", "measured.nothing_missed_s", "{:.2f}"),
        ("reconnect us/stream", "measured.reconnect_cpu_us_per_stream", "{:.1f}"),
    ],
    "fair": [
        ("p99 shared/alone", "measured.shared_to_alone", "{:.2f}"),
        ("alone p50 ms", "measured.alone_p50_ms", "{:.3f}"),
        ("alone p99 ms", "measured.alone_p99_ms", "{:.3f}"),
        ("shared p50 ms", "measured.shared_p50_ms", "{:.3f}"),
        ("shared p99 ms", "measured.shared_p99_ms", "{:.3f}"),
        ("firehose/s", "measured.firehose_per_s", "{:.0f}"),
        ("full p99 ms", "measured.full_p99_ms", "{:.3f}"),
        ("full/s", "measured.firehose_most_per_s", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
    ],
    "slow": [
        ("peak MiB", "measured.peak_mib", "{:.1f}"),
        ("end MiB", "measured.end_mib", "{:.1f}"),
        ("healthy p50 ms", "measured.healthy_p50_ms", "{:.2f}"),
        ("healthy p99 ms", "measured.healthy_p99_ms", "{:.2f}"),
        ("healthy/s", "measured.healthy_deliveries_per_s", "{:.0f}"),
        ("cpu us/delivery", "measured.server_cpu_us_per_delivery", "{:.3f}"),
        ("B/s of a slow one", "measured.slow_bytes_per_s", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
    ],
    "million": [
        ("MiB", "measured.peak_mib", "{:.0f}"),
        ("KiB/stream", "measured.kib_per_stream", "{:.3f}"),
        ("open s", "measured.open_s", "{:.1f}"),
        ("open cpu s", "measured.open_cpu_s", "{:.1f}"),
        ("open MiB", "measured.open_mib", "{:.0f}"),
        ("heartbeat s", "measured.heartbeat_s", "{:.1f}"),
        ("heartbeat cpu s", "measured.heartbeat_cpu_s", "{:.2f}"),
        ("event s", "measured.event_s", "{:.2f}"),
        ("event cpu s", "measured.event_cpu_s", "{:.2f}"),
        ("event MiB", "measured.event_mib", "{:.0f}"),
        ("deliveries", "measured.deliveries", "{:.0f}"),
        ("drain s", "measured.drain_s", "{:.1f}"),
        ("drain cpu s", "measured.drain_cpu_s", "{:.2f}"),
        ("drained", "measured.drained", "{:.0f}"),
    ],
    "storm-latency": [
        ("p99 stormy/alone", "measured.stormy_to_alone", "{:.2f}"),
        ("alone p50 ms", "measured.alone_p50_ms", "{:.2f}"),
        ("alone p99 ms", "measured.alone_p99_ms", "{:.2f}"),
        ("stormy p50 ms", "measured.stormy_p50_ms", "{:.2f}"),
        ("stormy p99 ms", "measured.stormy_p99_ms", "{:.2f}"),
        ("connections/s", "measured.connections_per_s", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
    ],
    "overload": [
        ("p99 attacked/alone", "measured.attacked_to_alone", "{:.2f}"),
        ("alone p50 ms", "measured.alone_p50_ms", "{:.2f}"),
        ("alone p99 ms", "measured.alone_p99_ms", "{:.2f}"),
        ("attacked p50 ms", "measured.attacked_p50_ms", "{:.2f}"),
        ("attacked p99 ms", "measured.attacked_p99_ms", "{:.2f}"),
        ("peak MiB", "measured.peak_mib", "{:.0f}"),
        ("peak/budget", "measured.peak_to_budget", "{:.2f}"),
        ("recovered s", "measured.recovered_s", "{:.2f}"),
        ("attempts", "measured.attempts", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
    ],
    "scene": [
        ("seconds", "measured.seconds", "{:.2f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
    ],
    "workers": [
        ("cpu us/delivery", "measured.server_cpu_us_per_delivery", "{:.3f}"),
        ("deliveries/s", "measured.deliveries_per_s", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("busiest thread", "measured.busiest_threads.first", "{:.2f}"),
        ("second", "measured.busiest_threads.second", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
        ("events/read", "measured.events_per_read", "{:.1f}"),
    ],
    "publish": [
        ("cpu us/event", "measured.server_cpu_us_per_event", "{:.3f}"),
        ("events/s", "measured.events_per_s", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
        ("answer p50 ms", "measured.answer_ms.p50", "{:.2f}"),
        ("answer p99 ms", "measured.answer_ms.p99", "{:.2f}"),
        ("delay p50 ms", "measured.delay_ms.p50", "{:.2f}"),
    ],
    "engine": [
        ("events/s", "measured.events_per_s", "{:.0f}"),
        ("cpu us/event", "measured.server_cpu_us_per_event", "{:.2f}"),
        ("redis us/event", "measured.redis.cpu_us_per_event", "{:.2f}"),
        ("commands/event", "measured.redis.commands_per_event", "{:.2f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("redis busy", "measured.redis.busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
        ("answer p50 ms", "measured.answer_ms.p50", "{:.2f}"),
        ("answer p99 ms", "measured.answer_ms.p99", "{:.2f}"),
        ("delay p50 ms", "measured.delay_ms.p50", "{:.2f}"),
    ],
    "engine-follow": [
        ("cpu us/event", "measured.follow_us_per_event", "{:.2f}"),
        ("followed/s", "measured.followed_per_s", "{:.0f}"),
        ("needed/s", "measured.needed_per_s", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.3f}"),
        ("idle busy", "measured.idle_busy", "{:.4f}"),
        ("first thread us", "measured.first_thread_us", "{:.2f}"),
        ("second thread us", "measured.second_thread_us", "{:.2f}"),
        ("delay p50 ms", "measured.delay_p50_ms", "{:.2f}"),
        ("delay p99 ms", "measured.delay_p99_ms", "{:.2f}"),
        ("redis us/event", "measured.redis.cpu_us_per_event", "{:.2f}"),
        ("redis busy", "measured.redis.busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
    ],
    "engine-latency": [
        ("p50 ms", "measured.latency_ms.p50", "{:.3f}"),
        ("p99 ms", "measured.latency_ms.p99", "{:.2f}"),
        ("deliveries/s", "measured.deliveries_per_s", "{:.0f}"),
        ("busy", "measured.server_busy", "{:.2f}"),
        ("load busy", "measured.own_busy", "{:.2f}"),
    ],
    "engine-resume": [
        ("caught up s", "measured.caught_up_s", "{:.2f}"),
        ("after last s", "measured.caught_up_after_last_s", "{:.2f}"),
        ("nothing missed s", "measured.nothing_missed_s", "{:.2f}"),
        ("replay us/event", "measured.replay_cpu_us_per_event", "{:.3f}"),
        ("reconnect us/stream", "measured.reconnect_cpu_us_per_stream", "{:.0f}"),
        ("redis commands", "measured.redis.commands", "{:.0f}"),
        ("redis MiB", "measured.redis.out_mib", "{:.1f}"),
        ("redis cpu s", "measured.redis.cpu_s", "{:.3f}"),
        ("commands when nothing missed", "measured.redis_nothing_missed.commands", "{:.0f}"),
    ],
}

# Columns of a report that a plot shows instead of the first: those of one shape beside each other.
PLOTTED_INSTEAD = {
    "fair": ["alone p50 ms", "alone p99 ms", "shared p50 ms", "shared p99 ms"],
    "storm-latency": ["alone p50 ms", "alone p99 ms", "stormy p50 ms", "stormy p99 ms"],
}
# And those that have panels of their own, after the first's.
PLOTTED_TOO = {"memory": ["MiB over start"]}

NOTHING = "–"
RATIOS = ("healthy p99 ms", "end MiB")  # are shown with their ratio to the baseline too
FAULTS = ("gaps", "duplicates")  # have columns of their own
KEEPING_UP = 0.98  # of the deliveries that a fixed rate asks for


def value_at(report, path):
    """None where an older report has no such figure."""
    for key in path.split("."):
        report = report.get(key, {})
    return None if report == {} else report


def reason_void(report):
    """Why a run has no figures, or nothing when it has. (A peer may be unable to do a shape.)"""
    if "failure" in report:
        return report["failure"]
    asked = report.get("asked", {})
    streams = asked.get("connections", 0) * asked.get("streams", 0)
    ready = report.get("setup", {}).get("streams_ready", streams)
    if ready < streams:
        return f"{ready} of {streams} streams were answered"
    if asked.get("rate") and report["measured"].get("deliveries") == 0:
        return "no deliveries"
    return ""


def summarise(result, columns):
    """Adds medians and spreads of the rounds that have figures, and why the others have none."""
    good = [report for report in result["rounds"] if not reason_void(report)]
    result["void"] = [reason_void(report) for report in result["rounds"] if reason_void(report)]
    result["median"] = {}
    result["spread"] = {}
    for _, path, _ in columns if good else ():
        values = [value_at(report, path) for report in good]
        if None in values:
            continue
        median = statistics.median(values)
        result["median"][path] = median
        result["spread"][path] = {
            "least": min(values), "most": max(values),
            "relative": (max(values) - min(values)) / median if median else 0}


def figure(result, column):
    """The median, as it is shown."""
    _, path, form = column
    return form.format(result["median"][path]) if path in result["median"] else NOTHING


def faults_of(result):
    """Of all rounds together."""
    faults = {}
    for report in result["rounds"]:
        for kind, count in report.get("faults", {}).items():
            faults[kind] = faults.get(kind, 0) + count
    return faults


def baseline_of(result, results, scenario):
    """The result that this one is held against: the one that it names, or the baseline's for the
    same shape."""
    usual = {"shape": result["shape"], "system": scenario["baseline"]}
    wanted = result.get("baseline", usual)
    return next((other for other in results
                 if {key: other[key] for key in ("shape", "system")} == wanted), None)


def ratio_of(result, base, path):
    """The result's median by the baseline's; None when one of them has no figure."""
    below = base["median"].get(path) if base else None
    return result["median"][path] / below if below and path in result["median"] else None


def label_of_baseline(result, scenario):
    """What the result is held against, where it is not what the scenario's others are."""
    wanted = result.get("baseline")
    if not wanted or wanted == {"shape": result["shape"], "system": result["system"]}:
        return ""
    if wanted["shape"] not in (result["shape"], scenario.get("baseline_shape")):
        return wanted["shape"]
    return wanted["system"] if wanted["system"] != scenario["baseline"] else ""


def head_of_ratio(results, scenario):
    """Nothing where each result would be held against itself."""
    if all(baseline_of(result, results, scenario) in (None, result) for result in results):
        return ""
    is_alone = len({result["system"] for result in results}) == 1
    return f"/ {scenario.get('baseline_shape', 'baseline' if is_alone else scenario['baseline'])}"


def falls_behind(result):
    """Whether a fixed rate of events did not reach all subscribers in time: a server that drops
    behind sends several events at once, and each of them is cheap."""
    good = [report for report in result["rounds"] if not reason_void(report)]
    asked = good[0].get("asked", {}) if good else {}
    delivered = result["median"].get("measured.deliveries_per_s")
    if delivered is None or not isinstance(asked.get("rate"), (int, float)):
        return False
    return delivered < KEEPING_UP * asked["rate"] * asked["connections"] * asked["streams"]


def connects_otherwise(result, scenario):
    """With how many connections at once it was measured, when that is its own number."""
    usual, own = scenario["load"].get("connecting"), result["load"].get("connecting")
    return own if scenario["report"] == "handshake" and own != usual else None


def remarks_on(result, scenario):
    """What a row's figures mean otherwise than in the other rows."""
    remarks = []
    if falls_behind(result):
        remarks.append("does not keep up: its CPU per delivery is that of a server that drops "
                       "behind, and sends several events at once")
    at_once = connects_otherwise(result, scenario)
    if at_once:
        remarks.append(f"connects {at_once} at a time: its connections/s and first bytes are not "
                       "comparable")
    return remarks

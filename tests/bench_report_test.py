#!/usr/bin/env python3
"""What bench/run makes of rounds, and bench/report of results; run by meson test."""

import contextlib
import io
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import tomllib
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
sys.dont_write_bytecode = True

from harness import main as command  # noqa: E402
from harness import engine, report, runs  # noqa: E402
from harness.columns import COLUMNS, reason_void, remarks_on, summarise  # noqa: E402
from harness.comparison import chosen, require, require_shape  # noqa: E402
from harness.marks import ADDED, verdict_of  # noqa: E402
from harness.measure import command_for  # noqa: E402
from harness.origin import Origin  # noqa: E402
from harness.panels import panels_of  # noqa: E402
from harness.plot import Scale  # noqa: E402
from harness.process import Failure, Process, begin_of, family_of  # noqa: E402
from harness.scenarios import (adapted, load_of, marks_of, name_of, quickened,  # noqa: E402
                               scenarios)
from harness.systems import Running, configure, relayed  # noqa: E402
from harness.table import print_table  # noqa: E402
from peers import PEERS  # noqa: E402
from peers.peer import write_config  # noqa: E402

SCENARIO = {"title": "events < here", "report": "handshake", "baseline": "floor",
            "systems": ["floor", "sluice"], "load": {"connecting": 64},
            "shape": [{"connections": 10, "streams": 1}]}


def round_of(cpu, streams=10, gaps=0):
    """A report of bench/load on 10 streams."""
    return {"asked": {"connections": 10, "streams": 1, "rate": 0},
            "setup": {"server_cpu_us_per_connection": cpu, "connections_per_s": 5, "steal": [0.01],
                      "streams_ready": streams, "first_byte_ms": {"p50": 1, "p99": 2}},
            "measured": {"deliveries": 0, "steal": [0.25]},
            "faults": {"gaps": gaps, "duplicates": 0, "streams_reset": 0}, "clean": gaps == 0}


def result_of(system, *rounds, **marks):
    result = {"shape": "10x1", "system": system, "rounds": list(rounds),
              "load": {"connecting": 64},
              "marks": {**marks, "of": "ratio"} if marks else {}}
    summarise(result, COLUMNS["handshake"])
    return result


def results():
    return [result_of("floor", round_of(100), round_of(200), round_of(120), must=1.5, goal=1.1),
            result_of("sluice", round_of(150), round_of(180), round_of(200), must=1.5, goal=1.1),
            result_of("nchan", round_of(1300, gaps=3)),
            result_of("pushpin", round_of(0, streams=4))]


def results_of_two():
    """The gateway's and the floor's."""
    floor, sluice, *_ = results()
    return sluice, floor


def run_of(at="20260102-030405", quick=False):
    return {"scenario": "made-up", "at": at, "quick": quick, "configuration": SCENARIO,
            "peers": {"nchan": "nchan 1.3"}, "results": results(),
            "machine": {"cpu": "Abacus", "cores": 2, "kernel": "6.1", "commit": "abc",
                        "load_average_at_start": [0.1, 0, 0],
                        "openssl": "OpenSSL 3.0 (Library: 3.0)"}}


class Rounds(unittest.TestCase):
    def test_a_result_is_the_median_with_its_spread(self):
        floor = results()[0]
        path = "setup.server_cpu_us_per_connection"
        self.assertEqual(floor["median"][path], 120)
        spread = floor["spread"][path]
        self.assertEqual((spread["least"], spread["most"]), (100, 200))
        self.assertAlmostEqual(spread["relative"], 100 / 120)

    def test_a_run_in_which_not_all_streams_were_answered_has_no_figures(self):
        self.assertEqual(reason_void(round_of(1, streams=4)), "4 of 10 streams were answered")
        self.assertEqual(reason_void(round_of(1)), "")

    def test_a_run_that_published_and_delivered_nothing_has_none_either(self):
        silent = round_of(1)
        silent["asked"]["rate"] = "max"
        self.assertEqual(reason_void(silent), "no deliveries")

    def test_rounds_without_figures_do_not_spoil_the_others(self):
        mixed = result_of("nchan", round_of(0, streams=4), round_of(7))
        self.assertEqual(mixed["median"]["setup.server_cpu_us_per_connection"], 7)
        self.assertEqual(mixed["void"], ["4 of 10 streams were answered"])


class Table(unittest.TestCase):
    def printed(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            print_table(SCENARIO, results())
        return out.getvalue()

    def test_the_gateway_s_ratio_stands_beside_its_marks(self):
        self.assertIn("1.50 (must 1.5 met, goal 1.1 not met)", self.printed())
        self.assertEqual(self.printed().count("must"), 1)

    def test_what_a_peer_cannot_do_is_a_footnote(self):
        self.assertRegex(self.printed(), r"pushpin +– \[1\]\n")
        self.assertIn("[1] 10x1 pushpin: 4 of 10 streams were answered", self.printed())


class Document(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.document = self.folder / "page.md"
        self.document.write_text("before\n<!-- made-up -->\nold\n<!-- /made-up -->\nafter\n")

    def reported(self, *of_runs):
        files = []
        for number, run in enumerate(of_runs):
            files.append(self.folder / f"{number}.json")
            files[-1].write_text(json.dumps(run))
        status, said = self.told(*files)
        self.assertEqual(status, 0)
        return self.document.read_text(), said

    def told(self, *files):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            status = report.main(["--document", str(self.document), *map(str, files)])
        return status, said.getvalue()

    def test_a_table_replaces_what_stood_between_the_markers(self):
        text, _ = self.reported(run_of())
        self.assertTrue(text.startswith("before\n<!-- made-up -->\n!["))
        self.assertTrue(text.endswith("<!-- /made-up -->\nafter\n"))
        self.assertNotIn("old", text)
        self.assertIn("| 10x1 | **Sluice** | **180** | **150–200 (28 %)** | **1.50** |", text)
        self.assertIn("| 10x1 | nginx with Nchan | 1300 | – | 10.83 | 5 | 1.0 | 2.0 | 3 gaps |",
                      text)
        self.assertIn("2026-01-02, 3 rounds: 2 cores of Abacus", text)
        self.assertIn("10x1: ratio 1.5, must 1.5 met, goal 1.1 not met", text)

    def test_a_quick_run_is_named_so_and_judges_nothing(self):
        text, _ = self.reported(run_of(quick=True))
        self.assertIn("**A quick run", text)
        self.assertNotIn("must", text)

    def test_a_busy_machine_stands_before_the_table(self):
        run = run_of()
        run["machine"] |= {"load_average_at_start": [2.5, 0, 0], "commit": "abc-dirty"}
        text, _ = self.reported(run)
        self.assertIn("**The machine was busy when this run began (load average 2.5)", text)
        self.assertIn("commit abc with changes not committed; load average 2.5 at the start", text)

    def test_where_a_system_is_alone_there_is_no_ratio(self):
        alone = run_of()
        alone["results"] = [alone["results"][1]]
        alone["configuration"] = {**SCENARIO, "systems": ["sluice"], "baseline": "sluice"}
        text, _ = self.reported(alone)
        self.assertIn("| least–most (spread) | connections/s |", text)

    def test_a_shape_with_another_baseline_names_it(self):
        run = run_of()
        for result in run["results"]:
            result["baseline"] = {"shape": "10x1", "system": "nchan"}
        self.assertIn("| **0.14 (to nginx with Nchan)** |", self.reported(run)[0])

    def test_a_remark_is_a_sign_in_the_row_and_a_sentence_below(self):
        run = run_of()
        run["results"][2]["load"] = {"connecting": 1}
        text, _ = self.reported(run)
        self.assertIn("| 10.83 | 5 † |", text)
        self.assertIn("\n† connects 1 at a time", text)

    def test_a_file_that_is_missing_or_something_else_is_a_line(self):
        self.assertEqual(self.told(self.folder / "none.json"),
                         (1, f"{self.folder}/none.json: No such file or directory\n"))
        self.assertEqual(self.told(self.document)[0], 1)

    def test_it_can_be_done_again(self):
        once, _ = self.reported(run_of())
        self.assertEqual(self.reported(run_of())[0], once)

    def test_the_newest_result_of_a_scenario_is_taken(self):
        text, _ = self.reported(run_of("20260102-030405"), run_of("20260203-010101"),
                                run_of("20251231-235959"))
        self.assertIn("2026-02-03", text)

    def test_a_scenario_without_markers_is_left_out_and_said_so(self):
        self.document.write_text("nothing here\n")
        text, said = self.reported(run_of())
        self.assertEqual(text, "nothing here\n")
        self.assertIn("made-up: left out", said)

    def plotted(self, run):
        """The kinds of its bars, of its dots, and its words."""
        self.reported(run)
        plot = xml.etree.ElementTree.parse(self.folder / "benchmarks" / "made-up.svg").getroot()

        def all_of(tag):
            return [element for element in plot.iter() if element.tag.endswith("}" + tag)]
        return ([rect.get("class") for rect in all_of("rect")],
                [circle.get("class") for circle in all_of("circle")],
                [element.text for tag in ("text", "tspan") for element in all_of(tag)])

    def test_the_plot_is_xml_with_a_dot_for_each_figure_where_they_are_far_apart(self):
        bars, dots, words = self.plotted(run_of())
        self.assertEqual((bars, dots), (["paper"], ["floor", "ours", "peer"]))
        for word in ("events < here", "Sluice", "180", "must 180, goal 132", "logarithmic", "–"):
            self.assertIn(word, words)

    def test_the_plot_has_a_bar_for_each_figure_where_they_are_near(self):
        run = run_of()
        del run["results"][2:]
        self.assertEqual(self.plotted(run)[:2], (["paper", "floor", "ours"], []))

    def test_the_shapes_of_one_system_alone_share_a_panel(self):
        alone = run_of()
        alone["results"] = [{**results()[1], "shape": shape} for shape in ("calm", "storm")]
        alone["configuration"] = {**SCENARIO, "baseline": "sluice", "baseline_shape": "calm"}
        panel, = panels_of(alone)
        self.assertEqual([bar.label for bar in panel.bars], ["calm", "storm"])
        self.assertAlmostEqual(panel.marks["must"], 1.5 * 180)
        self.assertAlmostEqual(panel.marks["goal"], 1.1 * 180)
        self.assertEqual(panel.marked, ["calm"])


class Choice(unittest.TestCase):
    def chosen_of(self, *of_runs):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            found = runs.chosen([{**run, "file": run["at"]} for run in of_runs])
        return {name: run["at"] for name, run in found.items()}, said.getvalue()

    def test_the_newest_whole_run_is_taken(self):
        self.assertEqual(self.chosen_of(run_of("2"), run_of("3"), run_of("1")),
                         ({"made-up": "3"}, ""))

    def test_a_newer_run_with_fewer_peers_is_left_and_named(self):
        fewer = run_of("2")
        del fewer["results"][3]
        found, said = self.chosen_of(run_of("1"), fewer)
        self.assertEqual(found, {"made-up": "1"})
        self.assertIn("2: left (without pushpin, which the one of 1 has)", said)

    def test_a_run_of_some_shapes_or_systems_or_that_was_cut_short_is_left(self):
        partial, less, short = run_of("2"), run_of("3"), {**run_of("4"), "cut_short": "no disk"}
        partial["configuration"] = {**SCENARIO, "shape": [*SCENARIO["shape"], {"name": "other"}]}
        del less["results"][0]
        found, said = self.chosen_of(run_of("1"), partial, less, short)
        self.assertEqual(found, {"made-up": "1"})
        for reason in ("2: left (without other)", "3: left (without floor)",
                       "4: left (it was cut short: no disk)"):
            self.assertIn(reason, said)

    def test_quick_runs_are_passed_over(self):
        self.assertEqual(self.chosen_of(run_of("1"), run_of("2", quick=True)),
                         ({"made-up": "1"}, ""))


class Marks(unittest.TestCase):
    def ratio_of_p99s(self, alone_ms):
        return {"system": "sluice", "marks": {"must": 2, "of": "p99 shared/alone"},
                "median": {"measured.shared_to_alone": 1.5, "measured.alone_p99_ms": alone_ms}}

    def test_a_ratio_of_p99s_is_judged(self):
        self.assertEqual(verdict_of(self.ratio_of_p99s(4.9), None, COLUMNS["fair"]), "must 2 met")

    def test_unless_the_lower_one_is_the_machine_s_noise(self):
        self.assertEqual(verdict_of(self.ratio_of_p99s(5.1), None, COLUMNS["fair"]),
                         "alone too slow to tell")


    def test_a_rate_has_to_be_at_least_what_is_wanted(self):
        columns = COLUMNS["engine"]
        for rate, verdict in ((50_000, "goal 50000 met"), (49_999, "goal 50000 not met")):
            result = {"system": "sluice-redis", "marks": {"goal": 50_000, "of": "events/s"},
                      "median": {"measured.events_per_s": rate}}
            self.assertEqual(verdict_of(result, result, columns), verdict)

    def test_what_is_added_is_held_against_the_baseline_which_adds_nothing(self):
        def of(system, p50):
            return {"system": system, "marks": {"goal": 1, "of": ADDED},
                    "median": {"measured.latency_ms.p50": p50}}

        memory, columns = of("sluice", 0.25), COLUMNS["engine-latency"]
        self.assertEqual(verdict_of(memory, memory, columns), "")
        self.assertEqual(verdict_of(of("sluice-redis", 1.25), memory, columns), "goal 1 met")
        self.assertEqual(verdict_of(of("sluice-redis", 1.26), memory, columns), "goal 1 not met")


class Engine(unittest.TestCase):
    def test_a_scenario_says_which_instances_are_posted_to_and_measured(self):
        self.assertEqual(engine.asked(SCENARIO), engine.USUAL)
        shape = {"engine": {"instances": 2}}
        scenario = adapted({**SCENARIO, "engine": {"publish": "all"}}, shape)
        self.assertEqual(engine.asked(scenario),
                         {"instances": 2, "publish": "all", "measured": "all"})

    def test_a_program_is_told_of_the_redis_that_is_shared(self):
        server = Running("https://a", "http://a,http://b", [1, 2], None, redis_port=6390)
        self.assertEqual(command_for("publish", server, None, {}),
                         ["publish", "--url", "https://a", "--server-pid", "1,2", "--publish-url",
                          "http://a,http://b", "--redis-port", 6390])


class Remarks(unittest.TestCase):
    def at_rate(self, delivered):
        report = {"asked": {"connections": 10, "streams": 2, "rate": 50},
                  "measured": {"deliveries_per_s": delivered}}
        result = {"rounds": [report], "load": {}}
        summarise(result, COLUMNS["delivery"])
        return remarks_on(result, {"report": "delivery", "load": {}})

    def test_a_system_that_does_not_keep_up_with_a_rate_is_marked(self):
        self.assertIn("does not keep up", self.at_rate(979)[0])
        self.assertEqual(self.at_rate(981), [])


class Axis(unittest.TestCase):
    def test_it_is_linear_from_nothing_when_values_are_near(self):
        scale = Scale([2, 4, 8])
        self.assertFalse(scale.is_log)
        self.assertAlmostEqual(scale(8) - scale(0), 2 * (scale(4) - scale(0)))

    def test_it_is_logarithmic_when_they_are_not(self):
        scale = Scale([0.1, 1, 10])
        self.assertTrue(scale.is_log)
        self.assertAlmostEqual(scale(10) - scale(1), scale(1) - scale(0.1))
        self.assertGreater(scale(0.1), scale(0))


class Comparison(unittest.TestCase):
    def args(self, **given):
        return type("Args", (), {"systems": None, "against": None, **given})

    def test_the_floor_is_in_every_comparison(self):
        self.assertEqual(chosen("x", SCENARIO, self.args(systems="sluice", against="nchan,node")),
                         ["floor", "sluice", "nchan", "node"])

    def test_a_peer_that_is_not_there_fails_with_what_to_do(self):
        peer = PEERS["mercure"]
        self.addCleanup(setattr, peer, "is_installed", peer.is_installed)
        peer.is_installed = lambda: False
        with self.assertRaisesRegex(Failure, "^mercure is missing: bench/peers/setup mercure inst"):
            require(["mercure"], SCENARIO, self.args())

    def test_nobody_else_can_do_what_is_sluice_s_own(self):
        own = {**SCENARIO, "program": "resume"}
        for asked in ({"against": "all"}, {"systems": "floor"}):
            with self.assertRaisesRegex(Failure, "Sluice alone"):
                chosen("resume", own, self.args(**asked))
        self.assertEqual(chosen("resume", own, self.args(systems="sluice-file")), ["sluice-file"])

    def test_a_shape_that_is_not_there_fails_with_those_that_are(self):
        require_shape("x", SCENARIO, self.args(shapes="10x"))
        with self.assertRaisesRegex(Failure, "no shape of x has 'TYPO' in its name: .* 10x1$"):
            require_shape("x", SCENARIO, self.args(shapes="TYPO"))

    def test_a_quick_run_is_named_by_what_it_does_and_has_no_marks(self):
        million = quickened(scenarios()["million"])
        self.assertEqual([name_of(shape) for shape in million["shape"]], ["100x100"])
        self.assertEqual(marks_of(million["shape"][0]), {})
        fanout = quickened(scenarios()["fanout"])
        self.assertEqual(load_of(fanout, fanout["shape"][0])["duration"], 2)

    def test_hubs_and_relays_are_not_measured_together(self):
        relay = {**SCENARIO, "relay": {}}
        for system, scenario in (("haproxy", SCENARIO), ("floor-proxy", SCENARIO),
                                 ("nchan", relay)):
            with self.assertRaisesRegex(Failure, f"^{system} cannot be measured here: this is for"):
                require([system], scenario, self.args())

    def test_all_peers_are_those_of_the_scenario_s_kind(self):
        for peer in PEERS.values():
            self.addCleanup(setattr, peer, "is_installed", peer.is_installed)
            peer.is_installed = lambda: True
        relay = {**SCENARIO, "relay": {}, "systems": ["sluice", "nginx"], "baseline": ""}
        self.assertEqual(chosen("x", relay, self.args(against="all")),
                         ["sluice", "nginx", "haproxy", "nghttpx", "h2o", "caddy"])

    def test_marks_are_no_options_of_the_load(self):
        for scenario in scenarios().values():
            for shape in scenario["shape"]:
                self.assertFalse({"must", "goal", "mark", "peers", "systems", "relay", "engine"}
                                 & load_of(scenario, shape).keys())
                named = [column[0] for column in COLUMNS[scenario["report"]]]
                self.assertIn(marks_of(shape).get("of", "ratio"), ["ratio", ADDED, *named])


class Relays(unittest.TestCase):
    SCENARIO = {"relay": {"protocol": "http/1.1"}, "systems": ["floor-proxy", "sluice"],
                "shape": [{"name": "plain"},
                          {"name": "h2", "relay": {"protocol": "h2"}, "systems": ["sluice"]}]}

    def test_a_shape_says_how_the_application_is_spoken_to(self):
        self.assertEqual([adapted(self.SCENARIO, shape)["relay"]["protocol"]
                          for shape in self.SCENARIO["shape"]], ["http/1.1", "h2"])
        self.assertNotIn("relay", adapted(SCENARIO, SCENARIO["shape"][0]))

    def test_a_run_is_whole_without_those_that_a_shape_does_not_name(self):
        measured = [("plain", "floor-proxy"), ("plain", "sluice"), ("h2", "sluice")]
        run = {"configuration": self.SCENARIO,
               "results": [{"shape": shape, "system": system} for shape, system in measured]}
        self.assertEqual(runs.lack_of(run), "")
        run["results"].pop(1)
        self.assertEqual(runs.lack_of(run), "without sluice")

    def test_the_gateway_gets_a_route_to_the_application_beside_its_tables(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "sluice.toml"
            route = {"path": "/app/*", "upstream": "http://127.0.0.1:9000", "share": True}
            configure(ROOT / "bench" / "gateway.toml", {"server": {"workers": 2}}, copy, [route])
            configuration = tomllib.loads(copy.read_text())
        self.assertEqual(configuration["route"], [route])
        self.assertEqual(configuration["server"]["workers"], 2)
        self.assertEqual(len(configuration["listen"]), 2)

    def test_readers_of_a_shared_stream_read_what_is_posted_to_the_application(self):
        application = {"upstream": "http://127.0.0.1:9000"}
        self.assertEqual(relayed("https://relay", application), ("https://relay/app/events", ""))
        self.assertEqual(relayed("https://relay", {**application, "share": True}),
                         ("https://relay/app/posted?greet=on", "http://127.0.0.1:9000/app/posted"))

    def test_a_program_is_told_where_events_come_from(self):
        server = Running("https://relay/app/events", "", [1, 2], None)
        command = command_for("load", server, Origin("http://app", [3]), {"rate": 40})
        self.assertEqual(command, ["load", "--url", "https://relay/app/events", "--server-pid",
                                   "1,2", "--source", "http://app", "--source-pid", "3",
                                   "--rate", 40])

    def test_a_relay_s_configuration_names_its_port_and_the_application(self):
        values = {"port": 4433, "upstream": "127.0.0.1:9000", "protocol": "", "versions": "1.1",
                  "both": "both.pem", "certificate": "cert.pem", "key": "key.pem"}
        for template in ("nginx-relay.conf", "haproxy.cfg", "nghttpx.conf", "h2o.conf",
                         "Caddyfile-relay"):
            with tempfile.TemporaryDirectory() as folder:
                text = write_config(template, pathlib.Path(folder), **values).read_text()
            self.assertNotIn("@", text)
            self.assertIn("4433", text)
            self.assertIn("127.0.0.1:9000", text)


class Runs(unittest.TestCase):
    ARGS = type("Args", (), {"gateway": "/nowhere", "quick": False, "no_save": False})

    def run_with(self, perform):
        """What is saved by a run whose rounds are those, and what it raises."""
        saved = []
        for name, double in (("perform", perform), ("save", lambda run, _: saved.append(run))):
            self.addCleanup(setattr, command, name, getattr(command, name))
            setattr(command, name, double)
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                return saved, command.run("made-up", SCENARIO, ["floor", "sluice"], self.ARGS)
            except (Failure, KeyboardInterrupt) as reason:
                return saved, reason

    @staticmethod
    def measure_all(_name, _scenario, _systems, _args, results):
        results[(0, "sluice")], results[(0, "floor")] = results_of_two()

    def test_a_run_is_saved_with_its_results_in_order(self):
        (saved,), is_clean = self.run_with(self.measure_all)
        self.assertTrue(is_clean)
        self.assertEqual([result["system"] for result in saved["results"]], ["floor", "sluice"])
        self.assertEqual((saved["cut_short"], runs.lack_of(saved)), ("", ""))
        self.assertEqual(len(saved["machine"]["load_average_at_start"]), 3)

    def test_what_was_measured_is_kept_when_a_later_round_fails(self):
        for reason, told in ((Failure("floor: no report"), "floor: no report"),
                             (KeyboardInterrupt(), "interrupted")):
            def fail(*how, reason=reason):
                self.measure_all(*how)
                raise reason
            (saved,), raised = self.run_with(fail)
            self.assertIs(raised, reason)
            self.assertEqual(saved["cut_short"], told)

    def test_nothing_is_saved_when_nothing_was_measured(self):
        def fail(*_):
            raise Failure("at once")
        self.assertEqual(self.run_with(fail)[0], [])


class Processes(unittest.TestCase):
    def test_a_server_ends_with_all_its_processes(self):
        # The shell dies of the signal; what it started does not hear of it.
        script = "sleep 600 & echo ready https://a http://b; wait"
        with tempfile.TemporaryDirectory() as folder:
            with Process(["sh", "-c", script], pathlib.Path(folder)) as server:
                self.assertEqual(server.ready_urls(), ("https://a", "http://b"))
                pids = server.pids
            self.assertEqual(len(pids), 2)
            self.assertEqual([begin_of(pid) for pid in pids], [None, None])

    def test_a_run_that_is_ended_ends_its_servers(self):
        script = ("import sys, signal, pathlib; sys.path.insert(0, sys.argv[1])\n"
                  "from harness.main import end_by_signal; from harness.process import Process\n"
                  "signal.signal(signal.SIGTERM, end_by_signal)\n"
                  "with Process(['sleep', '600'], pathlib.Path(sys.argv[2])) as server:\n"
                  "    print(*server.pids, flush=True)\n"
                  "    server.process.wait()\n")
        with tempfile.TemporaryDirectory() as folder:
            with subprocess.Popen([sys.executable, "-B", "-c", script, ROOT / "bench", folder],
                                  stdout=subprocess.PIPE, text=True) as run:
                server = int(run.stdout.readline())
                self.assertIsNotNone(begin_of(server))
                run.send_signal(signal.SIGTERM)
                self.assertEqual(run.wait(), 128 + signal.SIGTERM)
            self.assertIsNone(begin_of(server))

    def test_a_family_begins_with_its_head(self):
        self.assertEqual(family_of(1)[0], 1)

    def test_a_configuration_keeps_no_placeholder(self):
        with tempfile.TemporaryDirectory() as folder:
            file = write_config("front.conf", pathlib.Path(folder), subscribe=1, pushpin=2)
            self.assertNotIn("@", file.read_text())
            self.assertIn("listen 127.0.0.1:1 ssl http2", file.read_text())


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""What bench/run makes of rounds, and bench/report of results; run by meson test."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
sys.dont_write_bytecode = True

from harness import report  # noqa: E402
from harness.columns import COLUMNS, reason_void, summarise  # noqa: E402
from harness.comparison import chosen, require  # noqa: E402
from harness.plot import Scale  # noqa: E402
from harness.process import Failure, Process, begin_of, family_of  # noqa: E402
from harness.scenarios import load_of, marks_of, scenarios  # noqa: E402
from harness.table import print_table  # noqa: E402
from peers import PEERS  # noqa: E402
from peers.peer import write_config  # noqa: E402

SCENARIO = {"title": "events < here", "report": "handshake", "baseline": "floor",
            "systems": ["floor", "sluice"]}


def round_of(cpu, streams=10, gaps=0):
    """A report of bench/load on 10 streams."""
    return {"asked": {"connections": 10, "streams": 1, "rate": 0},
            "setup": {"server_cpu_us_per_connection": cpu, "connections_per_s": 5, "steal": [0.01],
                      "streams_ready": streams, "first_byte_ms": {"p50": 1, "p99": 2}},
            "measured": {"deliveries": 0, "steal": [0.25]},
            "faults": {"gaps": gaps, "duplicates": 0, "streams_reset": 0}, "clean": gaps == 0}


def result_of(system, *rounds, **marks):
    result = {"shape": "10x1", "system": system, "rounds": list(rounds), "load": {},
              "marks": {**marks, "of": "ratio"} if marks else {}}
    summarise(result, COLUMNS["handshake"])
    return result


def results():
    return [result_of("floor", round_of(100), round_of(200), round_of(120), must=1.5, goal=1.1),
            result_of("sluice", round_of(150), round_of(180), round_of(200), must=1.5, goal=1.1),
            result_of("nchan", round_of(1300, gaps=3)),
            result_of("pushpin", round_of(0, streams=4))]


def run_of(at="20260102-030405", quick=False):
    return {"scenario": "made-up", "at": at, "quick": quick, "configuration": SCENARIO,
            "peers": {"nchan": "nchan 1.3"}, "results": results(),
            "machine": {"cpu": "Abacus", "cores": 2, "kernel": "6.1", "commit": "abc",
                        "load_average": [0.1, 0, 0], "openssl": "OpenSSL 3.0 (Library: 3.0)"}}


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
        self.assertIn("1.50 (must 1.5, goal 1.1)", self.printed())
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

    def reported(self, *runs):
        files = []
        for number, run in enumerate(runs):
            files.append(self.folder / f"{number}.json")
            files[-1].write_text(json.dumps(run))
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            self.assertEqual(report.main(["--document", str(self.document), *map(str, files)]), 0)
        return self.document.read_text(), said.getvalue()

    def test_a_table_replaces_what_stood_between_the_markers(self):
        text, _ = self.reported(run_of())
        self.assertTrue(text.startswith("before\n<!-- made-up -->\n!["))
        self.assertTrue(text.endswith("<!-- /made-up -->\nafter\n"))
        self.assertNotIn("old", text)
        self.assertIn("| 10x1 | **Sluice** | **180** | **150–200 (28 %)** | **1.50** |", text)
        self.assertIn("| 10x1 | nginx with Nchan | 1300 | – | 10.83 | 5 | 1.0 | 2.0 | 3 gaps |",
                      text)
        self.assertIn("2026-01-02, 3 rounds: 2 cores of Abacus", text)

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

    def test_the_plot_is_xml_with_a_bar_for_each_figure(self):
        self.reported(run_of())
        plot = xml.etree.ElementTree.parse(self.folder / "benchmarks" / "made-up.svg").getroot()
        kinds = [element.get("class") for element in plot.iter() if element.tag.endswith("rect")]
        self.assertEqual(kinds, ["paper", "floor", "ours", "peer"])
        words = [element.text for element in plot.iter() if element.tag.endswith("text")]
        for word in ("events < here", "Sluice", "180", "must", "goal", "logarithmic", "–"):
            self.assertIn(word, words)


    def test_the_shapes_of_one_system_alone_share_a_panel(self):
        alone = run_of()
        alone["results"] = [{**results()[1], "shape": shape} for shape in ("calm", "storm")]
        alone["configuration"] = {**SCENARIO, "baseline": "sluice", "baseline_shape": "calm"}
        panel, = report.panels_of(alone)
        self.assertEqual([bar.label for bar in panel.bars], ["calm", "storm"])
        self.assertAlmostEqual(panel.marks["must"], 1.5 * 180)
        self.assertAlmostEqual(panel.marks["goal"], 1.1 * 180)


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
        with self.assertRaisesRegex(Failure, "Sluice alone"):
            chosen("resume", {**SCENARIO, "program": "resume"}, self.args(against="all"))

    def test_marks_are_no_options_of_the_load(self):
        for scenario in scenarios().values():
            for shape in scenario["shape"]:
                self.assertFalse({"must", "goal", "mark", "peers"} & load_of(
                    scenario, shape, False).keys())
                named = [column[0] for column in COLUMNS[scenario["report"]]]
                self.assertIn(marks_of(shape).get("of", "ratio"), ["ratio", *named])


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

    def test_a_family_begins_with_its_head(self):
        self.assertEqual(family_of(1)[0], 1)

    def test_a_configuration_keeps_no_placeholder(self):
        with tempfile.TemporaryDirectory() as folder:
            file = write_config("front.conf", pathlib.Path(folder), subscribe=1, pushpin=2)
            self.assertNotIn("@", file.read_text())
            self.assertIn("listen 127.0.0.1:1 ssl http2", file.read_text())


if __name__ == "__main__":
    unittest.main()

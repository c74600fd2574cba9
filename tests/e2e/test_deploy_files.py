"""What is in docs/deploy/ for others' programs names only what Sluice has."""

import json
import pathlib
import re

import pytest

DEPLOY = pathlib.Path(__file__).parents[2] / "docs" / "deploy"
pytestmark = pytest.mark.quick


def named(text):
    return set(re.findall(r"\bsluice_[a-z0-9_]+", text))


@pytest.fixture(scope="module")
def metrics(start_for_module):
    """All names on /metrics of a gateway that has a route."""
    gateway = start_for_module(route=[{"path": "/app/*", "upstream": "http://127.0.0.1:1"}])
    return {name for name, _, _ in gateway.metrics().samples}


@pytest.mark.parametrize("file", ["grafana-dashboard.json", "alerts.yml"])
def test_each_metric_that_is_named_is_there(metrics, file):
    names = named((DEPLOY / file).read_text())
    assert len(names) > 10
    assert names - metrics == set()


def test_the_dashboard_is_whole():
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert all(panel["targets"] for panel in panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for target in panel["targets"]:
            assert target["expr"].count("(") == target["expr"].count(")"), target["expr"]


def test_every_alert_is_explained():
    text = (DEPLOY.parent / "operations.md").read_text()
    alerts = re.findall(r"- alert: (\w+)", (DEPLOY / "alerts.yml").read_text())
    assert len(alerts) > 10
    assert [alert for alert in alerts if alert not in text] == []

"""What is shipped beside the program: the service's units and configuration, the manual pages, the
image and the manifests. packaging/check-package builds and installs the package itself."""

import pathlib
import re
import shutil
import subprocess
import tomllib

import harness
import pytest
import yaml
from settings import SECRET, make_certificate

ROOT = pathlib.Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
UNITS = PACKAGING / "systemd"
WORST_EXPOSURE = 2.0  # Of 10, as `systemd-analyze security` counts.

pytestmark = pytest.mark.quick


def seconds(text):
    """"30s" and "2m" in seconds."""
    number, unit = re.fullmatch(r"(\d+)(s|m|h)", text).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


# -- systemd -----------------------------------------------------------------------------------


needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"),
                                   reason="systemd-analyze is not installed")


@pytest.fixture
def units(tmp_path):
    """The units, with the program where it is."""
    for unit in UNITS.iterdir():
        text = unit.read_text().replace("/usr/bin/sluice", str(harness.binary()))
        (tmp_path / unit.name).write_text(text)
    return tmp_path


def analyze(*arguments):
    done = subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True,
                          timeout=60)
    return done.returncode, done.stdout + done.stderr


@needs_systemd
def test_systemd_takes_the_units(units):
    assert analyze("verify", "--man=no", units / "sluice.service", units / "sluice.socket") == (0, "")


@needs_systemd
def test_the_service_may_do_little_beside_its_work(units):
    _, text = analyze("security", "--offline=true", "--no-pager", units / "sluice.service")
    exposure = re.search(r"Overall exposure level for sluice.service: ([\d.]+)", text)
    assert exposure, text
    assert float(exposure[1]) <= WORST_EXPOSURE, text


def unit_options():
    """The last value of each."""
    lines = (UNITS / "sluice.service").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))


def test_to_stop_the_service_leaves_time_for_the_drain():
    shipped = tomllib.loads((PACKAGING / "sluice.toml").read_text())
    assert int(unit_options()["TimeoutStopSec"]) > seconds(shipped["drain"]["hard_limit"])


# -- the configuration -------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path):
    """/etc/sluice as the installation leaves it, elsewhere."""
    make_certificate(tmp_path)
    (tmp_path / "cert.pem").rename(tmp_path / "certificate.pem")
    (tmp_path / "hub.secret").write_text(SECRET)
    text = (PACKAGING / "sluice.toml").read_text()
    assert '"/var/lib/sluice/history"' in text
    file = tmp_path / "sluice.toml"
    file.write_text(text.replace("/var/lib/sluice/history", str(tmp_path / "history")))
    return file


def test_the_shipped_configuration_is_good_as_it_is(installed):
    done = harness.run("check", "--config", installed)
    assert (done.returncode, done.stdout) == (0, f"{installed}: ok\n"), done.stderr


def test_what_it_has_as_a_comment_is_good_too(installed):
    """A line of a comment that is a table or a key of its own is taken in."""
    text = re.sub(r"^# (?=\[\[|\w+ = )", "", installed.read_text(), flags=re.MULTILINE)
    assert text.count("\npath = ") == 2 and "\ntrusted_proxies" in text
    installed.write_text(text)
    done = harness.run("check", "--config", installed)
    assert done.returncode == 0, done.stdout


# -- manual pages ------------------------------------------------------------------------------


@pytest.mark.parametrize("page, name", [("man", "SLUICE(1)"), ("man-config", "SLUICE.TOML(5)")])
def test_man_shows_the_manual_pages_without_a_complaint(tmp_path, page, name):
    file = tmp_path / "page"
    file.write_text(harness.run("reference", page).stdout)
    done = subprocess.run(["man", "--warnings=w", "-P", "cat", "-l", str(file)], capture_output=True, text=True,
                          env={**harness.environment(), "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
    assert (done.returncode, done.stderr) == (0, "")
    assert name in done.stdout.upper().splitlines()[0]
    assert "\\" not in done.stdout.replace("\\0", "")


# -- the image ---------------------------------------------------------------------------------


HEALTHCHECK = PACKAGING / "docker/healthcheck"


def health(port, **variables):
    return subprocess.run([str(HEALTHCHECK)], stderr=subprocess.DEVNULL, timeout=20,
                          env={"SLUICE_ADMIN_PORT": str(port), **variables}).returncode


def test_the_images_health_check_tells_a_gateway_from_none(gateway):
    assert health(gateway.admin) == 0
    assert health(gateway.admin, SLUICE_HEALTH="/readyz") == 0
    assert health(gateway.admin, SLUICE_HEALTH="/nothing") != 0
    gateway.stop()
    assert health(gateway.admin) != 0


def test_what_the_image_copies_is_there_and_its_user_is_the_manifests(manifests):
    text = (PACKAGING / "docker/Dockerfile").read_text()
    for source in re.findall(r"^COPY (?!--)(\S+) ", text, re.MULTILINE):
        assert (ROOT / source).exists(), source
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    user, group = re.search(r"^USER (\d+):(\d+)$", text, re.MULTILINE).groups()
    assert (int(user), int(group)) == (pod["securityContext"]["runAsUser"],
                                       pod["securityContext"]["runAsGroup"])


# -- Kubernetes --------------------------------------------------------------------------------


@pytest.fixture
def manifests():
    text = (PACKAGING / "kubernetes/sluice.yaml").read_text()
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


@pytest.fixture
def container(manifests):
    return manifests["Deployment"]["spec"]["template"]["spec"]["containers"][0]


@pytest.fixture
def mounted(manifests, tmp_path):
    """The ConfigMap's file."""
    file = tmp_path / "sluice.toml"
    file.write_text(manifests["ConfigMap"]["data"]["sluice.toml"])
    return file


def test_the_manifests_are_about_the_same_pods(manifests):
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert manifests["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert manifests["Service"]["spec"]["selector"] == labels
    assert manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels


def test_the_mounted_configuration_is_good(mounted):
    done = harness.run("check", "--config", mounted)
    assert (done.returncode, done.stdout) == (0, f"{mounted}: ok\n")


def test_the_manifests_ports_are_those_that_the_configuration_opens(manifests, container, mounted):
    settings = tomllib.loads(mounted.read_text())
    opened = {"http": settings["listen"][0]["address"], "admin": settings["admin"]["address"]}
    named = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {name: int(address.rpartition(":")[2]) for name, address in opened.items()} == named
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        assert container[probe]["httpGet"]["port"] == "admin"
    assert [port["targetPort"] for port in manifests["Service"]["spec"]["ports"]] == ["http"]


def test_a_pod_is_out_of_service_before_it_ends_streams_and_ends_before_it_is_killed(
        manifests, container, mounted):
    drain = tomllib.loads(mounted.read_text())["drain"]
    probe = container["readinessProbe"]
    assert probe["httpGet"]["path"] == "/readyz"
    assert probe["periodSeconds"] * probe["failureThreshold"] < seconds(drain["delay"])
    assert seconds(drain["delay"]) + seconds(drain["window"]) < seconds(drain["hard_limit"])
    assert "lifecycle" not in container  # A preStop would take its time from the grace period.
    grace = manifests["Deployment"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > seconds(drain["hard_limit"])

"""The files in docs/deploy/examples are whole, and what they are for takes them."""

import re
import shutil
import subprocess

import harness
import pytest
import yaml
from balancers import EXAMPLES, example, inherited_by_nginx, program


def files(*endings):
    names = sorted(file.name for file in EXAMPLES.iterdir() if file.name.endswith(endings))
    assert names, f"no example ends in {endings}"
    return names


@pytest.mark.quick
@pytest.mark.parametrize("name", files(".toml"))
def test_sluice_takes_its_examples(name, tmp_path, certificate):
    for file in (EXAMPLES / name, certificate / "cert.pem", certificate / "key.pem"):
        shutil.copy(file, tmp_path)
    (tmp_path / "hub.secret").write_text("a-secret-of-32-bytes-or-more-than-that")
    done = harness.run("check", "--config", tmp_path / name)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / name}: ok\n"), done.stderr


@pytest.mark.parametrize("name", files(".cfg"))
def test_haproxy_takes_its_examples(name, tmp_path, certificate):
    pem = tmp_path / "site.pem"
    pem.write_bytes(b"".join((certificate / part).read_bytes() for part in ("cert.pem", "key.pem")))
    file = tmp_path / name
    file.write_text((EXAMPLES / name).read_text().replace("/etc/haproxy/site.pem", str(pem)))
    done = subprocess.run([program("haproxy"), "-c", "-f", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_nginx_takes_its_example(tmp_path, certificate):
    with inherited_by_nginx() as (port, options):
        file = tmp_path / "nginx.conf"
        file.write_text(f"pid {tmp_path}/nginx.pid;\n" + example("nginx.conf", {
            "/etc/nginx/site.pem": str(certificate / "cert.pem"),
            "/etc/nginx/site.key": str(certificate / "key.pem"),
            "listen 443": f"listen 127.0.0.1:{port}",
            "worker_connections 50000": "worker_connections 500",
            "worker_rlimit_nofile 200000": "worker_rlimit_nofile 2000",
            r"^http \{": f"http {{\n  access_log {tmp_path}/access.log;"}))
        done = subprocess.run([program("nginx"), "-t", "-p", str(tmp_path), "-c", str(file), "-e",
                               "stderr"], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


@pytest.mark.quick
def test_envoys_example_says_what_long_streams_need():
    """There is no Envoy here to ask: what its page calls needful stands in the file."""
    envoy = yaml.safe_load((EXAMPLES / "envoy.yaml").read_text())["static_resources"]
    manager = envoy["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    routes = manager["route_config"]["virtual_hosts"][0]["routes"]
    assert all(route["route"]["timeout"] == "0s" for route in routes)
    assert manager["use_remote_address"] is True
    cluster, = envoy["clusters"]
    assert {route["route"]["cluster"] for route in routes} == {cluster["name"]}
    limits = cluster["circuit_breakers"]["thresholds"][0]
    assert limits["max_requests"] > 1024 and limits["max_connections"] > 1024


@pytest.mark.quick
def test_every_example_is_told_of_by_a_page():
    pages = "".join(page.read_text() for page in EXAMPLES.parent.glob("*.md"))
    untold = [file.name for file in EXAMPLES.iterdir() if f"examples/{file.name}" not in pages]
    assert untold == []


@pytest.mark.quick
def test_every_page_is_in_the_index_and_every_link_leads_somewhere():
    folder = EXAMPLES.parent
    index = (folder / "README.md").read_text()
    for page in folder.glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (folder / target).exists(), f"{page.name} links to {target}"

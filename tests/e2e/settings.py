"""What a gateway is started with: its configuration, its certificate, and tokens for its hub."""

import base64
import copy
import hashlib
import hmac
import json
import pathlib
import subprocess
import tomllib

HERE = pathlib.Path(__file__).parent
SECRET = "a-contract-secret-of-32-bytes-or-more"


def config(**sections):
    """The settings of hub.toml with `sections` laid over them: config(server={"workers": 2})."""
    settings = tomllib.loads((HERE / "hub.toml").read_text())
    # A test that stops its gateway does not want to wait for a drain made for balancers.
    settings["drain"] = {"delay": "0s", "window": "0s"}
    for name, values in sections.items():
        if isinstance(values, dict):
            settings.setdefault(name, {}).update(copy.deepcopy(values))
        else:
            settings[name] = copy.deepcopy(values)
    return settings


def toml(settings):
    """TOML text of nested dictionaries; enough of the language for a configuration."""
    lines = []
    for name, value in settings.items():
        if isinstance(value, list):
            for entry in value:
                lines += [f"[[{name}]]", *_pairs(entry), ""]
        else:
            lines += [f"[{name}]", *_pairs(value), ""]
    return "\n".join(lines)


def _pairs(table):
    return [f"{key} = {_value(value)}" for key, value in table.items()]


def _value(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(_pairs(value)) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    return json.dumps(value)


def make_certificate(directory):
    """A self-signed certificate for localhost, as an operator would make one."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "30", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1",
         "-keyout", str(directory / "key.pem"), "-out", str(directory / "cert.pem")],
        check=True, capture_output=True, timeout=30)


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(claims, secret=SECRET, header=None):
    """A signed token, made without the gateway's own code."""
    head = b64url(json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode())
    body = b64url(json.dumps(claims).encode())
    mac = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{b64url(mac)}"


PUBLISHER = jwt({"mercure": {"publish": ["*"]}})

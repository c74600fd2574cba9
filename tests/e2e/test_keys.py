"""Keys as an operator has them: PEM files, JWK sets, and an issuer that changes its keys."""

import base64
import contextlib
import http.server
import json
import subprocess
import threading

import pytest

from harness import Gateway, run, wait_until
from settings import config, make_certificate

ALGORITHMS = ["RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"]
KINDS = {"RS": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "PS": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
         "ES256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "ES384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
         "ES512": ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"], "EdDSA": ["ED25519"]}


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)
    return done.stdout


def make_key(folder, algorithm, name="signer"):
    """A private key, and the public key beside it, by the commands of the documentation."""
    kind = KINDS.get(algorithm) or KINDS[algorithm[:2]]
    private, public = folder / f"{name}.pem", folder / f"{name}-public.pem"
    openssl("genpkey", "-algorithm", *kind, "-out", private)
    openssl("pkey", "-in", private, "-pubout", "-out", public)
    return private, public


def token(key, *arguments):
    done = run("token", "--key-file", key, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def status_of(gateway, bearer):
    with gateway.publisher(bearer) as publisher:
        return publisher.form([("topic", "news"), ("data", "x")])


def ed25519_jwk(public, kid):
    """The last 32 bytes of the DER form are the key itself."""
    raw = openssl("pkey", "-pubin", "-in", public, "-outform", "DER")[-32:]
    return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig",
            "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}


@contextlib.contextmanager
def issuer():
    """An HTTP server with a JWK set that a test may change; `asked` counts the fetches."""
    state = type("State", (), {"keys": [], "asked": 0, "url": ""})()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            state.asked += 1
            body = json.dumps({"keys": state.keys}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/jwks"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_each_kind_of_key_publishes(tmp_path, algorithm):
    make_certificate(tmp_path)
    private, public = make_key(tmp_path, algorithm)
    keys = [{"alg": algorithm, "key_file": public.name}]
    good = token(private, "--alg", algorithm, "--publish", "news")
    with Gateway(tmp_path, config(hub={"publisher_keys": keys})) as gateway:
        assert status_of(gateway, good)[0] == 200
        assert status_of(gateway, good[:-8] + "AAAAAAAA")[0] == 401
        assert gateway.metric("sluice_token_lookups_total", result="miss") == 2
        assert status_of(gateway, good)[0] == 200
        assert gateway.metric("sluice_token_lookups_total", result="hit") == 1


def test_a_token_of_mercure_1_0_publishes_what_its_details_say(tmp_path):
    make_certificate(tmp_path)
    private, public = make_key(tmp_path, "ES256")
    keys = [{"key_file": public.name, "issuer": "https://issuer.example", "audience": "https://hub.example"}]
    more = ["--details", "--publish", "news", "--issuer", "https://issuer.example"]
    with Gateway(tmp_path, config(hub={"publisher_keys": keys})) as gateway:
        assert status_of(gateway, token(private, *more, "--audience", "https://hub.example"))[0] == 200
        status, text = status_of(gateway, token(private, *more, "--audience", "https://other.example"))
        assert (status, "aud" in text) == (401, True)
        other = token(private, "--details", "--publish", "other", "--issuer", "https://issuer.example",
                      "--audience", "https://hub.example")
        assert status_of(gateway, other)[0] == 403


def test_an_issuer_changes_its_keys_and_nobody_restarts_the_gateway(tmp_path):
    make_certificate(tmp_path)
    old, old_public = make_key(tmp_path, "EdDSA", "old")
    new, new_public = make_key(tmp_path, "EdDSA", "new")
    with issuer() as published:
        published.keys = [ed25519_jwk(old_public, "old")]
        hub = {"publisher_keys": [{"jwks_url": published.url}], "jwks_min_interval": "1s"}
        with Gateway(tmp_path, config(hub=hub)) as gateway:
            by_old = token(old, "--kid", "old", "--publish", "*")
            by_new = token(new, "--kid", "new", "--publish", "*")
            assert status_of(gateway, by_old)[0] == 200
            published.keys = [ed25519_jwk(new_public, "new")]
            assert status_of(gateway, by_new)[0] == 401
            wait_until(lambda: status_of(gateway, by_new)[0] == 200, "the new key")
            assert status_of(gateway, by_old)[0] == 401
            assert gateway.metric("sluice_jwks_keys") == 1
            asked = published.asked
            for number in range(20):
                status_of(gateway, token(new, "--kid", f"unknown-{number}", "--publish", "*"))
            # Twenty processes took some seconds: as many fetches, and not one for each token.
            assert published.asked - asked < 20
            assert gateway.metric("sluice_jwks_failures_total") == 0


def test_an_issuer_that_is_down_does_not_keep_the_gateway_from_starting(tmp_path):
    make_certificate(tmp_path)
    private, public = make_key(tmp_path, "EdDSA")
    with issuer() as published:
        url = published.url
    hub = {"publisher_keys": [{"jwks_url": url}, {"key_file": public.name}]}
    with Gateway(tmp_path, config(hub=hub)) as gateway:
        assert status_of(gateway, token(private, "--publish", "*"))[0] == 200
        assert gateway.metric("sluice_jwks_failures_total") >= 1
        assert "the connection" in gateway.stderr() or "no answer from" in gateway.stderr()

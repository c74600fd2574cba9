"""A certificate authority as an operator has one: the openssl program and a folder."""

import datetime
import itertools
import pathlib
import ssl
import subprocess


def openssl(*arguments, **options):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, timeout=30,
                          **options)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Certificate:
    """The files of one, and what clients see of it."""

    def __init__(self, certificate, key, ocsp=None):
        self.certificate, self.key, self.ocsp = certificate, key, ocsp

    @property
    def files(self):
        """As [tls] and [[tls.certificates]] name them."""
        files = {"certificate": str(self.certificate), "key": str(self.key)}
        return {**files, "ocsp": str(self.ocsp)} if self.ocsp else files

    @property
    def der(self):
        """The leaf."""
        pem = self.certificate.read_text()
        return ssl.PEM_cert_to_DER_cert(pem[:pem.index("-----END")] + "-----END CERTIFICATE-----\n")


class Authority:
    def __init__(self, folder, name="authority"):
        self.folder = pathlib.Path(folder)
        self.certificate = self.folder / f"{name}.pem"
        self.key = self.folder / f"{name}-key.pem"
        self.serials = itertools.count(0x1000)
        openssl("req", "-x509", *KEY, "-days", "30", "-subj", f"/CN=Test {name}",
                "-keyout", self.key, "-out", self.certificate)

    def issue(self, name, alternatives=None, days=30, stapled=False, into=None):
        """A certificate for `name`, with the authority's behind it, and its key; `into` another's
        files, in their place."""
        serial = next(self.serials)
        base = self.folder / f"{name}-{serial:x}"
        key, request, leaf = (base.with_suffix(s) for s in (".key", ".csr", ".crt"))
        names = f"subjectAltName={alternatives or 'DNS:' + name}\n"
        openssl("req", *KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        base.with_suffix(".ext").write_text(names)
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                "-set_serial", hex(serial), "-days", days, "-out", leaf,
                "-extfile", base.with_suffix(".ext"))
        chain = base.with_suffix(".pem")
        chain.write_text(leaf.read_text() + self.certificate.read_text())
        made = Certificate(chain, key)
        if stapled:
            made.ocsp = self.answer(leaf, name, serial, base.with_suffix(".ocsp"))
        if into:
            key.rename(into.key)
            chain.rename(into.certificate)
            return into
        return made

    def answer(self, leaf, name, serial, to):
        """An OCSP response that says "good"."""
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=30)
        index = to.with_suffix(".index")
        index.write_text(f"V\t{end:%y%m%d%H%M%SZ}\t\t{serial:X}\tunknown\t/CN={name}\n")
        openssl("ocsp", "-index", index, "-rsigner", self.certificate, "-rkey", self.key,
                "-CA", self.certificate, "-issuer", self.certificate, "-cert", leaf,
                "-respout", to, "-ndays", "7")
        return to

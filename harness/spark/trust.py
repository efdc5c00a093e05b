"""The certificates that this machine trusts, a company's own among them, as a store that Java reads."""

from __future__ import annotations

import re
import ssl
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
"""Where Python's own tools look, or are told to look, for certificates: files or folders."""

# Python names its OpenSSL's place only, and a Python that wasn't built for this system has one that isn't there.
_USUAL = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_PASSWORD = "changeit"  # noqa: S105 -- Java's usual one; the store holds public certificates only


def java_options(folder: Path, env: Mapping[str, str]) -> list[str]:
    """Write the store into a folder; gives the options by which Java trusts what is in it, and nothing else.

    None where no certificate is found: Java then trusts what it always does.
    """
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
    from cryptography.x509 import load_der_x509_certificate

    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old certificates that the system brings; a test run may make errors of warnings
        for number, der in enumerate(certificates(env)):
            try:
                found.append(pkcs12.PKCS12Certificate(load_der_x509_certificate(der), f"ca{number}".encode()))
            except ValueError:
                continue  # an odd one among hundreds; what it signed will not be trusted
    if not found:
        return []
    store = folder / "trust.p12"
    store.write_bytes(pkcs12.serialize_java_truststore(found, BestAvailableEncryption(_PASSWORD.encode())))
    return [f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={_PASSWORD}"]


def certificates(env: Mapping[str, str]) -> list[bytes]:
    """Each certificate once, in DER: those of the variables, of Python's own store and of the system's usual files."""
    # Not all by itself: Python lists none of a folder of certificates before it has needed them.
    found = dict.fromkeys(ssl.create_default_context().get_ca_certs(binary_form=True))
    told = [Path(env[name]) for name in VARIABLES if env.get(name)]
    paths = ssl.get_default_verify_paths()
    for place in [*told, *(Path(path) for path in (paths.cafile, paths.capath, *_USUAL) if path)]:
        for file in sorted(place.iterdir()) if place.is_dir() else [place]:
            found.update(dict.fromkeys(_in_file(file)))
    return list(found)


def _in_file(path: Path) -> Iterator[bytes]:
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return  # it isn't there, or a folder in a folder
    for block in _PEM.findall(text):
        try:
            yield ssl.PEM_cert_to_DER_cert(block)
        except ValueError:
            continue  # cut off

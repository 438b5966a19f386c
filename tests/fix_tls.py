"""A certificate that signed itself, for servers and poolers that are to speak TLS."""

from __future__ import annotations

import subprocess
from pathlib import Path


def certify(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """Make a key and a certificate for a host in a folder, and return them in this order."""
    key, certificate = folder / "server.key", folder / "server.crt"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *subject, *files], check=True, capture_output=True)
    return key, certificate

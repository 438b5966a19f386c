"""`runbooks evidence verify BUNDLE`: what was changed in a bundle since it was sealed."""

from __future__ import annotations

import sys
from pathlib import Path

from cli import layout
from ops import errors, manifest


def verify(bundle: Path, *, digest: str | None = None) -> int:
    """Print what is not as it was sealed; return 0 if nothing, 1 if something, 2 if there is no bundle."""
    try:
        evidence = manifest.verify(bundle, expected=digest)
    except errors.Refused as error:
        print(layout.cleaned(str(error)), file=sys.stderr)
        return 2
    print(layout.cleaned(evidence.summary))
    for row in evidence.rows:
        print(layout.cleaned(f"{row['state']:<10} {row['file']}: {row['detail']}"))
    seal = manifest.digest(bundle)
    if seal:
        print(f"digest {seal}" if digest else f"digest {seal} (compare it with the one in the verdict)")
    return 0 if evidence.ok else 1

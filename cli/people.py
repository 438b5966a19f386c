"""`runbooks approvers`: who may approve in an environment."""

from __future__ import annotations

import sys
from pathlib import Path

import segno

from ops import people, project, reviews


def add(path: Path, environment: str, name: str) -> int:
    """Enrol somebody, and show what their authenticator takes, once."""
    enrolled = reviews.enrol(path, environment, name)
    print(f"{enrolled.name} may approve in {environment}. Let them scan this now; it is not shown again.\n")
    segno.make(enrolled.address, micro=False).terminal(sys.stdout, compact=True)
    sys.stdout.write(f"\n{enrolled.address}\n")
    return 0


def remove(path: Path, environment: str, name: str) -> int:
    """Remove somebody; their codes are good for nothing from now on."""
    print(f"{reviews.remove(path, environment, name)} may not approve in {environment} any more.")
    return 0


def show(path: Path, environment: str) -> int:
    """Show who may approve."""
    where = project.load(path).environment(environment)
    known = people.read(where.approvers)
    for name, person in sorted(known.items()):
        print(f"{name}  since {person.since:%Y-%m-%d}")
    print(
        f"{len(known)} enrolled; {where.approvals} approve{', none of them who asks' if where.four_eyes else ''}."
    )
    return 0

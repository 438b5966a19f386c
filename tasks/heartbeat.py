"""The steps of a heartbeat."""

from __future__ import annotations

from ops import beating
from tasks.step import step

plan_heartbeat = step(beating.plan, title="Plan the heartbeat of {path} on {environment}")
beat = step(beating.beat, title="Write a heartbeat")
verify_beat = step(beating.verify, title="Read the heartbeat back", evidence="heartbeat")

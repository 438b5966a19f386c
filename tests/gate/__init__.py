"""A runbook with a gate and an act that leaves a row, for the tests of the gate."""

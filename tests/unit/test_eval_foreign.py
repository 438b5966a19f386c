"""Logs of other tools are read through the mapping alone; the shapes are theirs, the records made up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ops.eval_records import Reader, Record
from ops.eval_settings import Fields

INSPECT = {
    "id": "q1",
    "epoch": 2,
    "output": {
        "model": "openai/gpt-4o",
        "choices": [{"message": {"role": "assistant", "content": "Yes."}, "stop_reason": "stop"}],
        "completion": "Yes.",
        "time": 1.5,
    },
    "scores": {"match": {"value": "C", "explanation": None}},
    "started_at": "2026-02-15T20:50:00+00:00",
}
PROMPTFOO = {
    "promptIdx": 0,
    "testIdx": 3,
    "prompt": {"raw": "Describe it", "label": "v7"},
    "provider": {"id": "anthropic:messages:small", "label": ""},
    "response": {"output": {"title": "t"}, "cost": 0.002},
    "success": True,
    "score": 1,
    "latencyMs": 812,
    "cost": 0.002,
}
HARNESS = {
    "doc_id": 11,
    "doc": {"question": "?"},
    "target": "4",
    "arguments": [["Q", {"until": ["\n"]}]],
    "resps": [["The answer is 4"]],
    "filtered_resps": ["4"],
    "exact_match": 1.0,
}
OPENAI_EVALS = {
    "run_id": "2302152050AB",
    "event_id": 5,
    "sample_id": "test.dev.3",
    "type": "sampling",
    "data": {"prompt": [{"role": "user", "content": "?"}], "sampled": ["four"]},
    "created_at": "2026-02-15 20:50:00.000000+00:00",
}
LANGFUSE = {
    "id": "0b9a",
    "startTime": "2026-02-15T20:50:00.000Z",
    "model": "gpt-4o",
    "promptVersion": 3,
    "output": '{"role": "assistant", "content": "Hello"}',
    "latency": 0.913,
    "totalCost": 0.00042,
    "environment": "production",
}
LANGSMITH = {
    "id": "8f5e",
    "start_time": "2026-02-15T20:50:00",
    "extra": {"metadata": {"ls_provider": "anthropic", "revision": None}},
    "outputs": {"generations": [[{"text": "Hello", "type": "ChatGeneration"}]]},
    "total_cost": "0.00042",
    "feedback_stats": {"user_score": {"n": 2, "avg": 0.5}},
}


def read(logged: dict[str, Any], *, unit: str = "ms", **fields: str) -> Record:
    mapping = Fields(**fields).model_dump(exclude={"latency_unit"})
    return Reader(mapping, latency_scale=1000 if unit == "s" else 1).read(json.dumps(logged).encode(), at=0)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            read(
                INSPECT,
                unit="s",
                key="join('/', [id, to_string(epoch)])",
                output="output.completion",
                provider="output.model",
                latency_ms="output.time",
                created="started_at",
                publish="scores.*.value | [0]",
            ),
            ("q1/2", "Yes.", "openai/gpt-4o", 1500, None, "C"),
        ),
        (
            read(
                PROMPTFOO,
                key="join('/', [to_string(testIdx), to_string(promptIdx)])",
                output="response.output",
                provider="provider.id",
                prompt_template_version="prompt.label",
                latency_ms="latencyMs",
                cost_usd="cost",
                publish="success",
            ),
            ("3/0", {"title": "t"}, "anthropic:messages:small", 812, 2000, True),
        ),
        (
            read(HARNESS, key="doc_id", output="resps[0][0]", publish="exact_match"),
            ("11", "The answer is 4", "unknown", None, None, 1.0),
        ),
        (
            read(OPENAI_EVALS, key="event_id", output="data.sampled", publish="data.correct"),
            ("5", "four", "unknown", None, None, None),
        ),
        (
            read(
                LANGFUSE,
                unit="s",
                created="startTime",
                provider="model",
                prompt_template_version="promptVersion",
                latency_ms="latency",
                cost_usd="totalCost",
            ),
            ("0b9a", {"role": "assistant", "content": "Hello"}, "gpt-4o", 913, 420, None),
        ),
        (
            read(
                LANGSMITH,
                created="start_time",
                output="outputs.generations[0][0].text",
                provider="extra.metadata.ls_provider",
                cost_usd="total_cost",
                publish="feedback_stats.user_score.avg",
            ),
            ("8f5e", "Hello", "anthropic", None, 420, 0.5),
        ),
    ],
    ids=["inspect_ai", "promptfoo", "lm-eval-harness", "openai evals", "langfuse", "langsmith"],
)
def test_a_log_of_another_tool_is_read(found: Record, expected: tuple[Any, ...]):
    assert (
        found.key,
        found.content,
        found.provider,
        found.latency_ms,
        found.cost_micros,
        found.publish,
    ) == expected
    assert not [problem for problem in found.problems if problem.endswith("fails")]

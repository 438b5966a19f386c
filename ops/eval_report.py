"""The report of an evaluation, in every form that people and programs read.

Source: phase2-rollout-and-eval.md, section 5, step 2 (the JSON report).
"""

from __future__ import annotations

from pathlib import Path

from ops import eval_plots, eval_report_facts, eval_report_html, eval_report_markdown
from ops.eval_night import Night
from ops.eval_report_shape import RunReport
from ops.evals import Report

RESULT, PAGE, TEXT = "eval_run_report.json", "report.html", "report.md"
# The UI shows larger artifacts slowly.
_LARGEST_PICTURES = 600_000


def write(night: Night) -> Report:
    """Write the report into the night's bundle, as JSON, Markdown, HTML and pictures.

    Raises:
        Refused: the bundle cannot be written.
        Unavailable: the disk is full.
    """
    report = eval_report_facts.of(night)
    pictures = eval_plots.draw(report, night.evaluation.tallies if night.evaluation else ())
    files = {title: eval_plots.FILES[title] for title in pictures}
    night.report = Report(
        ok=True,
        summary=f"The report is in {PAGE}, {TEXT} and {RESULT}, with {len(pictures)} pictures.",
        rows=tuple({"file": name} for name in (PAGE, TEXT, RESULT, *files.values())),
        files=(RESULT, TEXT, PAGE, *files.values()),
        pictures=files,
        bundle=str(night.bundle.path) if night.bundle else None,
    )
    if night.bundle:
        for title, picture in pictures.items():
            night.bundle.write_bytes(files[title], picture)
        night.bundle.write_json(RESULT, report)
        night.bundle.write_text(TEXT, eval_report_markdown.text(report, files))
        # Redacted text by text as it is made: a picture's letters may look like a short secret.
        night.bundle.write_bytes(PAGE, eval_report_html.text(report, pictures).encode())
    return night.report


def document(found: Report) -> str:
    """Return the report of a run as Markdown with its pictures in it."""
    return markdown_of(Path(found.bundle)) if found.bundle else f"{found.summary}\n"


def markdown_of(bundle: Path) -> str:
    """Return the report that a bundle holds as Markdown; its pictures are in it, if they are small enough."""
    report = RunReport.model_validate_json((bundle / RESULT).read_bytes())
    drawn = {title: path for title, name in eval_plots.FILES.items() if (path := bundle / name).is_file()}
    small = sum(path.stat().st_size for path in drawn.values()) <= _LARGEST_PICTURES
    addresses = {title: eval_report_html.address(path.read_bytes()) for title, path in drawn.items()}
    return eval_report_markdown.text(report, addresses if small else {})

"""What GPUs that were at hand said of the library, as a section of the Results page."""

import json
from pathlib import Path

REPORTS = Path(__file__).parent / "reports"


def section() -> str:
    """One paragraph and one table for each stored report of ``make gpu``; empty where there is none."""
    reports = [json.loads(path.read_text()) for path in sorted(REPORTS.glob("*.json"))]
    return "\n".join(["## On a GPU", "", *map(_of_one, reports)]) if reports else ""


def _of_one(report: dict) -> str:
    check, best = report["check"], report["peaks (GFLOP/s)"]
    differs = ", ".join(f"`{name}` ({why})" for name, why in report["differs"].items()) or "none"
    where = f"**{report['device']}** (torch {report['torch']}, {report['date']}, commit `{report['commit']}`)"
    product, convolution = (f"{best[what] / 1e3:.0f}" for what in ("matrix product", "convolution"))
    lines = [
        f"{where}. Of the public calls of the library {check['agrees']} agree with the CPU, and {check['draws alike']} "
        f"that draw random numbers draw alike; different: {differs}. At the scale of a GPU "
        f"{len(report['trained for five steps'])} runs took their first five steps there. In {report['precision']} its "
        f"largest matrix product reached {product} TFLOP/s, its best convolution of 64 channels {convolution}.",
        "",
        "| | ours (ms) | plain float32 code (ms) | times as fast |",
        "|---|---:|---:|---:|",
    ]
    for what, row in report["against plain code"].items():
        lines.append(f"| {what} | {1e3 * row['ours']:.1f} | {1e3 * row['plain']:.1f} | {row['times faster']:.1f} |")
    lines += [
        "",
        "| a training step | steps a second | TFLOP/s | share of the best convolution (%) |",
        "|---|---:|---:|---:|",
    ]
    for name, row in report["training steps"].items():
        if "GFLOP/s" in row:
            share = 100 * row["GFLOP/s"] / best["convolution"]
            lines.append(f"| `{name}` | {row['steps a second']:.0f} | {row['GFLOP/s'] / 1e3:.0f} | {share:.0f} |")
    return "\n".join(lines) + "\n"

#!/usr/bin/env python3
"""Draws dashboard.json as CloudWatch would show it over an incident: docs/dashboard.svg from docs/dashboard-data.json.

    python3 infra/dashboard.py                      # draws again
    dowsim replay poison-uploads --set "policy.budget.*.thresholds_percent=[$(seq -s, 1 100)]" --json |
      python3 infra/dashboard.py --take             # takes new data from the simulator, and draws

Widgets, metrics, statistics, periods and labels are read out of dashboard.json; the data are named as
guard-fn/src/emf.rs names them. Warnings at every percent, because the simulator writes a tick out in full only where
it has something to tell.
"""

import json
import math
import re
import sys
import textwrap
from datetime import datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
DASHBOARD = HERE / "dashboard.json"
DATA = HERE.parent / "docs" / "dashboard-data.json"
PICTURE = HERE.parent / "docs" / "dashboard.svg"

# The model's own assumptions (simulator/src/stage.rs and the guard's defaults): what a run of the guard lasts, what it
# bills at 256 MB on arm64 ($0.0000133334 a GB-second and $0.20 a million requests), how old the newest metric is.
GUARD_MS = 200
GUARD_USD = 0.25 * GUARD_MS / 1000 * 0.0000133334 + 0.0000002
METRIC_LAG_S = 180

CELL, ROW, GAP, TOP = 40, 30, 8, 34
COLOURS = ("a", "b", "c")


# ---- data


def take(replay: dict) -> dict:
    """The metrics of each tick of a replay, minute by minute, and the log lines that name an action.

    What a row of the replay has is taken from there. The rest is in the ticks that are written out in full: refusals and
    sight change only there, and between two of them the dollars of repeated work grow with what is spent.
    """
    run, start = replay["with"], datetime.fromisoformat(replay["start"])
    rows = [row for row in run["rows"] if row["seen"] is not None]
    ticks = {tick["minute"]: tick for tick in run["ticks"] if tick["plan"]["budgets"]}
    full = sorted(ticks)
    budgets = {minute: ticks[minute]["plan"]["budgets"][0] for minute in full}
    repeated = [tuple(float(budgets[minute][key]["expected"]) for key in ("spent", "repeated")) for minute in full]
    seen = {row["minute"]: float(row["seen"]) for row in rows}
    metrics = {}

    def put(name, minute, value):
        metrics.setdefault(name, []).append([minute, round(value, 6)])

    looking = float(run["bill"]["guard"]) - GUARD_USD * len(rows)
    for row in rows:
        minute = row["minute"]
        last = ticks[max(each for each in full if each <= minute)]["plan"]
        here = ticks.get(minute, {"plan": {"actions": []}})["plan"]
        sees = last["budgets"][0]["freshness"]["is"] in ("fresh", "silent")
        put("Spent", minute, seen[minute])
        put("Projected", minute, float(row["projected"]["expected"]))
        put("Amount", minute, float(last["budgets"][0]["amount"]))
        if minute in budgets:
            put("BurnPerHour", minute, float(budgets[minute]["burn_per_hour"]))
        elif minute - 6 in seen:
            # Five settled minutes: the newest that is seen is not settled yet.
            put("BurnPerHour", minute, 12 * (seen[minute - 1] - seen[minute - 6]))
        put("RepeatedShare", minute, 100 * between(repeated, seen[minute]) / seen[minute] if seen[minute] else 0)
        put("CapsInForce", minute, float(row["cap"] is not None))
        put("Actions", minute, len(here["actions"]))
        put("Refusals", minute, len(last["refusals"]))
        put("OwnCost", minute, looking / len(rows))
        if sees:
            put("MetricAge", minute, METRIC_LAG_S)
        put("Blind", minute, float(not sees))
        for name, value in (("Invocations", 1), ("Errors", 0), ("Duration", GUARD_MS)):
            put(name, minute, value)
    log = []
    for minute in full:
        plan = ticks[minute]["plan"]
        if plan["actions"]:
            at = (start + timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M:%S")
            log.append({"@timestamp": at, "armed": plan["armed"], "changes": ticks[minute]["changes"]})
    return {
        "title": replay["title"],
        "start": replay["start"],
        "minutes": run["minutes"],
        "metrics": metrics,
        "log": log,
    }


def between(points: list, seen: float) -> float:
    """Repeated work where this much is seen: on the straight line through the points (seen, repeated) around it."""
    below = max(point for point in points if point[0] <= seen)
    above = min((point for point in points if point[0] >= seen), default=below)
    part = (seen - below[0]) / (above[0] - below[0]) if above[0] > below[0] else 0
    return below[1] + (above[1] - below[1]) * part


def series(points: list, statistic: str, period_s: int) -> list:
    """A metric as CloudWatch shows it: one value per period, at the period's begin."""
    bins = {}
    for minute, value in points:
        bins.setdefault(minute * 60 // period_s * period_s // 60, []).append(value)
    of = {"Maximum": max, "Sum": sum, "Average": lambda values: sum(values) / len(values)}[statistic]
    return [(minute, of(values)) for minute, values in sorted(bins.items())]


def asked(line: list, period_s: int) -> tuple:
    """Metric, statistic, period in seconds, label and axis of one line of a widget."""
    last = line[-1]
    if "expression" in last:
        name, statistic, period = re.fullmatch(
            r"""SEARCH\('\{DowGuard,Stage,Budget\} MetricName="(\w+)" Stage="\$\{Stage\}"', '(\w+)', (\d+)\)""",
            last["expression"],
        ).groups()
        return name, statistic, int(period), last["label"], "left"
    return line[1], last["stat"], period_s, last["label"], last.get("yAxis", "left")


# ---- drawing


def ticks_of(top: float) -> list:
    """Round numbers from nought to somewhat above the highest value."""
    top *= 1.05
    step = 10 ** math.floor(math.log10(top)) if top > 0 else 1
    step = next(each for each in (step / 5, step / 2, step, step * 2, step * 5) if each * 5 >= top)
    return [step * place for place in range(math.ceil(top / step) + 1)]


def number(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:.3f}".rstrip("0")


def text(x, y, words, kind="", anchor="start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(str(words))}</text>'


def chart(box: tuple, properties: dict, data: dict) -> list:
    x, y, width, height = box
    lines = []
    for line in properties["metrics"]:
        name, statistic, period, label, side = asked(line, properties["period"])
        lines.append((label, side, series(data["metrics"][name], statistic, period)))
    sides = {side for _, side, _ in lines}
    left, right, upper, lower = x + 44, x + width - (38 if "right" in sides else 18), y + 42, y + height - 40
    out, start = [], datetime.fromisoformat(data["start"])

    def across(minute):
        return left + (right - left) * minute / data["minutes"]

    for hour in range(0, data["minutes"] + 1, 60):
        out.append(
            text(across(hour), lower + 13, (start + timedelta(minutes=hour)).strftime("%H:%M"), "axis", "middle")
        )
    marks = {}
    for side in sorted(sides):
        marks[side] = ticks_of(max(value for _, of, points in lines if of == side for _, value in points))
        for mark in marks[side]:
            level = lower - (lower - upper) * mark / marks[side][-1]
            if side == "left":
                out.append(f'<line x1="{left}" y1="{level:.1f}" x2="{right}" y2="{level:.1f}" class="grid"/>')
                out.append(text(left - 5, level + 3.5, number(mark), "axis", "end"))
            else:
                out.append(text(right + 5, level + 3.5, number(mark), "axis"))
    out.append(text(left - 38, upper - 8, properties["yAxis"]["left"]["label"], "axis"))
    at = left
    for colour, (label, side, points) in zip(COLOURS, lines, strict=False):
        down = [(across(minute), lower - (lower - upper) * value / marks[side][-1]) for minute, value in points]
        if len(down) == 1:
            out.append(f'<circle cx="{down[0][0]:.1f}" cy="{down[0][1]:.1f}" r="3.5" class="dot {colour}"/>')
        else:
            path = " ".join(f"{px:.1f},{py:.1f}" for px, py in down)
            out.append(f'<polyline points="{path}" class="line {colour}"/>')
        foot = y + height - 14
        out.append(f'<line x1="{at:.1f}" y1="{foot}" x2="{at + 16:.1f}" y2="{foot}" class="line {colour}"/>')
        out.append(text(at + 21, foot + 4, label, "legend"))
        at += 36 + 6.1 * len(label)
    return out


def table(box: tuple, properties: dict, data: dict) -> list:
    """The rows that the query would find, newest first."""
    x, y, width, _ = box
    fields = re.search(r"\| fields (.*?) \|", properties["query"])[1].split(", ")
    rows = [fields, *([said(entry[field]) for field in fields] for entry in reversed(data["log"]))]
    # Every column but the last is as wide as its longest cell; the last has the rest, and its cells are wrapped.
    widths = [6.4 * (2 + max(len(row[place]) for row in rows)) for place in range(len(fields) - 1)]
    room = int((width - 24 - sum(widths)) / 6.2)
    out, line = [], y + 42
    for place, row in enumerate(rows):
        at = x + 12
        kind = "cell" if place else "axis"
        for cell, column in zip(row, widths, strict=False):
            out.append(text(at, line, cell, kind))
            at += column
        for part in textwrap.wrap(row[-1], room):
            out.append(text(at, line, part, kind))
            line += 14
        line += 6
    return out


def said(value) -> str:
    return str(value).lower() if isinstance(value, bool) else value


STYLE = """
  .page { fill: #eef1f4 } .card { fill: #ffffff; stroke: #c9d1d9 }
  text { font: 11px system-ui, sans-serif; fill: #1f2933 } .title { font-weight: 600 }
  .axis { font-size: 9.5px; fill: #52606d } .head { font-size: 13px; font-weight: 600 }
  .cell { font-family: ui-monospace, monospace; font-size: 10px } .grid { stroke: #e1e6eb }
  .line { fill: none; stroke-width: 1.8 } .line.a { stroke: #1f6fc4 } .dot.a { fill: #1f6fc4 }
  .line.b { stroke: #c2540a; stroke-dasharray: 7 3 } .line.c { stroke: #26803b; stroke-dasharray: 2 3 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0f151b } .card { fill: #18212a; stroke: #34414d } text { fill: #e6ebf0 } .axis { fill: #a9b6c2 }
    .grid { stroke: #2a3641 } .line.a { stroke: #6cb4ff } .line.b { stroke: #ffa35c } .line.c { stroke: #7dd68f }
    .dot.a { fill: #6cb4ff }
  }
"""


def draw(dashboard: dict, data: dict) -> str:
    widgets = dashboard["widgets"]
    width = 24 * CELL + GAP
    height = TOP + ROW * max(widget["y"] + widget["height"] for widget in widgets) + GAP
    head = f"{data['title']}: {data['start'][:10]}, simulated"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"',
        f' aria-label="{escape(head)}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" class="page"/>',
        text(GAP + 4, 22, head, "head"),
    ]
    for widget in widgets:
        box = (
            GAP + widget["x"] * CELL,
            TOP + widget["y"] * ROW,
            widget["width"] * CELL - GAP,
            widget["height"] * ROW - GAP,
        )
        x, y, wide, high = box
        title = widget["properties"]["title"]
        # What is too long for its widget is cut, as CloudWatch does.
        room = int((wide - 20) / 6.1)
        shown = title if len(title) <= room else title[: room - 1].rstrip() + "…"
        out += [
            f"<g><title>{escape(title)}</title>",
            f'<rect x="{x}" y="{y}" width="{wide}" height="{high}" rx="4" class="card"/>',
            text(x + 10, y + 18, shown, "title"),
        ]
        out += {"metric": chart, "log": table}[widget["type"]](box, widget["properties"], data) + ["</g>"]
    return "\n".join([*out, "</svg>"]) + "\n"


def packed(data: dict) -> str:
    """The data as a file that can be compared: a metric a line."""
    lines = [
        f'    {json.dumps(name)}: {json.dumps(points, separators=(",", ":"))}'
        for name, points in data["metrics"].items()
    ]
    rest = {key: value for key, value in data.items() if key not in ("metrics", "log")}
    log = ",\n".join(f"    {json.dumps(entry)}" for entry in data["log"])
    return (
        json.dumps(rest)[:-1] + ',\n  "metrics": {\n' + ",\n".join(lines) + '\n  },\n  "log": [\n' + log + "\n  ]\n}\n"
    )


def main() -> int:
    if sys.argv[1:] not in ([], ["--take"]):
        print(__doc__, file=sys.stderr)
        return 2
    if sys.argv[1:]:
        DATA.write_text(packed(take(json.load(sys.stdin))))
    PICTURE.write_text(draw(json.loads(DASHBOARD.read_text()), json.loads(DATA.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())

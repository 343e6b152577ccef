#!/usr/bin/env python3
"""Draws docs/attack.svg, an attack with and without the guard, from docs/attack-data.csv.

    python3 docs/attack.py                          # draws again
    dowsim replay botnet-flood --csv target/botnet-flood.csv
    python3 docs/attack.py target/botnet-flood.csv  # takes new data from the table of a replay, and draws

The data are every fourth minute of the table and the last one, untouched; simulator/tests/documented.rs replays the
incident and compares.
"""

import csv
import io
import math
import sys
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
DATA = HERE / "attack-data.csv"
PICTURE = HERE / "attack.svg"

COLUMNS = ("run", "minute", "at", "spent_usd", "cap", "legitimate_offered", "legitimate_served")
EVERY_MIN = 4
RUNS = (("without", "no guard", "a"), ("with", "with the guard", "b"), ("perfect", "perfect guard", "c"))
# What the scenario says (simulator/scenarios/botnet-flood.toml): the budget of the day, and the attack's first and last
# minute.
BUDGET_USD, FROM_MIN, UNTIL_MIN = 15, 300, 480
WIDTH, LEFT, RIGHT = 1030, 64, 800
TITLE = "A botnet floods a checkout API, simulated: what it costs, and what customers notice"


def take(table: str) -> str:
    """The columns and minutes of a replay's table that the picture needs."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    rows = list(csv.DictReader(io.StringIO(table)))
    last = rows[-1]["minute"]
    writer.writerows(row for row in rows if row["minute"] == last or int(row["minute"]) % EVERY_MIN == 0)
    return out.getvalue()


def text(x, y, words, kind="", anchor="start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1, y1, x2, y2, kind) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


class Panel:
    """A chart over the minutes of the incident, from nought to `top`."""

    def __init__(self, rows: list, upper: float, lower: float, top: float):
        self.first, self.last = rows[0]["at"], int(rows[-1]["minute"])
        self.upper, self.lower, self.top = upper, lower, top

    def x(self, minute: float) -> float:
        return LEFT + (RIGHT - LEFT) * minute / self.last

    def y(self, value: float) -> float:
        return self.lower - (self.lower - self.upper) * value / self.top

    def frame(self, marks: list, label: str) -> list:
        attack, end = self.x(FROM_MIN), self.x(UNTIL_MIN)
        out = [
            f'<rect x="{attack:.1f}" y="{self.upper}" width="{end - attack:.1f}" height="{self.lower - self.upper}"'
            ' class="attack"/>',
            text(LEFT, self.upper - 12, label, "head"),
        ]
        for value, word in marks:
            out += [
                line(LEFT, self.y(value), RIGHT, self.y(value), "grid"),
                text(LEFT - 8, self.y(value) + 4, word, "axis", "end"),
            ]
        return out

    def hours(self) -> list:
        first = int(self.first[11:13])
        hours = range(0, self.last + 1, 60)
        return [text(self.x(at), self.lower + 18, f"{first + at // 60:02}:00", "axis", "middle") for at in hours]

    def curve(self, points: list, kind: str) -> str:
        path = " ".join(f"{self.x(minute):.1f},{self.y(value):.1f}" for minute, value in points)
        return f'<polyline points="{path}" class="line {kind}"/>'


def draw(data: str) -> str:
    rows = list(csv.DictReader(io.StringIO(data)))
    runs = {run: [row for row in rows if row["run"] == run] for run, _, _ in RUNS}
    guarded = runs["with"]
    capped = [int(row["minute"]) for row in guarded if row["cap"]]
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 500" role="img" aria-labelledby="t">',
        f'<title id="t">{escape(TITLE)}</title>',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="500" class="page"/>',
    ]

    money = Panel(guarded, 56, 312, 160)
    out += money.frame([(usd, f"${usd}") for usd in range(0, 161, 40)], "Spent since 06:00")
    out.append(text(money.x((FROM_MIN + UNTIL_MIN) / 2), money.upper - 12, "attack", "axis", "middle"))
    out += [
        line(LEFT, money.y(BUDGET_USD), RIGHT, money.y(BUDGET_USD), "budget"),
        text(LEFT + 6, money.y(BUDGET_USD) - 6, f"budget of the day ${BUDGET_USD}", "axis"),
    ]
    ends = {}
    for run, name, kind in RUNS:
        points = [(int(row["minute"]), float(row["spent_usd"])) for row in runs[run]]
        out.append(money.curve(points, kind))
        ends[run] = points[-1][1]
    # Cents are rounded up, as the guard rounds. Names at the ends of the lines, the lowest ones apart.
    level = money.lower + 16
    for run, name, kind in reversed(RUNS):
        level = min(level - 17, money.y(ends[run]) + 4)
        out.append(text(RIGHT + 8, level, f"{name} ${math.ceil(100 * ends[run]) / 100:.2f}", f"name {kind}"))
    at = capped[0]
    spent = next(float(row["spent_usd"]) for row in guarded if int(row["minute"]) == at)
    out += [
        line(money.x(at), money.y(spent), money.x(at), money.y(spent + 40), "mark"),
        text(money.x(at) - 6, money.y(spent + 34), f"capped {guarded[at // EVERY_MIN]['at'][11:16]}", "axis", "end"),
    ]
    out += money.hours()

    people = Panel(guarded, 376, 452, 1)
    out += people.frame([(0, "0 %"), (1, "100 %")], "Customers served in each minute, of all who came to both APIs")
    for run, _, kind in reversed(RUNS[:2]):
        shares = [
            (int(row["minute"]), min(1, int(row["legitimate_served"]) / max(1, int(row["legitimate_offered"]))))
            for row in runs[run]
        ]
        out.append(people.curve(shares, kind))
        low = min(share for _, share in shares)
        out.append(text(RIGHT + 8, people.y(low) + 4, f"{name_of(run)}: {low:.0%} at worst", f"name {kind}"))
    out += people.hours()
    return "\n".join([*out, "</svg>"]) + "\n"


def name_of(run: str) -> str:
    return next(name for each, name, _ in RUNS if each == run)


STYLE = """
  .page { fill: #ffffff } .attack { fill: #fbe9e2 } .grid { stroke: #e1e6eb }
  text { font: 12px system-ui, sans-serif; fill: #1f2933 } .head { font-weight: 600 }
  .axis { font-size: 11px; fill: #52606d }
  .line { fill: none; stroke-width: 2.2 } .line.a { stroke: #c2410c } .line.b { stroke: #1f6fc4 }
  .line.c { stroke: #26803b; stroke-dasharray: 3 3 } .name { font-weight: 600 }
  .name.a { fill: #c2410c } .name.b { fill: #1f6fc4 } .name.c { fill: #26803b }
  .budget { stroke: #52606d; stroke-dasharray: 6 4 } .mark { stroke: #1f6fc4; stroke-width: 1.4 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0f151b } .attack { fill: #33201a } .grid { stroke: #2a3641 } text { fill: #e6ebf0 }
    .axis { fill: #a9b6c2 } .line.a { stroke: #ffa35c } .line.b { stroke: #6cb4ff } .line.c { stroke: #7dd68f }
    .name.a { fill: #ffa35c } .name.b { fill: #6cb4ff } .name.c { fill: #7dd68f } .budget { stroke: #a9b6c2 }
    .mark { stroke: #6cb4ff }
  }
"""


def main() -> int:
    if len(sys.argv) > 2 or any(word.startswith("-") for word in sys.argv[1:]):
        print(__doc__, file=sys.stderr)
        return 2
    if sys.argv[1:]:
        DATA.write_text(take(Path(sys.argv[1]).read_text()))
    PICTURE.write_text(draw(DATA.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

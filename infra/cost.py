#!/usr/bin/env python3
"""What running the guard costs a month, at list price and without any free tier: python3 infra/cost.py [--csv]

Computed from what the template deploys (memory, tick, alarms, metrics, dashboard) and from calls and sizes that are
stated below, each with where it comes from. Prices: us-east-1, read 2026-11.
"""

import re
import sys
from pathlib import Path

INFRA = Path(__file__).resolve().parent
FUNCTIONS = (10, 100, 1_000, 10_000)
DAYS = 30

# US dollars ("Amazon CloudWatch pricing", "AWS Lambda pricing", "Amazon DynamoDB pricing", read 2026-11).
METRIC_READ = 0.01 / 1_000
CUSTOM_METRIC = 0.30
ALARM = 0.10
DASHBOARD = 3.00
LOG_GB = 0.50
LOG_GB_STORED = 0.03
LAMBDA_REQUEST = 0.20 / 1e6
LAMBDA_GB_S = {"arm64": 0.0000133334, "x86_64": 0.0000166667}
WRITE_UNIT = 0.625 / 1e6
READ_UNIT = 0.125 / 1e6
TABLE_GB = 0.25 + 0.20  # storage and point-in-time recovery
SCHEDULER = 1.00 / 1e6
KEY = 1.00
KEY_REQUEST = 0.03 / 10_000
ADVANCED_PARAMETER = 0.05
ADVANCED_READ = 0.05 / 10_000
ENDPOINT_HOUR = 0.01

# Calls and sizes. Metrics of the region: `sampling::METRICS_PER_SWEEP`; of a function in the census: `METRICS_PER_COUNT`.
METRICS_PER_SWEEP = 3
METRICS_PER_COUNT = 4
# What looking may cost without `limits.own_cost_usd_per_month`: `sampling::own_cost_of_month` under a budget of at most $500.
LOOKING_LEAST, LOOKING_PER_1000 = 5.00, 3.00
# Seconds of a warm tick: the survey's five calls at ten a second, and five more of some 50 ms each.
TICK_S = 0.8
# A census of so many functions reads in batches of 125, four at a time, five batches a tick.
CENSUS_S_PER_1000 = 3.0
# KB of the log per tick: START, END and REPORT 0.4, the structured line 0.8; 0.5 for each EMF document.
LOG_KB, EMF_KB = 1.2, 0.5
# The structured line has 0.21 KB for each budget; the first is within its 0.8 KB.
BUDGET_KB = 0.21
# The policy is read every five minutes; a table's key is asked for as often (DynamoDB Developer Guide, "Using the table key",
# read 2026-11).
POLICY_READS = DAYS * 24 * 12
# In a VPC: Lambda, CloudWatch, SNS and SSM; the gateway of DynamoDB is free.
ENDPOINTS = 4
# Write units of an idle tick, the head and what the survey's turn changed, by functions
# (`guard-fn/src/aws/state_store.rs`, with the command that measures them).
IDLE_UNITS = {10: 11, 100: 11, 1_000: 13, 10_000: 18}
# KB of a function in the table; a census rewrites all of them.
FUNCTION_KB = 1.0


def custom_metrics(which: str, budgets: int = 1) -> int:
    """How many custom metrics an installation writes, counted in the source that defines them."""
    text = (INFRA.parent / "guard-fn" / "src" / "emf.rs").read_text()
    table = text[text.index("pub const METRICS"):text.index("const fn metric")]
    of_guard, of_budget = len(re.findall(r"Scope::Guard", table)), len(re.findall(r"Scope::Budget", table))
    return {"none": 0, "guard": of_guard, "all": of_guard + budgets * of_budget}[which]


def month(functions: int, alarms: int = 2, tick_minutes: int = 1, metrics: str = "none", dashboard: bool = False,
          budgets: int = 1, keys: int = 0, advanced: bool = False, zones: int = 0, architecture: str = "arm64",
          memory_mb: int = 256) -> dict:
    """Dollars a month in one region, by item."""
    ticks = DAYS * 24 * 60 / tick_minutes
    seconds = ticks * TICK_S + DAYS * functions / 1_000 * CENSUS_S_PER_1000
    custom = custom_metrics(metrics, budgets)
    documents = {"none": 0, "guard": 1, "all": 1 + budgets}[metrics]
    log_gb = ticks * (LOG_KB + (budgets - 1) * BUDGET_KB + documents * EMF_KB) / 1e6
    idle_units = next(units for size, units in IDLE_UNITS.items() if functions <= size)
    writes = ticks * idle_units + DAYS * functions * FUNCTION_KB * 2  # written anew, the old deleted
    reads = DAYS * 24 * functions * FUNCTION_KB / 4  # a cold start every hour reads all of it
    region = ticks * METRICS_PER_SWEEP * METRIC_READ
    census = DAYS * functions * METRICS_PER_COUNT * METRIC_READ
    looking = max(LOOKING_LEAST, LOOKING_PER_1000 * functions / 1_000)
    return {
        "metrics read, region": region,
        "metrics read, census": census,
        "metrics read, single functions, at most": max(0.0, looking - region - census),
        "Lambda": ticks * LAMBDA_REQUEST + seconds * memory_mb / 1024 * LAMBDA_GB_S[architecture],
        "DynamoDB": writes * WRITE_UNIT + reads * READ_UNIT + functions * FUNCTION_KB / 1e6 * TABLE_GB,
        "log": log_gb * (LOG_GB + LOG_GB_STORED * 0.15),
        "Scheduler": ticks * SCHEDULER,
        "alarms": alarms * ALARM,
        "custom metrics": custom * CUSTOM_METRIC,
        "dashboard": DASHBOARD * dashboard,
        "own keys": keys * (KEY + 2 * POLICY_READS * KEY_REQUEST),
        "advanced parameter": advanced * (ADVANCED_PARAMETER + POLICY_READS * ADVANCED_READ),
        "endpoints of a VPC": zones * ENDPOINTS * ENDPOINT_HOUR * DAYS * 24,
    }


def table(rows: dict) -> str:
    """A Markdown table, one column per number of functions."""
    counts = list(rows)
    lines = ["| US$ a month | " + " | ".join(f"{count:,}" for count in counts) + " |", "|---|" + "--:|" * len(counts)]
    for item in rows[counts[0]]:
        if any(rows[count][item] for count in counts):
            lines.append(f"| {item} | " + " | ".join(f"{rows[count][item]:.2f}" for count in counts) + " |")
    lines.append("| **all** | " + " | ".join(f"**{sum(rows[count].values()):.2f}**" for count in counts) + " |")
    return "\n".join(lines)


def options() -> list:
    """What each thing that can be asked for adds up to, a line each."""
    found = []
    for title, more in [
        ("Metrics = guard", {"metrics": "guard", "alarms": 4}),
        ("Metrics = all and Dashboard = true", {"metrics": "all", "alarms": 4, "dashboard": True}),
        ("the same and 10 budgets", {"metrics": "all", "alarms": 4, "dashboard": True, "budgets": 10}),
        ("100 budgets in an advanced parameter, Metrics = none", {"budgets": 100, "advanced": True}),
        ("TickMinutes = 5", {"tick_minutes": 5}),
        ("TopicKeyArn and KeyArn", {"keys": 2}),
        ("SubnetIds in two zones", {"zones": 2}),
    ]:
        sums = [sum(month(count, **more).values()) for count in FUNCTIONS]
        found.append(f"With {title}: " + ", ".join(f"${dollars:.2f}" for dollars in sums))
    return found


def main() -> int:
    rows = {count: month(count) for count in FUNCTIONS}
    if "--csv" in sys.argv[1:]:
        for count, items in rows.items():
            for item, dollars in items.items():
                print(f"{count},{item},{dollars:.4f}")
        return 0
    print(table(rows))
    print("\n".join(options()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

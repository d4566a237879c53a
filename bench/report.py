"""Statistics and plain-text tables. Pure: lines of the measuring programs in, text and JSON-able values out."""

import collections
import math
import statistics


def parse(lines):
    """Tab-separated lines -> {first word: [the other words, …]}."""
    rows = collections.defaultdict(list)
    for line in lines:
        words = line.rstrip("\n").split("\t")
        if len(words) > 1:
            rows[words[0]].append(words[1:])
    return rows


def percentile(values, percent):
    """Nearest rank: always a value that was measured."""
    ordered = sorted(values)
    rank = max(1, math.ceil(len(ordered) * percent / 100))
    return ordered[rank - 1]


def summarise(contenders, rows):
    """One result per contender, in their order. Any failure takes its times away: it is not ranked."""
    samples = collections.defaultdict(list)
    for name, nanoseconds in rows["sample"]:
        samples[name].append(int(nanoseconds) / 1e6)
    failures = collections.defaultdict(list)
    for name, what in rows["failure"]:
        failures[name].append(what)
    results = []
    for contender in contenders:
        result = {"name": contender.name, "kind": contender.kind, "note": contender.note}
        times = samples[contender.name]
        if contender.absent:
            result["absent"] = contender.absent
        elif failures[contender.name] or not times:
            result["failed"] = (failures[contender.name] or ["no run was recorded"])[0]
            result["failures"] = len(failures[contender.name])
        else:
            result |= {"runs": len(times), "median_ms": statistics.median(times), "p95_ms": percentile(times, 95)}
        results.append(result)
    add_ratios(results)
    return results


def add_ratios(results):
    measured = [r for r in results if "median_ms" in r]
    bare = next((r["median_ms"] for r in measured if r["kind"] == "bare"), None)
    peers = [r for r in measured if r["kind"] == "peer"]
    fastest = min(peers, key=lambda r: r["median_ms"], default=None)
    for result in measured:
        if bare:
            result["over_bare_ms"] = result["median_ms"] - bare
            result["times_bare"] = result["median_ms"] / bare
        if fastest:
            result["times_fastest_peer"] = result["median_ms"] / fastest["median_ms"]
            result["fastest_peer"] = result is fastest


def table(header, rows, left=(0,)):
    """Columns padded to their widest cell; those in `left` begin at the left."""
    cells = [list(header)] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]

    def line(row):
        return "  ".join(c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip()

    return "\n".join([line(cells[0]), "  ".join("-" * w for w in widths)] + [line(row) for row in cells[1:]])


def number(value, digits=2):
    return "" if value is None else f"{value:.{digits}f}"


def latency_table(results):
    rows = []
    for r in sorted(results, key=lambda r: r.get("median_ms", math.inf)):
        if "median_ms" in r:
            mark = " *" if r.get("fastest_peer") else ""
            rows.append([r["name"] + mark, number(r["median_ms"]), number(r["p95_ms"]), number(r.get("over_bare_ms")),
                         number(r.get("times_bare")), number(r.get("times_fastest_peer")), r["note"]])
        elif "absent" in r:
            rows.append([r["name"], "-", "-", "-", "-", "-", f"left out: {r['absent']}"])
        else:
            rows.append([r["name"], "FAILED", "-", "-", "-", "-", "not ranked: see below"])
    text = table(["contender", "median ms", "p95 ms", "over bare ms", "x bare", "x fastest peer", "what it does"], rows, left=(0, 6))
    # A reason may be long: below the table it does not stretch a column.
    failed = [f"FAILED: {r['name']}: {r['failures']} failures: {r['failed']}" for r in results if "failed" in r]
    return "\n".join([text, *failed])


def throughput_results(rows):
    results = []
    for name, threads, runs, failures, nanoseconds in rows["throughput"]:
        results.append({"name": name, "threads": int(threads), "runs": int(runs), "failures": int(failures),
                        "per_second": int(runs) / (int(nanoseconds) / 1e9)})
    return results


def throughput_table(results):
    return table(["program", "concurrent", "runs/s", "runs", "failures"],
                 [[r["name"], r["threads"], number(r["per_second"], 0), r["runs"],
                   f"FAILED: {r['failures']}" if r["failures"] else 0] for r in results])


def scaling(results):
    """How much more two threads do than one; None when a run failed."""
    by_threads = {r["threads"]: r["per_second"] for r in results if not r["failures"]}
    return by_threads[2] / by_threads[1] if by_threads.get(1) and by_threads.get(2) else None


def microsecond_results(rows):
    """Of runs too short for milliseconds. A failure takes the times away, as everywhere."""
    samples = collections.defaultdict(list)
    for name, nanoseconds in rows["sample"]:
        samples[name].append(int(nanoseconds) / 1e3)
    failed = {name for name, _ in rows["failure"]}
    return [{"name": name, "runs": len(v), "median_us": statistics.median(v), **{f"p{p}_us": percentile(v, p) for p in (95, 99)}}
            for name, v in samples.items() if name not in failed]


def microsecond_table(results):
    return table(["runs through", "runs", "median µs", "p95 µs", "p99 µs"],
                 [[r["name"], r["runs"], *[number(r[key], 1) for key in ("median_us", "p95_us", "p99_us")]] for r in results])


def memory_results(rows):
    found = collections.defaultdict(dict)
    for name, sandboxes, what, kib in rows["memory"]:
        found[name, int(sandboxes)][what] = int(kib)
    results = []
    for (name, sandboxes), values in sorted(found.items()):
        idle = found.get((name, 0), {})
        result = {"name": name, "sandboxes": sandboxes, "tree_pss_kib": values.get("tree")}
        if sandboxes and "tree" in values and "tree" in idle:
            result["pss_each_kib"] = (values["tree"] - idle["tree"]) / sandboxes
        if sandboxes and "charged" in values:
            # Pooled groups that no run uses keep a little.
            result["charged_each_kib"] = (values["charged"] - idle.get("charged", 0)) / sandboxes
        if sandboxes and "host" in values and "host" in idle:
            result["host_each_kib"] = (values["host"] - idle["host"]) / sandboxes
        results.append(result)
    return results


def memory_table(results):
    def kib(value):
        return "n/a" if value is None else f"{value:.0f}"

    rows = [[r["name"], r["sandboxes"], kib(r["tree_pss_kib"]), kib(r.get("pss_each_kib")), kib(r.get("charged_each_kib")),
             kib(r.get("host_each_kib"))] if r["sandboxes"] else
            [r["name"], "0", kib(r["tree_pss_kib"]), "", "", ""] for r in results]
    return table(["program", "running", "PSS of launcher and all KiB", "PSS each KiB", "cgroup charge each KiB", "host RSS each KiB"],
                 rows)


# What may move by itself: resident memory settles late. Everything else must stand still.
RESIDENT_SLACK_KIB = 256
# Lock files stay by design: the lowest free slot is used again (src/engine/jail/slot.h).
STAYS_AFTER_CLOSE = {"slot files", "host: resident KiB", "host: mounts"}
STAGES = ("before", "warm", "half", "end", "closed")


def growth_verdict(what, values):
    """"" when all is well. Growth is judged from the warm stage (pools are filled) to the end."""
    if "warm" not in values or "end" not in values:
        return ""
    if "resident" in what:
        grown = values["end"] - values.get("half", values["warm"]) > RESIDENT_SLACK_KIB
    else:
        grown = values["end"] > values["warm"]
    if grown:
        return "GROWS"
    left = "before" in values and "closed" in values and values["closed"] > values["before"]
    return "LEFT BEHIND" if left and what not in STAYS_AFTER_CLOSE else ""


def growth_results(rows):
    found = collections.defaultdict(dict)
    for name, stage, what, value in rows["growth"]:
        found[name, what][stage] = int(value)
    return [{"name": name, "what": what, **values, "verdict": growth_verdict(what, values)}
            for (name, what), values in found.items()]


def growth_table(results):
    rows = [[r["name"], r["what"], *[r.get(stage, "") for stage in STAGES], r["verdict"] or "steady"] for r in results]
    return table(["through", "what", *STAGES, "verdict"], rows, left=(0, 1, 7))


def parts_results(rows):
    parts = collections.defaultdict(list)
    for name, what, nanoseconds in rows["part"]:
        parts[name, what].append(int(nanoseconds) / 1e6)
    return [{"name": name, "part": what, "median_ms": statistics.median(v), "p95_ms": percentile(v, 95), "runs": len(v)}
            for (name, what), v in parts.items()]


def parts_table(results):
    return table(["program", "part", "median ms", "p95 ms"],
                 [[r["name"], r["part"], number(r["median_ms"], 3), number(r["p95_ms"], 3)] for r in results], left=(0, 1))


def failure_lines(rows):
    counted = collections.Counter((name, what) for name, what in rows["failure"])
    return [f"FAILED: {name}: {what}" + (f" ({count} times)" if count > 1 else "") for (name, what), count in counted.items()]

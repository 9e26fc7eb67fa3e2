#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = ["pandas>=2", "matplotlib>=3.8"]
# ///
"""Draw a result directory from its CSV files alone.

    scripts/plot.py results/idle-c2s [--out DIR] [--format svg|pdf|png]

release.svg, teardown.svg   the share of closings that were over after a time. A curve that ends below 1 leaves the share in
                            which it never happened: censored, shaded at the right edge with its size.
lost.svg                    stanzas lost a stream, by the place where they died.
differences.svg             what each strategy loses and takes more than the reference, with 95 % intervals (comparison.csv).
sockets.svg                 the server's sockets by TCP state over time, the mean over seeds.
frontier.svg                stanzas lost against the time for which sockets are held, with both intervals.
sweep.svg                   with one varied key: loss and socket time along it, with bands.
heat.svg                    with two varied keys: stanzas lost a stream for each pair.

With streams.csv (`farewell compare --streams`) the curves have a step for each closing, otherwise they go through the
percentiles of percentiles.csv, which know the censored share only as what is left above the last one that has a value. In a
sweep there is one row of panels for each sweep point.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

PLACES = ["receiver-queue", "refused", "network", "sender-queue", "unprocessed"]
PLACE_COLOURS = ["#4477aa", "#ee6677", "#ccbb44", "#228833", "#aa3377"]
LINES = ["-", "--", "-.", ":"]
MARKS = ["o", "s", "^", "D", "v", "P", "X", "*"]
STATES = ["established", "syn_sent", "syn_received", "fin_wait_1", "fin_wait_2", "close_wait", "closing", "last_ack", "time_wait"]
STATE_COLOURS = ["#9cc3ea", "#cfa9e8", "#6a3a91", "#a03b22", "#e9b44c", "#1e6b41", "#8fd0a9", "#1f62a9", "#c3c9d1"]
# What is compared, with the factor and the unit in which it is shown.
COMPARED = [
    ("lost", 1, "stanzas lost a stream"),
    ("release_p50_us", 1e-3, "release p50 [ms]"),
    ("teardown_p50_us", 1e-3, "teardown p50 [ms]"),
    ("socket_us", 1e-3, "socket time a stream [ms]"),
]


def varied_keys(percentiles):
    """The columns of a sweep: what stands between the strategy and the metric."""
    columns = list(percentiles.columns)
    return columns[columns.index("strategy") + 1 : columns.index("metric")]


def sweep_points(frame, keys):
    """Each sweep point with its rows; the whole frame where nothing is swept."""
    if not keys:
        return [("", frame)]
    groups = frame.groupby(keys, sort=False, dropna=False)
    return [(", ".join(f"{k}={v}" for k, v in zip(keys, point)), rows) for point, rows in groups]


def curve_of_streams(rows, metric):
    """Times in ms and cumulative shares of all decided closings, those in which it never happened included."""
    closings = rows[rows.decision_us.notna()]
    times = closings[f"{metric}_us"].dropna().sort_values().to_numpy() / 1000
    shares = [(i + 1) / len(closings) for i in range(len(times))]
    return times, shares


def curve_of_percentiles(rows, metric):
    """The same through the reported percentiles. `count` is the number at or below the value, of all in the last row."""
    rows = rows[rows.metric == metric]
    if rows.empty or rows["count"].max() == 0:
        return [], []
    came = rows[rows.value_us.notna()]
    return came.value_us.to_numpy() / 1000, (came["count"] / rows["count"].max()).to_numpy()


def draw_metric(metric, panels, strategies, curve):
    exact = curve is curve_of_streams
    figure, axes = plt.subplots(len(panels), 1, figsize=(7, 0.6 + 3.6 * len(panels)), squeeze=False, sharex=True)
    for axis, (title, rows) in zip(axes[:, 0], panels):
        curves = {strategy: curve(rows[rows.strategy == strategy], metric) for strategy in strategies}
        # Zero has no place on a logarithm; a tenth of a millisecond stands for at once.
        curves = {strategy: ([max(t, 0.1) for t in times], list(shares)) for strategy, (times, shares) in curves.items()}
        every = [time for times, _ in curves.values() for time in times] or [1]
        wide = max(every) > 10 * min(every)
        end = max(every) * 1.5 if wide else max(every) + 0.1 * (max(every) - min(every) or 1)
        censored = []
        for i, (strategy, (times, shares)) in enumerate(curves.items()):
            last = shares[-1] if shares else 0
            never = "" if last == 1 else f" ({'' if exact else 'at most '}{1 - last:.1%} never)"
            line = {"color": f"C{i}", "linestyle": LINES[i % len(LINES)], "label": strategy + never}
            axis.step([*times[:1], *times, end], [0, *shares, last] if times else [0], where="post", **line)
            if last < 1:
                censored.append((1 - last, f"C{i}"))
        for n, (share, colour) in enumerate(censored):
            axis.axhspan(1 - share, 1, xmin=0.97 - 0.03 * n, xmax=1 - 0.03 * n, color=colour, alpha=0.35, linewidth=0)
        if wide:
            axis.set_xscale("log")
        axis.set_ylim(0, 1.02)
        axis.set_ylabel("share of closings")
        axis.set_title(title, fontsize=9)
        axis.grid(alpha=0.3)
        axis.legend(loc="upper left", bbox_to_anchor=(1.02, 1), fontsize=8)
    axes[-1, 0].set_xlabel(f"{metric} after the decision [ms], at once drawn at 0.1")
    return figure


def draw_lost(lost, summary, keys):
    panels = sweep_points(summary, keys)
    figure, axes = plt.subplots(len(panels), 1, figsize=(7, 0.6 + 3.2 * len(panels)), squeeze=False, sharex=True)
    most = 0
    for axis, (title, rows) in zip(axes[:, 0], panels):
        strategies = list(dict.fromkeys(rows.strategy))
        streams = rows.groupby("strategy").streams.sum()
        here = lost
        for key in keys:
            here = here[here[key] == rows[key].iloc[0]]
        counts = here.groupby(["strategy", "place"]).size()
        left = [0.0] * len(strategies)
        for place, colour in zip(PLACES, PLACE_COLOURS):
            widths = [counts.get((s, place), 0) / streams[s] for s in strategies]
            if any(widths):
                axis.barh(strategies, widths, left=left, label=place, color=colour)
                left = [a + b for a, b in zip(left, widths)]
        for y, total in enumerate(left):
            axis.text(total, y, f" {total:.3g}" if total else " none", va="center", fontsize=8)
        axis.invert_yaxis()
        axis.set_ylim(len(strategies) - 0.5, -0.5)
        most = max(most, *left)
        axis.set_title(title, fontsize=9)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(loc="upper left", bbox_to_anchor=(1.02, 1), fontsize=8)
    axes[-1, 0].set_xlim(0, 1.15 * most or 1)
    axes[-1, 0].set_xlabel("stanzas lost a stream")
    return figure


def errors(rows, scale):
    """Lengths of the error bars below and above; where there is no interval, none."""
    below, above = (rows.estimate - rows.low) * scale, (rows.high - rows.estimate) * scale
    return [below.fillna(0).clip(lower=0).to_numpy(), above.fillna(0).clip(lower=0).to_numpy()]


def draw_differences(comparison, keys):
    panels = sweep_points(comparison, keys)
    compared = [c for c in COMPARED if (comparison.metric == c[0]).any()]
    rows_of = lambda rows: rows[(rows.strategy != rows.reference) & rows.difference.notna()]
    most = max(rows_of(rows).strategy.nunique() for _, rows in panels)
    size = (3.4 * len(compared), 0.7 + len(panels) * (0.9 + 0.3 * most))
    figure, axes = plt.subplots(len(panels), len(compared), figsize=size, squeeze=False, sharex="col")
    for row, (line, (title, rows)) in enumerate(zip(axes, panels)):
        for column, (axis, (metric, scale, label)) in enumerate(zip(line, compared)):
            of = rows_of(rows[rows.metric == metric])
            names = {name: y for y, name in enumerate(dict.fromkeys(rows_of(rows).strategy))}
            moved = of.assign(estimate=of.difference, low=of.diff_low, high=of.diff_high)
            axis.axvline(0, color="#555555", linewidth=1)
            for i, name in enumerate(names):
                one = moved[moved.strategy == name]
                # The reference has the first colour in the other figures.
                axis.errorbar(one.estimate * scale, [names[name]] * len(one), xerr=errors(one, scale), capsize=3,
                              color=f"C{i + 1}", marker=MARKS[(i + 1) % len(MARKS)], linestyle="")  # fmt: skip
            axis.set_ylim(len(names) - 0.5, -0.5)
            axis.set_yticks(range(len(names)), list(names) if column == 0 else [""] * len(names))
            axis.grid(alpha=0.3, axis="x")
            axis.set_title(title if column == 0 else "", fontsize=9, loc="left")
            if row == len(panels) - 1:
                axis.set_xlabel(f"{label},\nminus that of {rows.reference.iloc[0]}", fontsize=8)
    return figure


def draw_sockets(timeline, keys, strategies):
    panels = sweep_points(timeline, keys)
    size = (4.2 * len(strategies), 0.8 + 2.6 * len(panels))
    figure, axes = plt.subplots(len(panels), len(strategies), figsize=size, squeeze=False, sharex=True, sharey="row")
    for line, (title, rows) in zip(axes, panels):
        for axis, strategy in zip(line, strategies):
            mean = rows[rows.strategy == strategy].groupby("second")[STATES].mean()
            axis.stackplot(mean.index, mean.to_numpy().T, labels=[s.replace("_", "-").upper() for s in STATES],
                           colors=STATE_COLOURS)  # fmt: skip
            axis.set_title(f"{strategy}{', ' if title else ''}{title}", fontsize=9)
            axis.margins(x=0)
        line[0].set_ylabel("sockets")
    for axis in axes[-1]:
        axis.set_xlabel("seconds")
    axes[0, -1].legend(loc="upper left", bbox_to_anchor=(1.02, 1), fontsize=8)
    return figure


def draw_frontier(comparison, keys, strategies):
    panels = sweep_points(comparison, keys)
    figure, axes = plt.subplots(len(panels), 1, figsize=(6, 0.6 + 3.4 * len(panels)), squeeze=False, sharex=True)
    for axis, (title, rows) in zip(axes[:, 0], panels):
        for i, strategy in enumerate(strategies):
            of = rows[rows.strategy == strategy]
            loss, held = of[of.metric == "lost"], of[of.metric == "socket_us"]
            if loss.estimate.notna().any() and held.estimate.notna().any():
                axis.errorbar(held.estimate * 1e-6, loss.estimate, xerr=errors(held, 1e-6), yerr=errors(loss, 1),
                              label=strategy, marker=MARKS[i % len(MARKS)], linestyle="", capsize=3)  # fmt: skip
        axis.set_xlim(left=0)
        axis.set_ylim(bottom=0)
        axis.set_ylabel("stanzas lost a stream")
        axis.set_title(title, fontsize=9)
        axis.grid(alpha=0.3)
        axis.legend(loc="upper left", bbox_to_anchor=(1.02, 1), fontsize=8)
    axes[-1, 0].set_xlabel("socket time a stream [s]")
    return figure


def draw_sweep(comparison, key, strategies):
    shown = [c for c in COMPARED if c[0] in ("lost", "socket_us")]
    figure, axes = plt.subplots(1, len(shown), figsize=(5 * len(shown), 3.6), squeeze=False)
    values = list(dict.fromkeys(comparison[key]))
    numbers = all(isinstance(v, (int, float)) or hasattr(v, "dtype") for v in values)
    place = {v: v if numbers else i for i, v in enumerate(values)}
    for axis, (metric, scale, label) in zip(axes[0], shown):
        for i, strategy in enumerate(strategies):
            rows = comparison[(comparison.strategy == strategy) & (comparison.metric == metric)]
            rows = rows.assign(x=rows[key].map(place)).sort_values("x")
            axis.plot(rows.x, rows.estimate * scale, marker=MARKS[i % len(MARKS)], color=f"C{i}", label=strategy)
            axis.fill_between(rows.x, rows.low * scale, rows.high * scale, color=f"C{i}", alpha=0.2, linewidth=0)
        if numbers and min(values) > 0 and max(values) >= 20 * min(values):
            axis.set_xscale("log")
        if not numbers:
            axis.set_xticks(range(len(values)), values)
        axis.set_xlabel(key)
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    axes[0, -1].legend(loc="upper left", bbox_to_anchor=(1.02, 1), fontsize=8)
    return figure


def draw_heat(comparison, keys, strategies):
    down, across = (list(dict.fromkeys(comparison[key])) for key in keys)
    loss = comparison[comparison.metric == "lost"]
    size = (1.2 + len(strategies) * (0.9 + 0.7 * len(across)), 1 + 0.5 * len(down))
    figure, axes = plt.subplots(1, len(strategies), figsize=size, squeeze=False, sharey=True)
    for axis, strategy in zip(axes[0], strategies):
        table = loss[loss.strategy == strategy].pivot(index=keys[0], columns=keys[1], values="estimate")
        table = table.reindex(index=down, columns=across)
        image = axis.imshow(table, cmap="Blues", vmin=0, vmax=loss.estimate.max() or 1, aspect="auto")
        for y, row in enumerate(table.to_numpy()):
            for x, value in enumerate(row):
                dark = value > 0.6 * loss.estimate.max()
                axis.text(x, y, f"{value:.3g}", ha="center", va="center", fontsize=8, color="white" if dark else "black")
        axis.set_xticks(range(len(across)), across, fontsize=8)
        axis.set_yticks(range(len(down)), down, fontsize=8)
        axis.set_xlabel(keys[1])
        axis.set_title(strategy, fontsize=9)
    axes[0, 0].set_ylabel(keys[0])
    figure.colorbar(image, ax=axes[0].tolist(), label="stanzas lost a stream")
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a result directory")
    parser.add_argument("--out", type=Path, help="where the figures go; a directory beside the results without it")
    parser.add_argument("--format", choices=["svg", "pdf", "png"], default="svg")
    arguments = parser.parse_args()
    results = arguments.results
    # Not into the results: their manifest lists every file there.
    out = arguments.out or results.with_name(results.name + "-figures")
    out.mkdir(parents=True, exist_ok=True)
    matplotlib.rcParams["svg.hashsalt"] = "farewell"

    percentiles = pd.read_csv(results / "percentiles.csv")
    keys = varied_keys(percentiles)
    strategies = list(dict.fromkeys(percentiles.strategy))
    streams = results / "streams.csv"
    source, curve = (
        (pd.read_csv(streams), curve_of_streams) if streams.exists() else (percentiles, curve_of_percentiles)
    )
    figures = {m: draw_metric(m, sweep_points(source, keys), strategies, curve) for m in ("release", "teardown")}
    figures["lost"] = draw_lost(pd.read_csv(results / "lost.csv"), pd.read_csv(results / "summary.csv"), keys)
    figures["sockets"] = draw_sockets(pd.read_csv(results / "timeline.csv"), keys, strategies)
    if (results / "comparison.csv").exists():
        comparison = pd.read_csv(results / "comparison.csv")
        if (comparison.strategy != comparison.reference).any():
            figures["differences"] = draw_differences(comparison, keys)
        figures["frontier"] = draw_frontier(comparison, keys, strategies)
        if len(keys) == 1:
            figures["sweep"] = draw_sweep(comparison, keys[0], strategies)
        if len(keys) == 2:
            figures["heat"] = draw_heat(comparison, keys, strategies)
    for name, figure in figures.items():
        path = out / f"{name}.{arguments.format}"
        dates = {} if arguments.format == "png" else {"metadata": {"Date" if arguments.format == "svg" else "CreationDate": None}}
        figure.savefig(path, bbox_inches="tight", dpi=150, **dates)
        print(path)


if __name__ == "__main__":
    main()

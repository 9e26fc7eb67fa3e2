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

With streams.csv (`farewell compare --streams`) the curves have a step for each closing, otherwise they go through the
percentiles of percentiles.csv, which know the censored share only as what is left above the last one that has a value. In a sweep there is one row of panels for each sweep point.
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
    for name, figure in figures.items():
        path = out / f"{name}.{arguments.format}"
        dates = {} if arguments.format == "png" else {"metadata": {"Date" if arguments.format == "svg" else "CreationDate": None}}
        figure.savefig(path, bbox_inches="tight", dpi=150, **dates)
        print(path)


if __name__ == "__main__":
    main()

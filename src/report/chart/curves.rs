//! Curves, stacks over time, and points with intervals both ways.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use crate::report::chart::axis::Axis;
use crate::report::chart::{
    Area, Colour, Drawn, FONT, HEIGHT, INK, LETTER, Plot, WIDTH, letters, line, mark, plot, svg, write,
};

/// A curve, with a band round it where there are intervals.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Curve {
    /// Index of the strategy: its mark.
    pub index: usize,
    /// Its colour.
    pub colour: Colour,
    /// In the units of the axes.
    pub points: Vec<(f64, f64)>,
    /// Lower and upper end at each place that has them.
    pub band: Vec<(f64, f64, f64)>,
    /// Whether it ends because the rest never came: then an arrow points up there.
    pub censored: bool,
}

/// Curves between two axes.
pub(in crate::report) fn curves(x: &Axis, y: &Axis, curves: &[Curve]) -> String {
    curves_with(x, y, curves, &[])
}

/// Curves between two axes, with the names of some points on them.
pub(in crate::report) fn curves_with(x: &Axis, y: &Axis, curves: &[Curve], spots: &[Spot]) -> String {
    svg((WIDTH, HEIGHT), |area| {
        let plot = plot(area, x, y)?;
        for curve in curves {
            let up = curve.band.iter().map(|(x, low, _)| (*x, *low));
            let down = curve.band.iter().rev().map(|(x, _, high)| (*x, *high));
            if curve.band.len() > 1 {
                plot.draw(&Polygon::new(up.chain(down).collect::<Vec<_>>(), curve.colour.rgb().mix(0.18).filled()))?;
            }
        }
        for curve in curves {
            let pixels: Vec<(i32, i32)> = curve.points.iter().map(|point| plot.map_coordinate(point)).collect();
            line(area, &pixels, curve.colour, 2)?;
            for at in &pixels {
                mark(area, curve.index, *at, curve.colour)?;
            }
            if let (true, Some((x, y))) = (curve.censored, pixels.last()) {
                line(area, &[(*x, *y), (*x, y - 22)], curve.colour, 2)?;
                line(area, &[(x - 5, y - 16), (*x, y - 22), (x + 5, y - 16)], curve.colour, 2)?;
            }
        }
        names(area, &plot, spots)
    })
}

/// A layer of a stack: its colour, and its height at each place.
pub(in crate::report) type Layer = (Colour, Vec<f64>);

/// Layers on top of each other, the first at the bottom.
pub(in crate::report) fn stack(x: &Axis, y: &Axis, places: &[f64], layers: &[Layer]) -> String {
    svg((WIDTH, HEIGHT), |area| {
        let plot = plot(area, x, y)?;
        let mut below = vec![0.0; places.len()];
        for (colour, heights) in layers {
            let above: Vec<f64> = below.iter().zip(heights).map(|(below, height)| below + height).collect();
            if heights.iter().any(|height| *height > 0.0) {
                layer(&plot, places, &below, &above, *colour)?;
            }
            below = above;
        }
        Ok(())
    })
}

fn layer(plot: &Plot<'_>, places: &[f64], below: &[f64], above: &[f64], colour: Colour) -> Drawn {
    let up = places.iter().copied().zip(below.iter().copied());
    let down = places.iter().copied().zip(above.iter().copied()).rev();
    plot.draw(&Polygon::new(up.chain(down).collect::<Vec<_>>(), colour.rgb().filled()))
}

/// A point with its name and, where there are any, its intervals both ways.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Spot {
    /// Name beside it.
    pub name: String,
    /// Index of the strategy: its mark.
    pub index: usize,
    /// Its colour.
    pub colour: Colour,
    /// Where it is.
    pub at: (f64, f64),
    /// Interval along the x axis.
    pub wide: Option<(f64, f64)>,
    /// Interval along the y axis.
    pub high: Option<(f64, f64)>,
}

/// Points between two axes.
pub(in crate::report) fn spots(x: &Axis, y: &Axis, spots: &[Spot]) -> String {
    svg((WIDTH, HEIGHT), |area| {
        let plot = plot(area, x, y)?;
        for spot in spots {
            let at = |x: f64, y: f64| plot.map_coordinate(&(x, y));
            if let Some((low, high)) = spot.wide {
                line(area, &[at(low, spot.at.1), at(high, spot.at.1)], spot.colour, 2)?;
            }
            if let Some((low, high)) = spot.high {
                line(area, &[at(spot.at.0, low), at(spot.at.0, high)], spot.colour, 2)?;
            }
            mark(area, spot.index, at(spot.at.0, spot.at.1), spot.colour)?;
        }
        names(area, &plot, spots)
    })
}

/// The names of points beside them, none on another.
fn names(area: &Area<'_>, plot: &Plot<'_>, spots: &[Spot]) -> Drawn {
    let mut taken: Vec<(i32, i32, i32)> = Vec::new();
    for spot in spots.iter().filter(|spot| !spot.name.is_empty()) {
        let (x, y) = plot.map_coordinate(&spot.at);
        let length = letters(&spot.name) * LETTER;
        let right = x + 10 + length < i32::try_from(WIDTH).unwrap_or(0);
        let (start, anchor) = if right { (x + 10, HPos::Left) } else { (x - 10 - length, HPos::Right) };
        // Down until no other name is in the way.
        let touches = |y: i32, taken: &[(i32, i32, i32)]| {
            taken.iter().any(|(from, to, at)| start < *to && *from < start + length && (at - y).abs() < FONT)
        };
        let row = (0..12).map(|n| y - 10 + n * FONT).find(|row| *row > 38 && !touches(*row, &taken)).unwrap_or(y - 10);
        taken.push((start, start + length, row));
        let text = if right { start } else { x - 10 };
        write(area, &spot.name, (text, row), (anchor, VPos::Center), INK)?;
    }
    Ok(())
}

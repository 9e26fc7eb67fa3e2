//! Rows with a name: stacked bars, and differences with their intervals.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use crate::report::chart::axis::Axis;
use crate::report::chart::{
    Area, Colour, Drawn, GRID, INK, LETTER, MUTED, WIDTH, fill, letters, line, mark, svg, write,
};

/// Pixels of a row: its name, and the bar below it.
const ROW: i32 = 44;
/// Pixels above the first row.
const TOP: i32 = 8;
/// Pixels below the last row: tick labels and the title.
const FOOT: i32 = 54;
/// Pixels left and right of the bars.
const MARGIN: i32 = 10;

/// A row of parts that add up.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Bar {
    /// Its name.
    pub name: String,
    /// The sum, in words.
    pub note: String,
    /// Its parts from left to right.
    pub parts: Vec<(Colour, f64)>,
}

/// Stacked bars, one a row.
pub(in crate::report) fn bars(x: &Axis, rows: &[Bar]) -> String {
    ruled(x, rows.len(), |area, at, top| {
        for (row, top) in rows.iter().zip(top) {
            title(area, &row.name, &row.note, top)?;
            let mut sum = 0.0;
            for (colour, size) in row.parts.iter().filter(|(_, size)| *size > 0.0) {
                let (from, to) = (at(sum), at(sum + size));
                // What is not nothing is seen.
                fill(area, (from, top + 20), (to.max(from + 1), top + 38), *colour)?;
                sum += size;
            }
        }
        Ok(())
    })
}

/// A difference with its interval, if there may be one.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Difference {
    /// Whose.
    pub name: String,
    /// In words.
    pub note: String,
    /// Index of the strategy: its mark.
    pub index: usize,
    /// Its colour.
    pub colour: Colour,
    /// The estimate.
    pub estimate: f64,
    /// The interval.
    pub interval: Option<(f64, f64)>,
}

/// Differences, one a row, and the line of no difference.
pub(in crate::report) fn forest(x: &Axis, rows: &[Difference]) -> String {
    ruled(x, rows.len(), |area, at, top| {
        for (row, top) in rows.iter().zip(top) {
            title(area, &row.name, &row.note, top)?;
            let middle = top + 30;
            line(area, &[(at(0.0), top + 19), (at(0.0), top + ROW - 3)], INK, 2)?;
            if let Some((low, high)) = row.interval {
                line(area, &[(at(low), middle), (at(high), middle)], row.colour, 2)?;
                for end in [at(low), at(high)] {
                    line(area, &[(end, middle - 5), (end, middle + 5)], row.colour, 2)?;
                }
            }
            mark(area, row.index, (at(row.estimate), middle), row.colour)?;
        }
        Ok(())
    })
}

fn title(area: &Area<'_>, name: &str, note: &str, top: i32) -> Drawn {
    write(area, name, (MARGIN, top + 2), (HPos::Left, VPos::Top), INK)?;
    write(area, note, (width() - MARGIN, top + 2), (HPos::Right, VPos::Top), MUTED)
}

fn width() -> i32 {
    i32::try_from(WIDTH).unwrap_or(i32::MAX)
}

fn foot(rows: usize) -> i32 {
    TOP + ROW * i32::try_from(rows).unwrap_or(1)
}

/// Draws the axis, then the rows: given where a value is and the top of each row.
fn ruled(x: &Axis, rows: usize, draw: impl FnOnce(&Area<'_>, &dyn Fn(f64) -> i32, Vec<i32>) -> Drawn) -> String {
    let bottom = foot(rows);
    svg((WIDTH, u32::try_from(bottom + FOOT).unwrap_or(0)), |area| {
        let pixels = (MARGIN..width() - MARGIN, bottom..TOP);
        let plot =
            area.apply_coord_spec(Cartesian2d::<RangedCoordf64, RangedCoordf64>::new(x.low..x.high, 0.0..1.0, pixels));
        let at = |value: f64| plot.map_coordinate(&(value, 0.0)).0;
        for (value, label) in &x.ticks {
            line(area, &[(at(*value), TOP), (at(*value), bottom)], GRID, 1)?;
            let half = letters(label) * LETTER * 5 / 8;
            let middle = at(*value).clamp(half, width() - half);
            write(area, label, (middle, bottom + 5), (HPos::Center, VPos::Top), MUTED)?;
        }
        write(area, &x.title, (width() - MARGIN, bottom + FOOT - 3), (HPos::Right, VPos::Bottom), INK)?;
        let tops = (0..rows).map(foot).collect();
        draw(area, &at, tops)
    })
}

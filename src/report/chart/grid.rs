//! A heat map: a number in each cell, the darker the larger.

use plotters::style::text_anchor::{HPos, VPos};

use crate::report::chart::{HEAT, INK, LETTER, MUTED, PAPER, WIDTH, fill, letters, svg, write};
use crate::report::units::digits;

/// Pixels of a row.
const ROW: i32 = 40;
/// Pixels above the cells: the title of the rows.
const TOP: i32 = 26;
/// Pixels below them: labels and title of the columns.
const FOOT: i32 = 54;

/// The names of one side with its title.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Side {
    /// What varies.
    pub title: String,
    /// Its values.
    pub labels: Vec<String>,
}

/// Cells by row and column; one that has no value stays empty. `most` is the value of the darkest.
pub(in crate::report) fn heat(columns: &Side, rows: &Side, cells: &[Vec<Option<f64>>], most: f64) -> String {
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let bottom = TOP + ROW * count(rows.labels.len());
    svg((WIDTH, u32::try_from(bottom + FOOT).unwrap_or(0)), |area| {
        let width = i32::try_from(WIDTH).unwrap_or(i32::MAX);
        let left = rows.labels.iter().map(|label| letters(label)).max().unwrap_or(0) * LETTER + 12;
        let each = ((width - 8 - left) / count(columns.labels.len().max(1))).max(1);
        write(area, &rows.title, (4, 4), (HPos::Left, VPos::Top), INK)?;
        for ((label, row), top) in rows.labels.iter().zip(cells).zip((TOP..).step_by(40)) {
            write(area, label, (left - 6, top + ROW / 2), (HPos::Right, VPos::Center), MUTED)?;
            for (value, x) in row.iter().zip((0..).map(|n| left + n * each)) {
                let Some(value) = value else { continue };
                let shade = shade(*value, most);
                fill(area, (x, top), (x + each - 2, top + ROW - 2), HEAT[shade])?;
                let ink = if shade < HEAT.len() / 2 { INK } else { PAPER };
                let text = digits(*value);
                if letters(&text) * LETTER <= each {
                    write(area, &text, (x + each / 2 - 1, top + ROW / 2), (HPos::Center, VPos::Center), ink)?;
                }
            }
        }
        // As many labels as there is room for.
        let longest = columns.labels.iter().map(|label| letters(label)).max().unwrap_or(0) * LETTER + 6;
        let every = (longest + each - 1) / each;
        for (i, label) in (0..).zip(&columns.labels).filter(|(i, _)| i % every.max(1) == 0) {
            write(area, label, (left + i * each + each / 2, bottom + 4), (HPos::Center, VPos::Top), MUTED)?;
        }
        write(area, &columns.title, (width - 8, bottom + FOOT - 3), (HPos::Right, VPos::Bottom), INK)
    })
}

/// Which of the shades a value has.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small index")]
fn shade(value: f64, most: f64) -> usize {
    let last = HEAT.len() - 1;
    if most > 0.0 { ((value / most).clamp(0.0, 1.0) * 5.0).round() as usize } else { 0 }.min(last)
}

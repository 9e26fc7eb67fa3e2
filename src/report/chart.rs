//! Charts as inline SVG: what is drawn, where its ticks are, and in which colours. They compute nothing but positions.
//!
//! Drawn by `plotters` in whole pixels, so the bytes are the same everywhere. Its colours are presentation attributes: the
//! page's style sheet turns each [`Colour`] into its dark twin where the reader's system asks for that.

use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub(super) mod axis;
pub(super) mod bars;
pub(super) mod curves;
pub(super) mod grid;
pub(super) mod lifeline;

use axis::Axis;

/// Pixels of a drawing; the page scales it.
pub(super) const WIDTH: u32 = 560;
/// The same, of a chart with two axes.
pub(super) const HEIGHT: u32 = 340;
/// Font size in those pixels.
const FONT: i32 = 14;
/// Average width of a character of that size.
const LETTER: i32 = 8;

/// A colour with its twin on a dark page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour {
    /// On a light page.
    pub light: u32,
    /// On a dark page.
    pub dark: u32,
}

const fn colour(light: u32, dark: u32) -> Colour {
    Colour { light, dark }
}

/// Axes and texts.
pub(super) const INK: Colour = colour(0x1F_2733, 0xE6_EAF0);
/// Tick labels and reference lines.
pub(super) const MUTED: Colour = colour(0x5B_6573, 0xA3_ADBB);
/// Grid lines.
pub(super) const GRID: Colour = colour(0xDD_E2E8, 0x36_3F4C);
/// The page.
pub(super) const PAPER: Colour = colour(0xFF_FFFF, 0x14_1A22);

/// Strategies, in the scenario's order; each at least 4.5 to 1 against its page.
pub(super) const SERIES: [Colour; 8] = [
    colour(0x1F_62A8, 0x7F_B4F2),
    colour(0xBC_4022, 0xF5_9178),
    colour(0x2B_7A4B, 0x76_CB9B),
    colour(0x77_479C, 0xC6_A4EA),
    colour(0x85_5C10, 0xDD_B766),
    colour(0x0C_757D, 0x5F_CAD2),
    colour(0xAB_3473, 0xF0_92C2),
    colour(0x58_606D, 0xB1_BAC7),
];

/// Parts of a stack: places of death, TCP states, outcomes. Neighbours differ in lightness as well as in hue.
pub(super) const PARTS: [Colour; 9] = [
    colour(0x9C_C3EA, 0x2F_5F91),
    colour(0x1F_62A9, 0x8F_C0F5),
    colour(0xE9_B44C, 0x8F_6517),
    colour(0xA0_3B22, 0xF7_A48F),
    colour(0x8F_D0A9, 0x2C_6B47),
    colour(0x1E_6B41, 0x86_D9AA),
    colour(0xCF_A9E8, 0x66_3F87),
    colour(0x6A_3A91, 0xD3_B5F2),
    colour(0xC3_C9D1, 0x55_606E),
];

/// From few to many, for a heat map.
pub(super) const HEAT: [Colour; 6] = [
    colour(0xEA_F1F8, 0x1C_2A38),
    colour(0xC7_DDF0, 0x21_405D),
    colour(0x97_C0E3, 0x2A_5A86),
    colour(0x5F_9BD0, 0x3D_7DB5),
    colour(0x2C_70B1, 0x6A_A8DE),
    colour(0x12_4A85, 0xA9_D1F8),
];

/// Every colour that charts use.
pub(super) fn colours() -> impl Iterator<Item = Colour> {
    [INK, MUTED, GRID, PAPER].into_iter().chain(SERIES).chain(PARTS).chain(HEAT)
}

impl Colour {
    const fn rgb(self) -> RGBColor {
        let [_, red, green, blue] = self.light.to_be_bytes();
        RGBColor(red, green, blue)
    }

    /// As it stands in a drawing.
    pub(super) fn attribute(self) -> String {
        format!("#{:06X}", self.light)
    }
}

/// The colour of the strategy of this index.
pub(super) const fn series(index: usize) -> Colour {
    SERIES[index % SERIES.len()]
}

/// A drawing area in pixels.
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// A drawing area in the units of two axes.
type Plot<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
/// What drawing gives.
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Draws into a string; nothing in there can fail.
fn svg((width, height): (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> String {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
        draw(&area).and_then(|()| area.present()).expect("a drawing into memory does not fail");
    }
    slim(&text)
}

/// The same drawing with what it needs and no more: the page's style says the rest.
fn slim(svg: &str) -> String {
    let (_, body) = svg.split_once("viewBox").unwrap_or_default();
    let body = body.replace(" xmlns=\"http://www.w3.org/2000/svg\"", "");
    let body = body.replace(" opacity=\"1\"", "").replace(" font-family=\"sans-serif\"", "");
    let body = body.replace(" stroke=\"none\"", "").replace(" stroke-width=\"1\"", "").replace(" \"/>", "\"/>");
    let body = body.replace(&format!(" font-size=\"{FONT}\""), "").replace(" text-anchor=\"start\"", "");
    format!("<svg aria-hidden=\"true\" focusable=\"false\" viewBox{}", body.replace(">\n", ">").replace("\n</", "</"))
}

/// A drawing of the page as a file of its own.
pub(super) fn alone(svg: &str) -> String {
    let begin = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" font-family=\"sans-serif\" font-size=\"{FONT}\" "
    );
    svg.replacen("<svg aria-hidden=\"true\" focusable=\"false\" ", &begin, 1) + "\n"
}

/// Writes a text at a pixel.
fn write(area: &Area<'_>, text: &str, at: (i32, i32), (h, v): (HPos, VPos), colour: Colour) -> Drawn {
    // The backend divides by this; the result is the size that `slim` takes for granted.
    let font = ("sans-serif", f64::from(FONT) * 1.24).into_font();
    area.draw(&Text::new(text.to_owned(), at, TextStyle::from(font).color(&colour.rgb()).pos(Pos::new(h, v))))
}

/// A line between pixels.
fn line(area: &Area<'_>, points: &[(i32, i32)], colour: Colour, width: u32) -> Drawn {
    area.draw(&PathElement::new(points.to_vec(), colour.rgb().stroke_width(width)))
}

/// A filled box between two pixels.
fn fill(area: &Area<'_>, from: (i32, i32), to: (i32, i32), colour: Colour) -> Drawn {
    area.draw(&Rectangle::new([from, to], colour.rgb().filled()))
}

/// Marks of different shapes, so that no curve is told by its colour alone. Filled, `size` pixels from its middle.
fn mark(area: &Area<'_>, index: usize, (x, y): (i32, i32), colour: Colour) -> Drawn {
    let style = colour.rgb().filled();
    let polygon = |corners: &[(i32, i32)]| {
        let corners: Vec<_> = corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
        area.draw(&Polygon::new(corners, style))
    };
    match index % 4 {
        0 => area.draw(&Circle::new((x, y), 4, style)),
        1 => polygon(&[(-4, -4), (4, -4), (4, 4), (-4, 4)]),
        2 => polygon(&[(0, -5), (5, 4), (-5, 4)]),
        _ => polygon(&[(0, -6), (5, 0), (0, 6), (-5, 0)]),
    }
}

/// A sample of a series for the legend, as it is drawn in the charts.
pub(super) fn swatch(index: Option<usize>, colour: Colour) -> String {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (16, 16)).into_drawing_area();
        let drawn = match index {
            Some(index) => line(&area, &[(0, 8), (16, 8)], colour, 2).and_then(|()| mark(&area, index, (8, 8), colour)),
            None => fill(&area, (2, 2), (14, 14), colour),
        };
        drawn.and_then(|()| area.present()).expect("a drawing into memory does not fail");
    }
    slim(&text)
}

/// The plot between two axes, with grid, ticks and titles drawn.
fn plot<'a>(area: &Area<'a>, x: &Axis, y: &Axis) -> Result<Plot<'a>, DrawingAreaErrorKind<std::io::Error>> {
    let height = i32::try_from(area.dim_in_pixel().1).unwrap_or(i32::MAX);
    let width = i32::try_from(WIDTH).unwrap_or(i32::MAX);
    let widest = y.ticks.iter().map(|(_, label)| letters(label)).max().unwrap_or(0);
    let (left, right, top, bottom) = (widest * LETTER + 12, width - 14, 30, height - 52);
    let plot = area.apply_coord_spec(Cartesian2d::<RangedCoordf64, RangedCoordf64>::new(
        x.low..x.high,
        y.low..y.high,
        (left..right, bottom..top),
    ));
    for (value, label) in &y.ticks {
        let (_, at) = plot.map_coordinate(&(x.low, *value));
        line(area, &[(left, at), (right, at)], GRID, 1)?;
        write(area, label, (left - 6, at), (HPos::Right, VPos::Center), MUTED)?;
    }
    for (value, label) in &x.ticks {
        let (at, _) = plot.map_coordinate(&(*value, y.low));
        line(area, &[(at, top), (at, bottom)], GRID, 1)?;
        // A label in the middle of its tick must not leave the drawing.
        let half = letters(label) * LETTER * 5 / 8;
        let middle = at.clamp(half.min(width / 2), width - half.min(width / 2));
        write(area, label, (middle, bottom + 8), (HPos::Center, VPos::Top), MUTED)?;
    }
    line(area, &[(left, bottom), (right, bottom)], MUTED, 1)?;
    write(area, &y.title, (4, 4), (HPos::Left, VPos::Top), INK)?;
    write(area, &x.title, (right, height - 4), (HPos::Right, VPos::Bottom), INK)?;
    Ok(plot)
}

fn letters(text: &str) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(0)
}

#[cfg(test)]
mod tests;

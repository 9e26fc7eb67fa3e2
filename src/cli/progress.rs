//! A bar on stderr while a run lasts, where stderr is a terminal.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::cli::interrupt::Interrupt;
use crate::experiment::Observer;
use crate::experiment::statistics::Interval;
use crate::report::table;
use crate::scenario::measure::Measure;
use crate::time::{Micros, SimTime};

const TEMPLATE: &str = "{bar:24} {percent:>3} %  {peers} peers, {cells} cells, simulated {simulated}, {left} left{msg}";

/// The bar. It measures simulated time: of all peers of all runs together.
#[derive(Debug)]
pub struct Bar {
    line: ProgressBar,
    seen: Arc<Seen>,
    interrupt: Interrupt,
}

/// What the bar shows beside its length.
#[derive(Debug, Default)]
struct Seen {
    peers: AtomicU64,
    cells_done: AtomicU64,
    cells: AtomicU64,
    simulated_us: AtomicU64,
}

impl Bar {
    /// A bar on stderr; invisible where stderr is not a terminal, or if not `wanted`.
    pub fn on_stderr(wanted: bool, interrupt: Interrupt) -> Self {
        Self::on(if wanted { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }, interrupt)
    }

    fn on(target: ProgressDrawTarget, interrupt: Interrupt) -> Self {
        let seen = Arc::new(Seen::default());
        let line = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            line.set_style(with_keys(style, &seen));
        }
        Self { line, seen, interrupt }
    }

    /// Removes the bar.
    pub fn clear(&self) {
        self.line.finish_and_clear();
    }
}

/// The keys of the template. They are written when the bar is drawn, a few times a second, not at each step.
fn with_keys(style: ProgressStyle, seen: &Arc<Seen>) -> ProgressStyle {
    let key = |show: fn(&Seen, &mut dyn Write) -> std::fmt::Result| {
        let seen = Arc::clone(seen);
        // A bar that cannot be drawn is no reason to stop a run.
        move |_: &ProgressState, out: &mut dyn Write| show(&seen, out).unwrap_or(())
    };
    let left = |state: &ProgressState, out: &mut dyn Write| {
        let known = state.pos() > 0;
        let text = if known { HumanDuration(state.eta()).to_string() } else { "?".to_owned() };
        out.write_str(&text).unwrap_or(());
    };
    style
        .progress_chars("=> ")
        .with_key("peers", key(|seen, out| write!(out, "{}", HumanCount(seen.peers.load(Ordering::Relaxed)))))
        .with_key(
            "cells",
            key(|seen, out| {
                write!(out, "{}/{}", seen.cells_done.load(Ordering::Relaxed), seen.cells.load(Ordering::Relaxed))
            }),
        )
        .with_key(
            "simulated",
            key(|seen, out| {
                let us = seen.simulated_us.load(Ordering::Relaxed);
                write!(out, "{}.{} s", us / 1_000_000, us / 100_000 % 10)
            }),
        )
        .with_key("left", left)
}

impl Observer for Bar {
    fn planned(&self, cells: u64, peer_time: Micros) {
        self.seen.cells.fetch_add(cells, Ordering::Relaxed);
        self.line.inc_length(peer_time.get());
    }

    fn advanced(&self, peers: u32, by: Micros, now: SimTime) {
        self.seen.simulated_us.store(now.as_micros(), Ordering::Relaxed);
        self.line.inc((by * u64::from(peers)).get());
    }

    fn node_done(&self, peers: u32) {
        self.seen.peers.fetch_add(peers.into(), Ordering::Relaxed);
    }

    fn cell_done(&self) {
        self.seen.cells_done.fetch_add(1, Ordering::Relaxed);
    }

    fn narrowed(&self, measure: Measure, strategy: &str, interval: Interval) {
        self.line.set_message(format!(", {} of {strategy} {}", measure.name(), table::in_words(measure, interval)));
    }

    fn interrupted(&self) -> bool {
        self.interrupt.asked()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc;

    use indicatif::TermLike;

    use super::*;

    /// A terminal that passes on what it is told to show.
    #[derive(Debug)]
    struct Screen(mpsc::Sender<String>);

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            160
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.send(text.to_owned()).map_err(io::Error::other)
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_bar_shows_peers_cells_time_what_is_left_and_what_is_known() {
        let (send, shown) = mpsc::channel();
        let bar = Bar::on(ProgressDrawTarget::term_like(Box::new(Screen(send))), Interrupt::default());
        bar.planned(2, Micros::from_secs(60) * 3_000);
        bar.advanced(1_500, Micros::from_secs(60), SimTime::from_micros(60_000_000));
        bar.node_done(1_500);
        bar.cell_done();
        bar.narrowed(Measure::Lost, "timeout-error", Interval { low: 0.1, estimate: 0.135, high: 0.2 });
        bar.line.abandon();
        let last = shown.try_iter().filter(|text| text.contains("peers")).last().unwrap();
        assert!(last.contains("50 %  1,500 peers, 1/2 cells, simulated 60.0 s, "), "{last}");
        assert!(last.contains(" left, lost of timeout-error 0.135 (0.100–0.200)"), "{last}");
    }
}

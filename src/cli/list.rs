//! `farewell list`: everything that a scenario may name.

use std::io::{self, Write};

use clap::ValueEnum as _;

use crate::cli::Failure;
use crate::cli::args::{ListArgs, Part};
use crate::net::profile;
use crate::scenario::measure::Measure;
use crate::scenario::{builtin, chaos};
use crate::tcp::sysctl::{KEYS, Kernel, PRESETS};
use crate::time::Micros;
use crate::xmpp::config::{Responder, Strategy};
use crate::xmpp::preset::Preset;

/// Prints the parts that were asked for, all of them if none was.
pub(super) fn run(args: &ListArgs, stdout: &mut dyn Write) -> Result<(), Failure> {
    let parts = if args.parts.is_empty() { Part::value_variants() } else { &args.parts };
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            writeln!(stdout)?;
        }
        show(*part, stdout)?;
    }
    Ok(())
}

fn show(part: Part, out: &mut dyn Write) -> io::Result<()> {
    match part {
        Part::Scenarios => {
            let rows = builtin::names().into_iter().map(|n| (n, builtin::question(n).unwrap_or_default().to_owned()));
            table("scenarios", rows, out)
        }
        Part::Strategies => {
            table("strategies", Strategy::ALL.into_iter().map(|s| (s.name(), s.about().to_owned())), out)
        }
        Part::Responders => {
            table("responders", Responder::ALL.into_iter().map(|r| (r.name(), r.about().to_owned())), out)
        }
        Part::Presets => presets(out),
        Part::Links => {
            let rows = profile::names().into_iter().map(|n| (n, profile::about(n).unwrap_or_default().to_owned()));
            table("links", rows, out)
        }
        Part::Chaos => {
            let plain = chaos::PLAIN.iter().map(|(name, about)| (*name, (*about).to_owned()));
            table("chaos actions (do = \"NAME\")", plain, out)?;
            let more = chaos::WITH_PARAMETER.iter().map(|(name, about)| (*name, (*about).to_owned()));
            table("chaos actions with a parameter (do = { NAME = ... })", more, out)
        }
        Part::Kernel => kernel(out),
        Part::Metrics => table("metrics", Measure::all().map(|m| (m.name(), m.about().to_owned())), out),
    }
}

fn table<'a>(title: &str, rows: impl Iterator<Item = (&'a str, String)>, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<_> = rows.collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    writeln!(out, "{title}:")?;
    for (name, about) in rows {
        writeln!(out, "  {name:width$}  {about}")?;
    }
    Ok(())
}

/// Settings with their defaults: presets first, since they change several at once.
fn kernel(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "kernel presets:")?;
    for preset in PRESETS {
        writeln!(out, "  {}: {}", preset.name, preset.about)?;
        for difference in preset.differences {
            let value = Kernel::preset(preset.name).and_then(|kernel| kernel.get(difference.key));
            let value = value.map_or_else(|| difference.value.to_owned(), |value| value.to_string());
            writeln!(out, "      {} = {value} ({})", difference.key, difference.source)?;
        }
    }
    let rows = KEYS.iter().map(|key| {
        let default = key.default_value();
        (key.name, format!("{}; default {default} ({})", key.meaning, key.source))
    });
    table("kernel settings", rows, out)
}

/// Presets take three lines each: what it does, what it stands for, where that was read.
fn presets(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "presets (usable as strategy and as responder, where known):")?;
    for preset in Preset::ALL {
        writeln!(out, "  {}: {}", preset.name, preset.about)?;
        let mut roles = Vec::new();
        if let Some(closer) = &preset.closer {
            roles.push(format!("closes by {}", closer.strategy.name()));
        }
        if let Some(idle) = preset.idle {
            roles.push(format!("idle limit {idle}"));
        }
        if let Some(sweep) = preset.sweep.filter(|s| *s > Micros::ZERO) {
            roles.push(format!("sweep {sweep}"));
        }
        if let Some(responder) = &preset.responder {
            let (tag, error) = (responder.on_tag.name(), responder.on_error.name());
            roles.push(if tag == error {
                format!("answers {tag}")
            } else {
                format!("answers {tag}, an error {error}")
            });
        }
        writeln!(out, "      {}", roles.join(", "))?;
        writeln!(out, "      source: {}", preset.source)?;
    }
    Ok(())
}

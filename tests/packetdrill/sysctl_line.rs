//! Backtick commands: only `sysctl` lines are understood, because there is no shell in a simulation.

use crate::parser::Mistake;
use crate::script::Setting;

/// Keys that the model does not have because it can do only one thing, and the values that ask for just that.
const CONSTANTS: &[(&str, &[&str])] = &[
    ("tcp_adv_win_scale", &["1"]),
    ("tcp_app_win", &["31"]),
    ("tcp_autocorking", &["0", "1"]),
    ("tcp_ecn", &["0", "2"]),
    ("tcp_ecn_fallback", &["0", "1"]),
    ("tcp_fack", &["0"]),
    ("tcp_fastopen", &["0", "1"]),
    ("tcp_mtu_probing", &["0"]),
    ("tcp_no_metrics_save", &["0", "1"]),
    ("tcp_shrink_window", &["0"]),
    ("tcp_stdurg", &["0"]),
    ("tcp_thin_linear_timeouts", &["0"]),
];

/// Whether `name` is a key whose value cannot be chosen here; an error where the script chooses another.
pub(crate) fn is_what_the_model_does(name: &str, value: &str) -> Option<Result<(), String>> {
    let key = name.strip_prefix("net.ipv4.").or_else(|| name.strip_prefix("net/ipv4/"))?;
    let (_, values) = CONSTANTS.iter().find(|(constant, _)| *constant == key)?;
    let allowed = || format!("sysctl {name}={value}: the simulated kernel can only do {}", values.join(" or "));
    Some(if values.contains(&value) { Ok(()) } else { Err(allowed()) })
}

/// The settings of `sysctl -q name=value ...`, several commands separated by `;`, `&&` or new lines.
pub(crate) fn settings(line: usize, command: &str) -> Result<Vec<Setting>, Mistake> {
    let mut settings = Vec::new();
    for part in command.replace("&&", ";").replace("\\\n", " ").split([';', '\n']) {
        let words = words(line, &without_noise(part))?;
        let Some((program, arguments)) = words.split_first() else { continue };
        if program != "sysctl" {
            return Err((line, format!("the command `{program}` is not supported, only sysctl is")));
        }
        for argument in arguments {
            if ["-q", "-w", "-qw", "-wq"].contains(&argument.as_str()) {
                continue;
            }
            let Some((name, value)) = argument.split_once('=') else {
                return Err((line, format!("expected name=value after sysctl, found `{argument}`")));
            };
            let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
            settings.push(Setting { line, name: name.to_owned(), value });
        }
    }
    Ok(settings)
}

/// A command without its comment and without output that is thrown away.
fn without_noise(command: &str) -> String {
    let code = command.split_once(" #").map_or(command, |(code, _)| code);
    let code = if code.trim_start().starts_with('#') { "" } else { code };
    [">/dev/null", "> /dev/null"].iter().fold(code.replace("2>&1", ""), |text, noise| {
        text.replace(&format!("2{noise}"), "").replace(&format!("1{noise}"), "").replace(noise, "")
    })
}

/// Words of a shell command; quotes keep spaces together.
fn words(line: usize, command: &str) -> Result<Vec<String>, Mistake> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in command.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (None, '$' | '|' | '>' | '<' | '#') => {
                return Err((line, format!("`{c}` of the shell is not supported in a command")));
            }
            (Some(open), c) if open == c => quote = None,
            (_, c) => word.push(c),
        }
    }
    if quote.is_some() {
        return Err((line, "a quote in a command never ends".to_owned()));
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

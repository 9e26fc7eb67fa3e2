//! Backtick commands: only `sysctl` lines are understood, because there is no shell in a simulation.

use crate::parser::Mistake;
use crate::script::Setting;

/// The settings of `sysctl -q name=value ...`, several commands separated by `;`, `&&` or new lines.
pub(crate) fn settings(line: usize, command: &str) -> Result<Vec<Setting>, Mistake> {
    let mut settings = Vec::new();
    for part in command.replace("&&", ";").replace("\\\n", " ").split([';', '\n']) {
        let words = words(line, part)?;
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

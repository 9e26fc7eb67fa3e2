//! Text to tokens: words, numbers, punctuation, strings, backtick commands, code; comments vanish.

use std::fmt;

/// A token and the line it starts on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Letters, digits and underscores, not only digits.
    Word(String),
    /// A whole number, decimal or hexadecimal.
    Integer(i64),
    /// A number with a point, in millionths.
    Decimal(i64),
    /// `...`
    Ellipsis,
    /// `"..."`
    Text(String),
    /// Backtick command.
    Command(String),
    /// `%{ ... }%`
    Code(String),
    /// `--name`
    Option(String),
    /// Any other character.
    Mark(char),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(w) => write!(f, "`{w}`"),
            Self::Integer(n) => write!(f, "`{n}`"),
            Self::Decimal(n) => write!(f, "`{}.{:06}`", n / 1_000_000, (n % 1_000_000).abs()),
            Self::Ellipsis => f.write_str("`...`"),
            Self::Text(_) => f.write_str("a string"),
            Self::Command(_) => f.write_str("a command in backticks"),
            Self::Code(_) => f.write_str("a piece of code"),
            Self::Option(name) => write!(f, "`--{name}`"),
            Self::Mark(c) => write!(f, "`{c}`"),
        }
    }
}

/// The tokens of `text`, or the line and what is wrong there.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, (usize, String)> {
    let mut lexer = Lexer { rest: text, line: 1 };
    let mut found = Vec::new();
    while let Some(token) = lexer.next_token()? {
        found.push(token);
    }
    Ok(found)
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lexer<'a> {
    /// Takes the first `n` bytes and counts their lines.
    fn take(&mut self, n: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(n);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// Skips white space and comments.
    fn skip(&mut self) -> Result<(), (usize, String)> {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.take(blank);
            if self.rest.starts_with("//") {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.take(end);
            } else if self.rest.starts_with("/*") {
                self.delimited("/*", "*/", "comment")?;
            } else {
                return Ok(());
            }
        }
    }

    /// The text between `open`, which is next, and `close`.
    fn delimited(&mut self, open: &str, close: &str, what: &str) -> Result<&'a str, (usize, String)> {
        let line = self.line;
        let Some(end) = self.rest[open.len()..].find(close) else {
            return Err((line, format!("a {what} that begins here never ends")));
        };
        self.take(open.len());
        let inner = self.take(end);
        self.take(close.len());
        Ok(inner)
    }

    fn next_token(&mut self) -> Result<Option<Token>, (usize, String)> {
        self.skip()?;
        let line = self.line;
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let kind = match first {
            '"' => Kind::Text(self.delimited("\"", "\"", "string")?.to_owned()),
            '`' => Kind::Command(self.delimited("`", "`", "command")?.to_owned()),
            '%' if self.rest.starts_with("%{") => Kind::Code(self.delimited("%{", "}%", "piece of code")?.to_owned()),
            '.' if self.rest.starts_with("...") => {
                self.take(3);
                Kind::Ellipsis
            }
            '-' if self.rest[1..].starts_with('-') => {
                self.take(2);
                Kind::Option(self.word().to_owned())
            }
            _ => match self.number()? {
                Some(number) => number,
                None if first.is_ascii_alphanumeric() || first == '_' => Kind::Word(self.word().to_owned()),
                None => {
                    self.take(first.len_utf8());
                    Kind::Mark(first)
                }
            },
        };
        Ok(Some(Token { line, kind }))
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        self.take(end)
    }

    /// A number, if one comes next: `12`, `-1`, `0x1f`, `.25`, `1.5`.
    fn number(&mut self) -> Result<Option<Kind>, (usize, String)> {
        let line = self.line;
        let (sign, body) = self.rest.strip_prefix('-').map_or((1, self.rest), |body| (-1, body));
        let signed = usize::from(sign < 0);
        if sign > 0 && body.starts_with("0x") {
            let digits = body[2..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(body.len() - 2);
            let value = i64::from_str_radix(&body[2..2 + digits], 16)
                .map_err(|e| (line, format!("bad hexadecimal number: {e}")))?;
            self.take(2 + digits);
            return Ok(Some(Kind::Integer(value)));
        }
        let whole = digits(body);
        let fraction = body[whole..].strip_prefix('.').map_or(0, digits);
        if fraction > 0 {
            let value = millionths(&body[..whole], &body[whole + 1..whole + 1 + fraction]);
            self.take(signed + whole + 1 + fraction);
            return value.map(|v| Some(Kind::Decimal(sign * v))).ok_or((line, "number out of range".to_owned()));
        }
        let is_word = body[whole..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if whole == 0 || is_word {
            return Ok(None);
        }
        let value = body[..whole].parse::<i64>().map_err(|e| (line, format!("bad number: {e}")))?;
        self.take(signed + whole);
        Ok(Some(Kind::Integer(sign * value)))
    }
}

fn digits(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

/// `whole.fraction` in millionths; digits beyond the sixth are cut off.
fn millionths(whole: &str, fraction: &str) -> Option<i64> {
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let six: String = fraction.chars().chain("000000".chars()).take(6).collect();
    whole.checked_mul(1_000_000)?.checked_add(six.parse().ok()?)
}

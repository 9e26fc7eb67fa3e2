//! The code between `%{` and `}%`: a row of `assert CONDITION, MESSAGE` over integers, as Python reads them.

use crate::lexer::{Kind, Token, tokens};

/// Runs every assertion of `text`; `lookup` knows the names. The error says what does not hold or is not understood.
pub(crate) fn check(text: &str, lookup: &dyn Fn(&str) -> Option<i64>) -> Result<(), String> {
    let text = plain(text);
    let tokens = tokens(&text).map_err(|(_, mistake)| mistake)?;
    let mut reader = Reader { tokens: &tokens, at: 0, lookup };
    while reader.at < tokens.len() {
        if reader.mark(";") {
            continue;
        }
        if !reader.word("assert") {
            return Err(format!("code can only `assert`, found {}", reader.found()));
        }
        let from = reader.at;
        let holds = reader.either()? != 0;
        let condition = reader.shown(from, reader.at);
        let names = reader.values_of_names(from, reader.at);
        if reader.mark(",") {
            reader.skip_message();
        }
        if !holds {
            return Err(format!("assertion failed: {condition} (with {names})"));
        }
    }
    Ok(())
}

/// Python as the lexer of scripts can read it: one kind of quotes, no comments, no continued lines.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for line in text.replace("\\\n", " ").lines() {
        let mut quote = None;
        for c in line.chars() {
            match quote {
                None if c == '#' => break,
                None if c == '\'' || c == '"' => {
                    quote = Some(c);
                    plain.push('"');
                }
                Some(open) if c == open => {
                    quote = None;
                    plain.push('"');
                }
                // What a message says does not matter, and a bar or slash in it must not be read as code.
                Some(_) => plain.push(if c == '"' { '_' } else { c }),
                None => plain.push(c),
            }
        }
        plain.push('\n');
    }
    plain
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    lookup: &'a dyn Fn(&str) -> Option<i64>,
}

impl Reader<'_> {
    fn kind(&self, ahead: usize) -> Option<&Kind> {
        self.tokens.get(self.at + ahead).map(|token| &token.kind)
    }

    fn found(&self) -> String {
        self.kind(0).map_or_else(|| "the end of the code".to_owned(), Kind::to_string)
    }

    /// The tokens `from..to` as text.
    fn shown(&self, from: usize, to: usize) -> String {
        let text: Vec<String> = self.tokens[from..to].iter().map(|t| t.kind.to_string().replace('`', "")).collect();
        text.join(" ").replace("= =", "==").replace("> =", ">=").replace("< =", "<=").replace("! =", "!=")
    }

    /// `name = value` of each name used in the tokens `from..to`.
    fn values_of_names(&self, from: usize, to: usize) -> String {
        let known = self.tokens[from..to].iter().filter_map(|token| match &token.kind {
            Kind::Word(name) => (self.lookup)(name).map(|value| format!("{name} = {value}")),
            _ => None,
        });
        known.collect::<Vec<_>>().join(", ")
    }

    /// Accepts the characters of `marks`, one after the other.
    fn mark(&mut self, marks: &str) -> bool {
        let all = marks.chars().enumerate().all(|(i, c)| self.kind(i) == Some(&Kind::Mark(c)));
        self.at += if all { marks.len() } else { 0 };
        all
    }

    /// The message of an assertion ends where the next statement begins.
    fn skip_message(&mut self) {
        let mut open = 0_i32;
        while let Some(kind) = self.kind(0) {
            match kind {
                Kind::Mark('(') => open += 1,
                Kind::Mark(')') => open -= 1,
                Kind::Mark(';') if open == 0 => break,
                Kind::Word(word) if word == "assert" => break,
                _ => {}
            }
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.kind(0), Some(Kind::Word(w)) if w == word);
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> Result<i64, String> {
        let mut value = self.both()?;
        while self.word("or") {
            let right = self.both()?;
            value = i64::from(value != 0 || right != 0);
        }
        Ok(value)
    }

    fn both(&mut self) -> Result<i64, String> {
        let mut value = self.inverse()?;
        while self.word("and") {
            let right = self.inverse()?;
            value = i64::from(value != 0 && right != 0);
        }
        Ok(value)
    }

    fn inverse(&mut self) -> Result<i64, String> {
        if self.word("not") { Ok(i64::from(self.inverse()? == 0)) } else { self.comparison() }
    }

    /// Comparisons chain, as in `1 <= a < 5`.
    fn comparison(&mut self) -> Result<i64, String> {
        let (mut left, mut compared, mut holds) = (self.bits()?, false, true);
        loop {
            let relation: fn(&i64, &i64) -> bool = if self.mark("==") {
                i64::eq
            } else if self.mark("!=") {
                i64::ne
            } else if self.mark("<=") {
                i64::le
            } else if self.mark(">=") {
                i64::ge
            } else if self.mark("<") {
                i64::lt
            } else if self.mark(">") {
                i64::gt
            } else {
                return Ok(if compared { i64::from(holds) } else { left });
            };
            let right = self.bits()?;
            holds &= relation(&left, &right);
            (left, compared) = (right, true);
        }
    }

    /// `a | b`, which binds stronger than a comparison.
    fn bits(&mut self) -> Result<i64, String> {
        let mut value = self.bits_in_common()?;
        while self.mark("|") {
            value |= self.bits_in_common()?;
        }
        Ok(value)
    }

    fn bits_in_common(&mut self) -> Result<i64, String> {
        let mut value = self.sum()?;
        while self.mark("&") {
            value &= self.sum()?;
        }
        Ok(value)
    }

    fn sum(&mut self) -> Result<i64, String> {
        let mut value = self.product()?;
        loop {
            if self.mark("+") {
                value += self.product()?;
            } else if self.mark("-") {
                value -= self.product()?;
            } else if let Some(Kind::Integer(n @ ..=-1)) = self.kind(0) {
                // `a -1`: the lexer reads the sign as part of the number.
                value += n;
                self.at += 1;
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<i64, String> {
        let mut value = self.atom()?;
        loop {
            if self.mark("*") {
                value = value.checked_mul(self.atom()?).ok_or("a product is too large")?;
            } else if self.mark("/") {
                value = value.checked_div_euclid(self.atom()?).ok_or("a division by zero")?;
            } else {
                return Ok(value);
            }
        }
    }

    fn atom(&mut self) -> Result<i64, String> {
        if self.mark("(") {
            let value = self.either()?;
            return if self.mark(")") { Ok(value) } else { Err(format!("expected `)`, found {}", self.found())) };
        }
        if self.mark("-") {
            return Ok(-self.atom()?);
        }
        let value = match self.kind(0) {
            Some(Kind::Integer(n)) => *n,
            Some(Kind::Text(_)) => 0,
            Some(Kind::Word(name)) if name == "True" => 1,
            Some(Kind::Word(name)) if name == "False" => 0,
            Some(Kind::Word(name)) => match (self.lookup)(name) {
                Some(value) => value,
                None => return Err(format!("`{name}` is not known to the simulated kernel")),
            },
            _ => return Err(format!("cannot evaluate {}", self.found())),
        };
        self.at += 1;
        Ok(value)
    }
}

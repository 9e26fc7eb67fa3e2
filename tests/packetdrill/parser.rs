//! Tokens to a [`Script`]. What is not understood is an error that names it.

use farewell::net::segment::Flags;

use crate::calls;
use crate::lexer::{Kind, Token, tokens};
use crate::script::{Action, Call, Event, Packet, Script, Setting, TcpOption, Value, When};
use crate::sysctl_line;

/// A mistake: line and text.
pub(crate) type Mistake = (usize, String);

/// Parses a whole script.
pub(crate) fn parse(text: &str) -> Result<Script, Mistake> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let mut script = Script::default();
    parser.header(&mut script)?;
    while parser.peek().is_some() {
        if let Some(Kind::Command(_)) = parser.peek() {
            // A command without a time ends a script: it sets things back, and nothing comes after it.
            let line = parser.line();
            parser.command()?;
            match parser.peek() {
                None => break,
                Some(found) => return Err((line, format!("a command without a time must come last, found {found}"))),
            }
        }
        let event = parser.event()?;
        script.events.push(event);
    }
    if script.events.is_empty() { Err((parser.line(), "no event in the script".to_owned())) } else { Ok(script) }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn peek_second(&self) -> Option<&Kind> {
        self.tokens.get(self.at + 1).map(|token| &token.kind)
    }

    /// The line of the next token, or of the last.
    fn line(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |token| token.line)
    }

    fn next(&mut self) -> Option<Kind> {
        let kind = self.peek().cloned();
        self.at += 1;
        kind
    }

    fn unexpected<T>(&self, wanted: &str) -> Result<T, Mistake> {
        let found = self.peek().map_or_else(|| "the end of the file".to_owned(), Kind::to_string);
        Err((self.line(), format!("expected {wanted}, found {found}")))
    }

    fn accept(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(&Kind::Mark(mark));
        self.at += usize::from(found);
        found
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Kind::Word(w)) if w == word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: char) -> Result<(), Mistake> {
        if self.accept(mark) { Ok(()) } else { self.unexpected(&format!("`{mark}`")) }
    }

    fn word(&mut self, wanted: &str) -> Result<String, Mistake> {
        let Some(Kind::Word(word)) = self.peek() else { return self.unexpected(wanted) };
        let word = word.clone();
        self.at += 1;
        Ok(word)
    }

    /// A whole number that fits into `T`.
    fn integer<T: TryFrom<i64>>(&mut self, wanted: &str) -> Result<T, Mistake> {
        let Some(Kind::Integer(n)) = self.peek() else { return self.unexpected(wanted) };
        let (line, n) = (self.line(), *n);
        self.at += 1;
        T::try_from(n).map_err(|_| (line, format!("{wanted} out of range: {n}")))
    }

    /// `--name=value` lines and a command before the first event.
    fn header(&mut self, script: &mut Script) -> Result<(), Mistake> {
        while let Some(Kind::Option(name)) = self.peek().cloned() {
            let line = self.line();
            self.at += 1;
            self.expect('=')?;
            match name.as_str() {
                "tolerance_usecs" => script.tolerance = Some(self.integer("a number of microseconds")?),
                "ip_version" if self.accept_word("ipv4") => {}
                _ => return Err((line, format!("option --{name} with this value is not supported"))),
            }
        }
        if let Some(Kind::Command(_)) = self.peek() {
            script.setup = self.command()?;
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Vec<Setting>, Mistake> {
        let line = self.line();
        match self.next() {
            Some(Kind::Command(text)) => sysctl_line::settings(line, &text),
            _ => Err((line, "expected a command in backticks".to_owned())),
        }
    }

    fn event(&mut self) -> Result<Event, Mistake> {
        let line = self.line();
        let at = self.when()?;
        let action = self.action(at)?;
        let outbound = matches!(action, Action::Outbound(_));
        if !outbound && !matches!(at, When::Absolute(_) | When::Relative(_)) {
            return Err((line, "only a packet that is sent can have a time range or `*`".to_owned()));
        }
        Ok(Event { line, at, action })
    }

    fn seconds(&mut self) -> Result<i64, Mistake> {
        let us = match self.peek() {
            Some(Kind::Integer(n)) => n.checked_mul(1_000_000),
            Some(Kind::Decimal(us)) => Some(*us),
            _ => return self.unexpected("a time in seconds"),
        };
        let line = self.line();
        self.at += 1;
        us.filter(|us| *us >= 0).ok_or((line, "time out of range".to_owned()))
    }

    fn when(&mut self) -> Result<When, Mistake> {
        if self.accept('*') {
            return Ok(When::Any);
        }
        let (line, relative) = (self.line(), self.accept('+'));
        let from = self.seconds()?;
        if !self.accept('~') {
            return Ok(if relative { When::Relative(from) } else { When::Absolute(from) });
        }
        if relative {
            self.expect('+')?;
        }
        let to = self.seconds()?;
        if to < from {
            return Err((line, "the time range runs backwards".to_owned()));
        }
        Ok(if relative { When::RelativeRange(from, to) } else { When::AbsoluteRange(from, to) })
    }

    fn action(&mut self, at: When) -> Result<Action, Mistake> {
        match self.peek() {
            Some(Kind::Mark('<')) => {
                self.at += 1;
                let line = self.line();
                let packet = self.packet()?;
                if packet.options.is_none() {
                    return Err((line, "`<...>` can only stand on a packet that is sent".to_owned()));
                }
                Ok(Action::Inbound(packet))
            }
            Some(Kind::Mark('>')) => {
                self.at += 1;
                Ok(Action::Outbound(self.packet()?))
            }
            Some(Kind::Command(_)) => Ok(Action::Command(self.command()?)),
            Some(Kind::Code(text)) => {
                let text = text.clone();
                self.at += 1;
                Ok(Action::Code(text))
            }
            Some(Kind::Word(_) | Kind::Ellipsis) => Ok(Action::Call(self.call(at)?)),
            _ => self.unexpected("a packet, a system call, a command or code"),
        }
    }

    fn packet(&mut self) -> Result<Packet, Mistake> {
        if matches!(self.peek(), Some(Kind::Mark('[' | '('))) {
            return Err((self.line(), "fields of the IP header, such as [ect0], are not supported".to_owned()));
        }
        let ports = self.ports()?;
        let flags = self.flags()?;
        let line = self.line();
        let seq: u32 = self.integer("a sequence number")?;
        self.expect(':')?;
        let end: u32 = self.integer("a sequence number")?;
        self.expect('(')?;
        let length: u32 = self.integer("a payload length")?;
        self.expect(')')?;
        if seq.wrapping_add(length) != end {
            return Err((line, format!("{seq}:{end} is not {length} bytes long")));
        }
        let ack = if self.accept_word("ack") { self.integer("an acknowledgement number")? } else { 0 };
        let window = if self.accept_word("win") { Some(self.integer("a window")?) } else { None };
        if self.accept_word("urg") {
            return Err((line, "urgent data (`urg`) is not supported".to_owned()));
        }
        let options = self.options()?;
        Ok(Packet { flags, seq, length, ack, window, options, ports })
    }

    /// `1234 > 8080` before the flags. Not to be mistaken for a sequence number, which a colon follows.
    fn ports(&mut self) -> Result<Option<(u16, u16)>, Mistake> {
        if !matches!(self.peek(), Some(Kind::Integer(_))) || self.peek_second() != Some(&Kind::Mark('>')) {
            return Ok(None);
        }
        let source = self.integer("a source port")?;
        self.expect('>')?;
        Ok(Some((source, self.integer("a destination port")?)))
    }

    fn flags(&mut self) -> Result<Flags, Mistake> {
        let line = self.line();
        let letters = match self.peek() {
            Some(Kind::Word(word)) => word.clone(),
            Some(Kind::Mark('.')) => String::new(),
            Some(Kind::Mark('-')) => {
                self.at += 1;
                return Ok(Flags::default());
            }
            _ => return self.unexpected("TCP flags"),
        };
        if ["icmp", "udp", "ipv4", "ipv6", "gre", "mpls"].contains(&letters.as_str()) {
            return Err((line, format!("packets of kind `{letters}` are not supported, only TCP")));
        }
        self.at += usize::from(!letters.is_empty());
        let mut flags = Flags::default();
        for letter in letters.chars() {
            match letter {
                'S' => flags.syn = true,
                'F' => flags.fin = true,
                'R' => flags.rst = true,
                'P' => flags.psh = true,
                'E' | 'W' | 'A' => {
                    return Err((line, format!("flag `{letter}` in `{letters}`: ECN is not supported")));
                }
                'U' => return Err((line, format!("flag `U` in `{letters}`: urgent data is not supported"))),
                _ => return Err((line, format!("unknown flag or packet kind `{letter}` in `{letters}`"))),
            }
        }
        flags.ack = self.accept('.');
        Ok(flags)
    }

    fn options(&mut self) -> Result<Option<Vec<TcpOption>>, Mistake> {
        let mut options = Vec::new();
        // A `<` after a packet opens its options: an event begins with a time, never with a mark.
        if !self.accept('<') {
            return Ok(Some(options));
        }
        if self.peek() == Some(&Kind::Ellipsis) {
            self.at += 1;
            self.expect('>')?;
            return Ok(None);
        }
        loop {
            options.push(self.option()?);
            if !self.accept(',') {
                break;
            }
        }
        self.expect('>')?;
        Ok(Some(options))
    }

    fn option(&mut self) -> Result<TcpOption, Mistake> {
        let line = self.line();
        match self.word("a TCP option")?.as_str() {
            "mss" => Ok(TcpOption::Mss(self.integer("a segment size")?)),
            "wscale" => Ok(TcpOption::WindowScale(self.integer("a shift count")?)),
            "sackOK" => Ok(TcpOption::SackPermitted),
            "nop" | "eol" => Ok(TcpOption::Padding),
            "sack" => {
                let mut blocks = Vec::new();
                while matches!(self.peek(), Some(Kind::Integer(_))) {
                    let left = self.integer("a left edge")?;
                    self.expect(':')?;
                    blocks.push((left, self.integer("a right edge")?));
                }
                if blocks.is_empty() || blocks.len() > 4 {
                    return Err((line, format!("one to four SACK blocks, found {}", blocks.len())));
                }
                Ok(TcpOption::Sack(blocks))
            }
            "TS" => {
                let value = if self.accept_word("val") { self.integer("a timestamp")? } else { 0 };
                let echo = if self.accept_word("ecr") { self.integer("a timestamp")? } else { 0 };
                Ok(TcpOption::Timestamps(value, echo))
            }
            other => Err((line, format!("TCP option `{other}` is not supported"))),
        }
    }

    fn call(&mut self, at: When) -> Result<Call, Mistake> {
        let line = self.line();
        let until = if self.peek() == Some(&Kind::Ellipsis) {
            self.at += 1;
            Some(self.seconds()?)
        } else {
            None
        };
        if let (Some(until), When::Absolute(from) | When::Relative(from)) = (until, at)
            && until < from
        {
            return Err((line, "the call ends before it begins".to_owned()));
        }
        let name = self.word("a system call")?;
        if !calls::KNOWN.contains(&name.as_str()) {
            return Err((line, format!("system call {name} is not supported")));
        }
        self.expect('(')?;
        let arguments = self.values(')')?;
        self.expect('=')?;
        let (result_line, result) = (self.line(), self.value()?);
        let Value::Number(result) = result else {
            return Err((result_line, format!("expected a number as the result of {name}")));
        };
        let errno = match self.peek() {
            Some(Kind::Word(word)) => {
                let word = word.clone();
                self.at += 1;
                Some(word)
            }
            _ => None,
        };
        if self.accept('(') {
            while !self.accept(')') {
                if self.next().is_none() {
                    return self.unexpected("`)` after a note");
                }
            }
        }
        Ok(Call { name, arguments, result, errno, until })
    }

    /// Values separated by commas up to `close`.
    fn values(&mut self, close: char) -> Result<Vec<Value>, Mistake> {
        let mut values = Vec::new();
        if self.accept(close) {
            return Ok(values);
        }
        loop {
            values.push(self.value()?);
            if self.accept(close) {
                return Ok(values);
            }
            self.expect(',')?;
        }
    }

    fn value(&mut self) -> Result<Value, Mistake> {
        let line = self.line();
        match self.peek().cloned() {
            Some(Kind::Ellipsis) => {
                self.at += 1;
                Ok(Value::Ellipsis)
            }
            Some(Kind::Integer(n)) => {
                self.at += 1;
                Ok(Value::Number(n))
            }
            Some(Kind::Text(text)) => {
                self.at += 1;
                Ok(Value::Text(text))
            }
            Some(Kind::Word(word)) => {
                self.at += 1;
                let mut words = vec![word];
                while self.accept('|') {
                    words.push(self.word("a symbol after `|`")?);
                }
                Ok(Value::Words(words))
            }
            Some(Kind::Mark('[')) => {
                self.at += 1;
                Ok(Value::List(self.values(']')?))
            }
            Some(Kind::Mark('{')) => {
                self.at += 1;
                if self.peek() == Some(&Kind::Ellipsis) {
                    return Ok(Value::List(self.values('}')?));
                }
                let mut fields = Vec::new();
                loop {
                    let name = self.word("a field name")?;
                    self.expect('=')?;
                    fields.push((name, self.value()?));
                    if self.accept('}') {
                        return Ok(Value::Fields(fields));
                    }
                    self.expect(',')?;
                }
            }
            Some(other) => Err((line, format!("an argument cannot begin with {other}"))),
            None => self.unexpected("an argument"),
        }
    }
}

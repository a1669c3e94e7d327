//! The text of a query to its segments, by the grammar of RFC 9535.

use super::query::{Comparison, Operand, Query, Segment, Selector, Test};
use serde_json::Value;

/// Or the byte up to which the text could be a query.
type Parsed<T> = Result<T, usize>;

/// The largest integer that JSON carries everywhere (RFC 7493).
const MAX_INTEGER: i64 = (1 << 53) - 1;

pub(super) fn parse(text: &str) -> Parsed<Vec<Segment>> {
    let mut parser = Parser { text, at: 0 };
    parser.expect("$")?;
    let segments = parser.segments()?;
    if parser.at < text.len() { Err(parser.at) } else { Ok(segments) }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

/// What a function returns.
enum Call {
    Test(Test),
    Operand(Operand),
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, token: &str) -> bool {
        let is_next = self.rest().starts_with(token);
        if is_next {
            self.at += token.len();
        }
        is_next
    }

    fn expect(&mut self, token: &str) -> Parsed<()> {
        if self.take(token) { Ok(()) } else { Err(self.at) }
    }

    fn take_while(&mut self, is_meant: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !is_meant(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn blank(&mut self) {
        self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
    }

    /// A token that blanks may precede; without it, they are left.
    fn take_after_blank(&mut self, token: &str) -> bool {
        let before = self.at;
        self.blank();
        let is_next = self.take(token);
        if !is_next {
            self.at = before;
        }
        is_next
    }

    fn segments(&mut self) -> Parsed<Vec<Segment>> {
        let mut segments = Vec::new();
        loop {
            let before = self.at;
            self.blank();
            let descends = self.take("..");
            let selectors = if self.take("[") {
                self.bracketed()?
            } else if descends || self.take(".") {
                vec![self.shorthand()?]
            } else {
                self.at = before;
                return Ok(segments);
            };
            segments.push(Segment { descends, selectors });
        }
    }

    /// What stands after a dot.
    fn shorthand(&mut self) -> Parsed<Selector> {
        let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
        match self.next() {
            Some('*') => {
                self.at += 1;
                Ok(Selector::Wildcard)
            }
            Some(c) if is_first(c) => {
                let name = self.take_while(|c| is_first(c) || c.is_ascii_digit());
                Ok(Selector::Name(name.to_owned()))
            }
            _ => Err(self.at),
        }
    }

    /// What stands between brackets, of which the first is behind us.
    fn bracketed(&mut self) -> Parsed<Vec<Selector>> {
        let mut selectors = Vec::new();
        loop {
            self.blank();
            selectors.push(self.selector()?);
            self.blank();
            if !self.take(",") {
                self.expect("]")?;
                return Ok(selectors);
            }
        }
    }

    fn selector(&mut self) -> Parsed<Selector> {
        match self.next() {
            Some('\'' | '"') => Ok(Selector::Name(self.string()?)),
            Some('*') => {
                self.at += 1;
                Ok(Selector::Wildcard)
            }
            Some('?') => {
                self.at += 1;
                self.blank();
                Ok(Selector::Filter(self.any()?))
            }
            _ => self.positions(),
        }
    }

    /// An index or a slice.
    fn positions(&mut self) -> Parsed<Selector> {
        let start = self.integer()?;
        if !self.take_after_blank(":") {
            return start.map(Selector::Index).ok_or(self.at);
        }
        self.blank();
        let end = self.integer()?;
        let mut step = None;
        if self.take_after_blank(":") {
            self.blank();
            step = self.integer()?;
        }
        Ok(Selector::Slice { start, end, step: step.unwrap_or(1) })
    }

    fn integer(&mut self) -> Parsed<Option<i64>> {
        let start = self.at;
        let minus = self.take("-");
        let digits = self.take_while(|c| c.is_ascii_digit());
        if digits.is_empty() && !minus {
            return Ok(None);
        }
        let is_canonical = digits == "0" && !minus || !digits.starts_with('0');
        match digits.parse::<i64>() {
            Ok(number) if is_canonical && number <= MAX_INTEGER => {
                Ok(Some(if minus { -number } else { number }))
            }
            _ => Err(start),
        }
    }

    /// A text in quotes.
    fn string(&mut self) -> Parsed<String> {
        let quote = if self.take("'") { '\'' } else { '"' };
        if quote == '"' {
            self.expect("\"")?;
        }
        let mut string = String::new();
        loop {
            string.push_str(self.take_while(|c| c >= ' ' && c != quote && c != '\\'));
            match self.next() {
                Some('\\') => string.push(self.escaped(quote)?),
                Some(c) if c == quote => {
                    self.at += 1;
                    return Ok(string);
                }
                _ => return Err(self.at),
            }
        }
    }

    /// A character that is written with a backslash, which stands before us.
    fn escaped(&mut self, quote: char) -> Parsed<char> {
        let start = self.at;
        self.at += 1;
        let letter = self.next().ok_or(start)?;
        self.at += letter.len_utf8();
        match letter {
            'b' => Ok('\u{8}'),
            'f' => Ok('\u{c}'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            '/' | '\\' => Ok(letter),
            'u' => self.code_point().ok_or(start),
            _ if letter == quote => Ok(letter),
            _ => Err(start),
        }
    }

    /// Four digits, or twice four: a character beyond them is written as two surrogates.
    fn code_point(&mut self) -> Option<char> {
        let first = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        if !self.take("\\u") {
            return None;
        }
        let second = self.four_digits()?.checked_sub(0xdc00).filter(|it| *it < 0x400)?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + second)
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| all)?;
        self.at += 4;
        Some(number)
    }

    /// Tests with `||` between them.
    fn any(&mut self) -> Parsed<Test> {
        let first = self.all()?;
        let mut tests = vec![first];
        while self.take_after_blank("||") {
            self.blank();
            tests.push(self.all()?);
        }
        Ok(Test::Any(tests))
    }

    /// Tests with `&&` between them.
    fn all(&mut self) -> Parsed<Test> {
        let first = self.test()?;
        let mut tests = vec![first];
        while self.take_after_blank("&&") {
            self.blank();
            tests.push(self.test()?);
        }
        Ok(Test::All(tests))
    }

    fn test(&mut self) -> Parsed<Test> {
        let negated = self.take("!");
        if negated {
            self.blank();
        }
        let test = if self.take("(") {
            self.blank();
            let test = self.any()?;
            self.blank();
            self.expect(")")?;
            test
        } else {
            self.single(negated)?
        };
        Ok(if negated { Test::Not(Box::new(test)) } else { test })
    }

    /// A comparison or, which alone can be negated without parentheses, a query or a call.
    fn single(&mut self, negated: bool) -> Parsed<Test> {
        let start = self.at;
        let left = if matches!(self.next(), Some('@' | '$')) {
            let query = self.query()?;
            let before = self.at;
            if negated || self.comparison().is_none() {
                return Ok(Test::Exists(query));
            }
            self.at = before;
            singular(query, start)?
        } else {
            match self.call()? {
                Some(Call::Test(test)) => return Ok(test),
                Some(Call::Operand(operand)) => operand,
                None => self.literal()?,
            }
        };
        if negated {
            return Err(start);
        }
        let comparison = self.comparison().ok_or(self.at)?;
        Ok(Test::Compare(left, comparison, self.operand()?))
    }

    /// An operator and the blanks around it.
    fn comparison(&mut self) -> Option<Comparison> {
        // Of two that begin alike, the longer one first.
        let operators = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let (_, comparison) = operators.into_iter().find(|(it, _)| self.take_after_blank(it))?;
        self.blank();
        Some(comparison)
    }

    fn query(&mut self) -> Parsed<Query> {
        let relative = self.take("@");
        if !relative {
            self.expect("$")?;
        }
        Ok(Query { relative, segments: self.segments()? })
    }

    fn operand(&mut self) -> Parsed<Operand> {
        let start = self.at;
        if matches!(self.next(), Some('@' | '$')) {
            return singular(self.query()?, start);
        }
        match self.call()? {
            Some(Call::Operand(operand)) => Ok(operand),
            Some(Call::Test(_)) => Err(start),
            None => self.literal(),
        }
    }

    /// A call of a function, if one is here.
    fn call(&mut self) -> Parsed<Option<Call>> {
        let start = self.at;
        let name = self.take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if name.is_empty() || !self.take("(") {
            self.at = start;
            return Ok(None);
        }
        self.blank();
        let call = match name {
            "length" => Call::Operand(Operand::Length(Box::new(self.operand()?))),
            "count" => Call::Operand(Operand::Count(self.query()?)),
            "value" => Call::Operand(Operand::Value(self.query()?)),
            "match" | "search" => {
                let text = self.operand()?;
                self.blank();
                self.expect(",")?;
                self.blank();
                let pattern = self.operand()?;
                Call::Test(Test::Matches { text, pattern, whole: name == "match" })
            }
            _ => return Err(start),
        };
        self.blank();
        self.expect(")")?;
        Ok(Some(call))
    }

    fn literal(&mut self) -> Parsed<Operand> {
        let start = self.at;
        if matches!(self.next(), Some('\'' | '"')) {
            return Ok(Operand::Literal(Value::String(self.string()?)));
        }
        // The rest is written as in JSON.
        let word = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.'));
        serde_json::from_str(word).map(Operand::Literal).map_err(|_| start)
    }
}

/// Only a query that leads to one place at most can be compared.
fn singular(query: Query, start: usize) -> Parsed<Operand> {
    if query.is_singular() { Ok(Operand::Value(query)) } else { Err(start) }
}

//! A Rust tokenizer just good enough to tell code from strings and comments, with line numbers.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or keyword.
    Ident,
    /// One character of punctuation.
    Punct,
    /// A string literal of any form, quotes included.
    Text,
    /// A character or byte literal, a number, or a lifetime: nothing a rule looks into.
    Other,
}

/// A token's place in its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// First byte.
    pub(crate) start: usize,
    /// Byte after the last.
    pub(crate) end: usize,
    /// Line of the first byte, from 1.
    pub(crate) line: usize,
}

/// The tokens of one file, and its comments beside them.
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    /// Everything that is compiled, in order.
    pub(crate) tokens: Vec<Token>,
    /// Comments, documentation included, in order; `kind` is [`Kind::Other`].
    pub(crate) comments: Vec<Token>,
}

impl Lexed {
    /// Splits `text`; never fails, because what rustc refuses is rustc's to report.
    pub(crate) fn new(text: &str) -> Self {
        let mut lexed = Self::default();
        let mut cursor = Cursor {
            bytes: text.as_bytes(),
            at: 0,
            line: 1,
        };
        while let Some(token) = cursor.next(&mut lexed.comments) {
            lexed.tokens.push(token);
        }
        lexed
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl Cursor<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        let at = self.at.saturating_add(ahead);
        self.bytes.get(at).copied().unwrap_or(0)
    }

    fn done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn step(&mut self) {
        if self.peek(0) == b'\n' {
            self.line += 1;
        }
        self.at += 1;
    }

    fn next(&mut self, comments: &mut Vec<Token>) -> Option<Token> {
        loop {
            while !self.done() && self.peek(0).is_ascii_whitespace() {
                self.step();
            }
            if self.done() {
                return None;
            }
            let (start, line) = (self.at, self.line);
            let Some(kind) = self.advance() else {
                comments.push(Token {
                    kind: Kind::Other,
                    start,
                    end: self.at,
                    line,
                });
                continue;
            };
            return Some(Token {
                kind,
                start,
                end: self.at,
                line,
            });
        }
    }

    /// Moves over one token or comment; a comment is `None`.
    fn advance(&mut self) -> Option<Kind> {
        match (self.peek(0), self.peek(1)) {
            (b'/', b'/') => {
                while !self.done() && self.peek(0) != b'\n' {
                    self.step();
                }
                None
            }
            (b'/', b'*') => {
                self.block_comment();
                None
            }
            (b'"', _) => Some(self.string()),
            (b'b' | b'c', b'"') => {
                self.step();
                Some(self.string())
            }
            (b'b', b'\'') => {
                self.step();
                Some(self.quote())
            }
            (b'\'', _) => Some(self.quote()),
            (b'r', b'"' | b'#') | (b'b' | b'c', b'r') => Some(self.raw_or_word()),
            (b, _) if is_word(b) => Some(self.word()),
            _ => {
                self.step();
                Some(Kind::Punct)
            }
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while !self.done() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.step();
                }
                (b'*', b'/') => {
                    depth = depth.saturating_sub(1);
                    self.step();
                }
                _ => {}
            }
            self.step();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) -> Kind {
        self.step();
        while !self.done() && self.peek(0) != b'"' {
            if self.peek(0) == b'\\' {
                self.step();
            }
            self.step();
        }
        self.step();
        Kind::Text
    }

    /// A raw string, a raw identifier, or a word that merely begins with `r`, `br` or `cr`.
    fn raw_or_word(&mut self) -> Kind {
        let prefix = if self.peek(0) == b'r' { 1 } else { 2 };
        let mut hashes = 0;
        while self.peek(prefix + hashes) == b'#' {
            hashes += 1;
        }
        if self.peek(prefix + hashes) != b'"' {
            if hashes == 1 {
                self.step();
                self.step();
            }
            return self.word();
        }
        for _ in 0..=(prefix + hashes) {
            self.step();
        }
        while !self.done() {
            let closed = self.peek(0) == b'"' && (1..=hashes).all(|i| self.peek(i) == b'#');
            self.step();
            if closed {
                break;
            }
        }
        for _ in 0..hashes {
            self.step();
        }
        Kind::Text
    }

    /// A character literal or a lifetime, both beginning with an apostrophe.
    fn quote(&mut self) -> Kind {
        self.step();
        if self.peek(0) == b'\\' {
            self.step();
            self.step();
            while !self.done() && self.peek(0) != b'\'' {
                self.step();
            }
            self.step();
            return Kind::Other;
        }
        let width = match self.peek(0) {
            0xF0.. => 4,
            0xE0.. => 3,
            0xC0.. => 2,
            _ => 1,
        };
        if self.peek(width) == b'\'' {
            for _ in 0..=width {
                self.step();
            }
            return Kind::Other;
        }
        while is_word(self.peek(0)) {
            self.step();
        }
        Kind::Other
    }

    fn word(&mut self) -> Kind {
        let number = self.peek(0).is_ascii_digit();
        while is_word(self.peek(0))
            || (number && self.peek(0) == b'.' && self.peek(1).is_ascii_digit())
        {
            self.step();
        }
        if number { Kind::Other } else { Kind::Ident }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let lexed = Lexed::new(text);
        lexed.tokens.iter().map(|t| &text[t.start..t.end]).collect()
    }

    #[test]
    fn strings_and_comments_are_not_code() {
        let text = r###"let a = "x; // no"; // yes "b"
/* /* nested */ still */ let b = r#"raw " inside"#; let c = b"\"";"###;
        assert_eq!(
            words(text),
            [
                "let",
                "a",
                "=",
                "\"x; // no\"",
                ";",
                "let",
                "b",
                "=",
                "r#\"raw \" inside\"#",
                ";",
                "let",
                "c",
                "=",
                "b\"\\\"\"",
                ";"
            ]
        );
        assert_eq!(Lexed::new(text).comments.len(), 2);
    }

    #[test]
    fn lifetimes_and_characters_are_told_apart() {
        assert_eq!(
            words("fn f<'a>(x: &'a str) { '봉'; '\\''; 'x'; b'y'; r#type }")[2..5],
            ["<", "'a", ">"]
        );
        let text = "'봉' '\\'' '\\u{1F525}' b'\"' r#type 1.5 0..9";
        let read = [
            "'봉'",
            "'\\''",
            "'\\u{1F525}'",
            "b'\"'",
            "r#type",
            "1.5",
            "0",
            ".",
            ".",
            "9",
        ];
        assert_eq!(words(text), read);
    }

    #[test]
    fn lines_are_counted_through_long_strings() {
        let lexed = Lexed::new("a\n\"x\ny\"\nb");
        let lines: Vec<usize> = lexed.tokens.iter().map(|t| t.line).collect();
        assert_eq!(lines, [1, 2, 4]);
    }
}

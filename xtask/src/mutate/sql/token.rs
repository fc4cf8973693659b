//! SQL as a row of tokens, which is all that finding and changing one predicate takes. No parser: what a change makes of a
//! statement, PostgreSQL judges.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name or a keyword.
    Word,
    Number,
    /// In single quotes.
    Text,
    /// Between dollar quotes: the body of a function.
    Body,
    /// An operator, or one character of punctuation.
    Sign,
}

/// A piece of a text, without what is between them: space and comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    /// Where it is in the text.
    pub at: Range<usize>,
}

impl Token {
    /// The characters that it stands for.
    pub fn text<'sql>(&self, sql: &'sql str) -> &'sql str {
        &sql[self.at.clone()]
    }
}

/// The tokens of a text, in order.
pub fn tokens(sql: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some((skipped, kind, length)) = next(&sql[at..]) {
        at += skipped;
        tokens.push(Token { kind, at: at..at + length });
        at += length;
    }
    tokens
}

/// What lies before the next token, what it is, and how long.
fn next(rest: &str) -> Option<(usize, Kind, usize)> {
    let mut skipped = 0;
    loop {
        let here = &rest[skipped..];
        let first = here.chars().next()?;
        if first.is_whitespace() {
            skipped += first.len_utf8();
        } else if here.starts_with("--") {
            skipped += here.find('\n').unwrap_or(here.len());
        } else if here.starts_with("/*") {
            skipped += here.find("*/").map_or(here.len(), |end| end + 2);
        } else {
            let (kind, length) = one(here, first);
            return Some((skipped, kind, length));
        }
    }
}

/// The token that a text begins with.
fn one(here: &str, first: char) -> (Kind, usize) {
    const OPERATOR: &str = "+-*/<>=~!@#%^&|?:";
    let run = |belongs: &dyn Fn(char) -> bool| here.find(|c| !belongs(c)).unwrap_or(here.len());
    if let Some(tag) = dollar_quote(here) {
        let end = here[tag..].find(&here[..tag]).map_or(here.len(), |end| tag + end + tag);
        return (Kind::Body, end);
    }
    if let Some(quoted) = here.strip_prefix(['E', 'e']).filter(|rest| rest.starts_with('\'')) {
        return (Kind::Text, 1 + end_of_text(quoted, true));
    }
    match first {
        '\'' => (Kind::Text, end_of_text(here, false)),
        '"' => (Kind::Word, here[1..].find('"').map_or(here.len(), |end| end + 2)),
        _ if first.is_alphabetic() || first == '_' => {
            (Kind::Word, run(&|c| c.is_alphanumeric() || c == '_' || c == '$'))
        }
        _ if first.is_ascii_digit() => (Kind::Number, run(&|c| c.is_ascii_digit() || c == '.')),
        _ if OPERATOR.contains(first) => {
            let length = run(&|c| OPERATOR.contains(c));
            // A comment ends an operator.
            (Kind::Sign, here[..length].find("--").unwrap_or(length))
        }
        _ => (Kind::Sign, first.len_utf8()),
    }
}

/// The length of `$$` or `$name$` at the beginning of a text.
fn dollar_quote(here: &str) -> Option<usize> {
    let name = here.strip_prefix('$')?;
    let end = name.find('$')?;
    name[..end].chars().all(|c| c.is_alphanumeric() || c == '_').then_some(end + 2)
}

/// The length of a text in quotes; a doubled quote is none, and with `escapes` neither is one after a backslash.
fn end_of_text(here: &str, escapes: bool) -> usize {
    let mut characters = here.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        let next_is_quote = characters.peek().is_some_and(|(_, next)| *next == '\'');
        if (character == '\'' && next_is_quote) || (escapes && character == '\\') {
            characters.next();
        } else if character == '\'' {
            return at + 1;
        }
    }
    here.len()
}

#[cfg(test)]
mod tests {
    use super::{Kind, tokens};

    fn read(sql: &str) -> Vec<&str> {
        tokens(sql).iter().map(|token| token.text(sql)).collect()
    }

    #[test]
    fn words_numbers_and_signs_are_told_apart() {
        assert_eq!(
            read("a.b<=10 and c->>'x' <> 1.5::text; x := y[2:];"),
            [
                "a", ".", "b", "<=", "10", "and", "c", "->>", "'x'", "<>", "1.5", "::", "text", ";", "x", ":=", "y",
                "[", "2", ":", "]", ";"
            ]
        );
    }

    #[test]
    fn what_stands_in_quotes_is_one_token_whatever_it_holds() {
        assert_eq!(read("'it''s; --' \"odd name\" E'a\\'b'"), ["'it''s; --'", "\"odd name\"", "E'a\\'b'"]);
        assert_eq!(read("as $$ select 'a;' $$;"), ["as", "$$ select 'a;' $$", ";"]);
        assert_eq!(read("$body$ $$ $body$ x"), ["$body$ $$ $body$", "x"]);
        assert_eq!(tokens("$$ x $$")[0].kind, Kind::Body);
    }

    #[test]
    fn comments_are_no_tokens() {
        assert_eq!(read("a -- if b; then\n/* where c */ d"), ["a", "d"]);
    }

    #[test]
    fn what_ends_too_early_ends_with_the_text() {
        for sql in ["'open", "$$ open", "/* open", "\"open", "E'open\\"] {
            tokens(sql);
        }
    }
}

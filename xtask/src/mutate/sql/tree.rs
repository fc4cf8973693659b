//! Tokens in groups: what stands in parentheses, and what a `case` or a block of PL/pgSQL holds until its `end`.

use std::ops::Range;

use super::token::{Kind, Token};

/// What opens a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    Parenthesis,
    Case,
    Block,
}

/// A token, or a group of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Leaf(Token),
    Group {
        opening: Opening,
        inner: Vec<Node>,
        /// With what opens and closes it.
        at: Range<usize>,
    },
}

impl Node {
    /// Where it is in the text.
    pub fn at(&self) -> Range<usize> {
        match self {
            Self::Leaf(token) => token.at.clone(),
            Self::Group { at, .. } => at.clone(),
        }
    }

    /// The characters, if it is a word or a sign.
    pub fn word<'sql>(&self, sql: &'sql str) -> Option<&'sql str> {
        match self {
            Self::Leaf(token) if matches!(token.kind, Kind::Word | Kind::Sign) => Some(token.text(sql)),
            _ => None,
        }
    }
}

/// Puts tokens in groups. What is not closed ends with the text.
pub fn tree(sql: &str, tokens: &[Token]) -> Vec<Node> {
    let mut open: Vec<(Opening, usize, Vec<Node>)> = Vec::new();
    let mut nodes = Vec::new();
    for (number, token) in tokens.iter().enumerate() {
        let word = token.text(sql);
        let before = number.checked_sub(1).map(|before| tokens[before].text(sql));
        let after = tokens.get(number + 1).map(|after| after.text(sql));
        let opening = match word {
            "(" | "[" => Some(Opening::Parenthesis),
            "case" if before != Some("end") => Some(Opening::Case),
            "begin" => Some(Opening::Block),
            _ => None,
        };
        if let Some(opening) = opening {
            open.push((opening, token.at.start, std::mem::take(&mut nodes)));
            continue;
        }
        let closes = match word {
            ")" | "]" => true,
            // `end if` and `end loop` end what is no group here.
            "end" => !matches!(after, Some("if" | "loop")),
            _ => false,
        };
        match open.last().filter(|_| closes) {
            Some(_) => close(&mut open, &mut nodes, token.at.end),
            None => nodes.push(Node::Leaf(token.clone())),
        }
    }
    let end = tokens.last().map_or(0, |token| token.at.end);
    while !open.is_empty() {
        close(&mut open, &mut nodes, end);
    }
    nodes
}

fn close(open: &mut Vec<(Opening, usize, Vec<Node>)>, nodes: &mut Vec<Node>, end: usize) {
    let Some((opening, start, mut outer)) = open.pop() else { return };
    outer.push(Node::Group { opening, inner: std::mem::take(nodes), at: start..end });
    *nodes = outer;
}

#[cfg(test)]
mod tests {
    use super::{Node, tree};
    use crate::mutate::sql::token::tokens;

    fn shown(sql: &str) -> String {
        fn show(sql: &str, nodes: &[Node]) -> String {
            let one = |node: &Node| match node {
                Node::Leaf(token) => token.text(sql).to_owned(),
                Node::Group { opening, inner, .. } => format!("{opening:?}<{}>", show(sql, inner)),
            };
            nodes.iter().map(one).collect::<Vec<_>>().join(" ")
        }
        show(sql, &tree(sql, &tokens(sql)))
    }

    #[test]
    fn parentheses_cases_and_blocks_are_groups() {
        assert_eq!(shown("a (b (c)) d"), "a Parenthesis<b Parenthesis<c>> d");
        assert_eq!(shown("x := case when a then b end or c"), "x := Case<when a then b> or c");
        assert_eq!(
            shown("begin if a then b; end if; case c when d then e; end case; end; f"),
            "Block<if a then b ; end if ; Case<c when d then e ;> case ;> ; f"
        );
    }

    #[test]
    fn what_is_never_closed_ends_with_the_text() {
        assert_eq!(shown("a (b case c"), "a Parenthesis<b Case<c>>");
        assert_eq!(shown("a ) b"), "a ) b");
    }
}

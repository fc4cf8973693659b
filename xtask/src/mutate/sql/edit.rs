//! The ways in which a body, a policy or a check can be broken in one place.

use std::ops::Range;

use super::{
    token::{Kind, Token, tokens},
    tree::{Node, Opening, tree},
};

/// One change of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub at: Range<usize>,
    /// By what.
    pub with: String,
    /// In words.
    pub what: String,
}

impl Edit {
    /// The text with the change in it.
    pub fn of(&self, sql: &str) -> String {
        format!("{}{}{}", &sql[..self.at.start], self.with, &sql[self.at.end..])
    }
}

/// What a text is, which says what may be changed in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The body of a function.
    Body,
    /// A policy, a trigger or a check constraint: only what stands in the parentheses of its condition.
    Condition,
}

/// All changes of a text, in its order.
pub fn edits(sql: &str, role: Role) -> Vec<Edit> {
    let tokens = tokens(sql);
    let mut edits = Edits { sql, role, found: Vec::new() };
    // The words of a statement itself are none of a condition.
    let lead = if role == Role::Body { "(" } else { "create" };
    edits.sequence(&tree(sql, &tokens), lead, false);
    if role == Role::Body {
        edits.locks(&tokens);
        edits.performs(&tokens);
        edits.limits(&tokens);
        edits.constants(&tokens);
    }
    let mut found = edits.found;
    found.sort_by_key(|edit| edit.at.start);
    number_the_repeated(&mut found);
    found
}

/// Two changes of the same words are told apart by a number.
fn number_the_repeated(edits: &mut [Edit]) {
    let words: Vec<String> = edits.iter().map(|edit| edit.what.clone()).collect();
    for (number, edit) in edits.iter_mut().enumerate() {
        let earlier = words[..number].iter().filter(|what| **what == edit.what).count();
        if earlier > 0 {
            edit.what = format!("{} ({})", edit.what, earlier + 1);
        }
    }
}

/// What begins a condition.
const CONDITIONS: [&str; 7] = ["where", "if", "elsif", "when", "on", "having", "while"];

/// What ends one, and begins something else.
const BOUNDARIES: [&str; 36] = [
    "then",
    "loop",
    ";",
    ",",
    "group",
    "order",
    "limit",
    "offset",
    "returning",
    "union",
    "intersect",
    "except",
    "window",
    "for",
    "join",
    "left",
    "right",
    "inner",
    "cross",
    "full",
    "into",
    "set",
    "else",
    "from",
    "select",
    "do",
    ":=",
    "return",
    "execute",
    "perform",
    "values",
    "as",
    "filter",
    "=>",
    "using",
    "check",
];

struct Edits<'sql> {
    sql: &'sql str,
    role: Role,
    found: Vec<Edit>,
}

impl<'sql> Edits<'sql> {
    /// A row of nodes: its conditions, and those in its groups. `lead` is the word that it begins after; `values` says that
    /// `when` is followed by a value.
    fn sequence(&mut self, nodes: &[Node], mut lead: &'sql str, values: bool) {
        let mut start = 0;
        for number in 0..=nodes.len() {
            let word = nodes.get(number).map(|node| node.word(self.sql));
            let before = number.checked_sub(1).and_then(|before| nodes[before].word(self.sql));
            let boundary = match word {
                None => true,
                Some(Some("from")) => before != Some("distinct"),
                Some(Some("if")) => before != Some("end"),
                Some(Some(word)) => CONDITIONS.contains(&word) || BOUNDARIES.contains(&word),
                Some(None) => false,
            };
            if boundary {
                let after = nodes.get(start).and_then(|node| node.word(self.sql));
                self.segment(&nodes[start..number], lead, after, values);
                lead = word.flatten().unwrap_or("(");
                start = number + 1;
            }
        }
        for (number, node) in nodes.iter().enumerate() {
            if let Node::Group { opening, inner, .. } = node {
                let before = number.checked_sub(1).and_then(|before| nodes[before].word(self.sql));
                let is_condition = self.role == Role::Condition && matches!(before, Some("using" | "check"));
                let first = inner.first().and_then(|node| node.word(self.sql));
                let values = *opening == Opening::Case && first != Some("when");
                self.sequence(inner, if is_condition { "where" } else { "(" }, values);
            }
        }
    }

    /// What lies between two boundaries.
    fn segment(&mut self, nodes: &[Node], lead: &str, first: Option<&str>, values: bool) {
        let operators = self.operators(nodes);
        let condition = match lead {
            "when" => !values && !self.is_exception(nodes),
            "on" => !matches!(first, Some("conflict" | "delete" | "update")),
            "(" | ":=" | "return" | "select" => !operators.is_empty(),
            _ => CONDITIONS.contains(&lead),
        };
        // In a policy or a trigger, `on` is followed by a table.
        if condition && !nodes.is_empty() && !(self.role == Role::Condition && lead == "on") {
            self.condition(nodes, lead);
        }
    }

    /// Names of exceptions follow a `when`, too.
    fn is_exception(&self, nodes: &[Node]) -> bool {
        let name = |word: &str| {
            ["_violation", "_exception", "_value", "_available"].iter().any(|end| word.ends_with(end))
                || ["or", "others"].contains(&word)
        };
        nodes.iter().all(|node| node.word(self.sql).is_some_and(name))
    }

    /// Where the words `and` and `or` stand that join predicates: not that of `between … and …`.
    fn operators(&self, nodes: &[Node]) -> Vec<(usize, &'sql str)> {
        let mut between = false;
        let mut operators = Vec::new();
        for (number, node) in nodes.iter().enumerate() {
            match node.word(self.sql) {
                Some("between") => between = true,
                Some("and") if between => between = false,
                Some(word @ ("and" | "or")) => operators.push((number, word)),
                _ => {}
            }
        }
        operators
    }

    fn condition(&mut self, nodes: &[Node], lead: &str) {
        if let [Node::Group { opening: Opening::Parenthesis, inner, .. }] = nodes {
            // The parentheses may have to stay. What is joined in them is found with the group itself.
            if self.operators(inner).is_empty() && !inner.is_empty() {
                self.bare(inner, lead);
            }
            return;
        }
        let operators = self.operators(nodes);
        if operators.is_empty() {
            self.bare(nodes, lead);
            return;
        }
        if ["if", "elsif", "while"].contains(&lead) {
            self.replace(nodes, "false", "never");
        }
        let ors = operators.iter().filter(|(_, word)| *word == "or").map(|(number, _)| *number);
        let alternatives = split(nodes, ors);
        for alternative in &alternatives {
            let operators = self.operators(alternative);
            let parts = split(alternative, operators.iter().map(|(number, _)| *number));
            if parts.len() > 1 {
                for part in parts {
                    self.predicate(part);
                    self.replace(part, "true", "taken away");
                }
            }
            if alternatives.len() > 1 {
                if operators.is_empty() {
                    self.predicate(alternative);
                }
                self.replace(alternative, "false", "taken away");
            }
        }
    }

    /// A condition that is one predicate.
    fn bare(&mut self, nodes: &[Node], lead: &str) {
        self.predicate(nodes);
        if ["if", "elsif", "when", "while"].contains(&lead) && self.role == Role::Body {
            self.replace(nodes, "true", "always");
            self.replace(nodes, "false", "never");
        } else {
            self.replace(nodes, "true", "taken away");
        }
    }

    /// The bounds in a predicate.
    fn predicate(&mut self, nodes: &[Node]) {
        let text = self.text(nodes);
        // A bound that is a moment is hit by nobody.
        let is_of_time =
            ["clock_timestamp", "now(", "moment", "_at", "until", "interval"].iter().any(|word| text.contains(word));
        for (number, node) in nodes.iter().enumerate() {
            let Node::Leaf(token) = node else { continue };
            let before = number.checked_sub(1).and_then(|before| nodes[before].word(self.sql));
            let other = match token.text(self.sql) {
                "<" => "<=".to_owned(),
                "<=" => "<".to_owned(),
                ">" => ">=".to_owned(),
                ">=" => ">".to_owned(),
                _ if token.kind == Kind::Number && matches!(before, Some("and" | "<" | "<=" | ">" | ">=")) => {
                    ten_times(token.text(self.sql))
                }
                _ if token.kind == Kind::Number && before == Some("between") => "0".to_owned(),
                _ => continue,
            };
            if other != token.text(self.sql) && !(is_of_time && token.kind == Kind::Sign) {
                let what = format!("`{}`: {} is {other}", shortened(&text), token.text(self.sql));
                self.found.push(Edit { at: token.at.clone(), with: other, what });
            }
        }
    }

    fn text(&self, nodes: &[Node]) -> String {
        self.sql[range(nodes)].to_owned()
    }

    fn replace(&mut self, nodes: &[Node], with: &str, how: &str) {
        let what = format!("`{}` {how}", shortened(&self.text(nodes)));
        self.found.push(Edit { at: range(nodes), with: with.into(), what });
    }

    /// `for update`, `for no key update skip locked`, …
    fn locks(&mut self, tokens: &[Token]) {
        let words: Vec<&str> = tokens.iter().map(|token| token.text(self.sql)).collect();
        for at in 0..words.len() {
            let strength = match &words[at..] {
                ["for", "update" | "share", ..] => 2,
                ["for", "key", "share", ..] => 3,
                ["for", "no", "key", "update", ..] => 4,
                _ => continue,
            };
            let mut end = at + strength;
            if words.get(end) == Some(&"of") {
                end += 2;
            }
            let waits = match &words[end.min(words.len())..] {
                ["skip", "locked", ..] => 2,
                ["nowait", ..] => 1,
                _ => 0,
            };
            if waits > 0 {
                self.take_away(tokens[end].at.start..tokens[end + waits - 1].at.end, "");
            }
            self.take_away(tokens[at].at.start..tokens[end + waits - 1].at.end, "");
        }
    }

    /// Calls for their effect: locks among others. A refusal is not one of them: its condition is tried.
    fn performs(&mut self, tokens: &[Token]) {
        let words: Vec<&str> = tokens.iter().map(|token| token.text(self.sql)).collect();
        for at in 0..words.len() {
            if words[at] != "perform" || words[at..].starts_with(&["perform", "private", ".", "refuse", "("]) {
                continue;
            }
            if let Some(length) = words[at..].iter().position(|word| *word == ";") {
                self.take_away(tokens[at].at.start..tokens[at + length - 1].at.end, "null");
            }
        }
    }

    fn limits(&mut self, tokens: &[Token]) {
        for pair in tokens.windows(2) {
            if pair[0].text(self.sql) == "limit" && matches!(pair[1].kind, Kind::Word | Kind::Number) {
                self.take_away(pair[0].at.start..pair[1].at.end, "");
            }
        }
    }

    /// `constant integer := 5` and `constant interval := '60 seconds'`.
    fn constants(&mut self, tokens: &[Token]) {
        let words: Vec<&str> = tokens.iter().map(|token| token.text(self.sql)).collect();
        for at in 0..words.len().saturating_sub(4) {
            let ["constant", _, ":=", value, ";"] = words[at..at + 5] else { continue };
            let digits: String = value.chars().skip_while(|c| *c == '\'').take_while(char::is_ascii_digit).collect();
            if digits.is_empty() {
                continue;
            }
            let with = value.replacen(&digits, &ten_times(&digits), 1);
            let name = at.checked_sub(1).map_or("", |before| words[before]);
            let what = format!("`{name}`: {value} is {with}");
            self.found.push(Edit { at: tokens[at + 3].at.clone(), with, what });
        }
    }

    fn take_away(&mut self, at: Range<usize>, with: &str) {
        let what = format!("`{}` taken away", shortened(&self.sql[at.clone()]));
        self.found.push(Edit { at, with: with.into(), what });
    }
}

fn range(nodes: &[Node]) -> Range<usize> {
    let start = nodes.first().map_or(0, |node| node.at().start);
    start..nodes.last().map_or(start, |node| node.at().end)
}

fn split(nodes: &[Node], at: impl Iterator<Item = usize>) -> Vec<&[Node]> {
    let mut parts = Vec::new();
    let mut start = 0;
    for at in at {
        parts.push(&nodes[start..at]);
        start = at + 1;
    }
    parts.push(&nodes[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

fn ten_times(number: &str) -> String {
    if number == "0" { "10".into() } else { format!("{number}0") }
}

/// On one line, and not too long for a list.
pub fn shortened(text: &str) -> String {
    const LONGEST: usize = 100;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    let beginning: String = line.chars().take(LONGEST - 2).collect();
    format!("{beginning} …")
}

#[cfg(test)]
mod tests {
    use super::{Role, edits, shortened};

    fn of(sql: &str, role: Role) -> Vec<String> {
        edits(sql, role).into_iter().map(|edit| edit.what).collect()
    }

    fn in_body(sql: &str) -> Vec<String> {
        of(sql, Role::Body)
    }

    #[test]
    fn each_predicate_of_a_where_is_taken_away_in_the_way_that_changes_no_other() {
        let sql = "select into a where b = 1 and (c or d is null) and e between 2 and 3 for update skip locked;";

        let edits = edits(sql, Role::Body);

        let whats: Vec<&str> = edits.iter().map(|edit| edit.what.as_str()).collect();
        assert_eq!(
            whats,
            [
                "`b = 1` taken away",
                "`(c or d is null)` taken away",
                "`c` taken away",
                "`d is null` taken away",
                "`e between 2 and 3` taken away",
                "`e between 2 and 3`: 2 is 0",
                "`e between 2 and 3`: 3 is 30",
                "`for update skip locked` taken away",
                "`skip locked` taken away",
            ]
        );
        assert_eq!(edits[0].of("select into a where b = 1 and x"), "select into a where true and x");
        assert_eq!(&edits[2].with, "false", "an alternative that is gone is never true");
    }

    #[test]
    fn a_bare_condition_is_always_and_never_met() {
        assert_eq!(
            in_body("begin if not found then x; elsif a < 5 then y; end if; end;"),
            [
                "`not found` always",
                "`not found` never",
                "`a < 5` always",
                "`a < 5` never",
                "`a < 5`: < is <=",
                "`a < 5`: 5 is 50",
            ]
            .map(str::to_owned)
        );
        assert_eq!(in_body("if a and b then"), ["`a and b` never", "`a` taken away", "`b` taken away"]);
    }

    #[test]
    fn values_and_names_of_exceptions_are_no_conditions() {
        assert!(in_body("x := case y when 1 then 2 else 3 end;").is_empty());
        assert!(in_body("begin a; exception when unique_violation or others then b; end;").is_empty());
        assert_eq!(in_body("x := case when y then 2 end;"), ["`y` always", "`y` never"]);
    }

    #[test]
    fn moments_have_no_bound_that_anybody_hits() {
        assert_eq!(in_body("delete where run_at <= moment;"), ["`run_at <= moment` taken away"]);
    }

    #[test]
    fn calls_for_their_effect_limits_and_constants_are_changed() {
        let sql = "lease constant interval := '60 seconds'; begin perform a.lock(b); select c limit d; end;";

        assert_eq!(
            in_body(sql),
            ["`lease`: '60 seconds' is '600 seconds'", "`perform a.lock(b)` taken away", "`limit d` taken away",]
        );
        assert!(in_body("begin perform private.refuse('x'); end;").is_empty(), "its condition is tried");
    }

    #[test]
    fn of_a_policy_only_the_clauses_are_changed() {
        let policy = "create policy a on b.c for update to d using (e = (select f())) with check (e = 1 and g)";

        assert_eq!(
            of(policy, Role::Condition),
            ["`e = (select f())` taken away", "`e = 1` taken away", "`g` taken away",]
        );
        let trigger = "create or replace trigger a before update of b on c for each row when (new.b <> old.b) execute function d()";
        let edits = edits(trigger, Role::Condition);
        assert_eq!(edits.len(), 1);
        assert!(edits[0].of(trigger).contains("when (true) execute"), "the parentheses stay");
    }

    #[test]
    fn the_same_words_twice_are_told_apart() {
        assert_eq!(
            in_body("where a and b; where a and c;"),
            ["`a` taken away", "`b` taken away", "`a` taken away (2)", "`c` taken away",]
        );
    }

    #[test]
    fn a_long_text_is_shortened_to_one_line() {
        assert_eq!(shortened("a\n   b"), "a b");
        assert!(shortened(&"é".repeat(500)).ends_with(" …"));
    }
}

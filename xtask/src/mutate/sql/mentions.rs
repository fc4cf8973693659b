//! Who calls which function, by the text of the migrations.

use std::collections::{BTreeMap, BTreeSet};

use super::token::{Kind, Token, tokens};

/// Where a function's name stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mention {
    /// In another function.
    Function(String),
    /// In a policy, a trigger, a check or a generated column.
    Table(String),
}

/// The functions, each with where it is mentioned.
pub type Mentions = BTreeMap<String, BTreeSet<Mention>>;

/// Adds what a migration mentions.
pub fn collect(sql: &str, mentions: &mut Mentions) {
    let tokens = tokens(sql);
    for statement in tokens.split(|token| token.text(sql) == ";") {
        let words: Vec<&str> = statement.iter().map(|token| token.text(sql)).collect();
        let qualified = |at: usize| words.get(at..at + 3).map(<[&str]>::concat);
        let place = match words[..] {
            ["create", "or", "replace", "function", ..] => qualified(4).map(Mention::Function),
            ["create", "table", "if", "not", "exists", ..] => qualified(5).map(Mention::Table),
            ["create", "policy", ..] | ["create", "or", "replace", "trigger", ..] => {
                words.iter().position(|word| *word == "on").and_then(|on| qualified(on + 1)).map(Mention::Table)
            }
            _ => None,
        };
        let Some(place) = place else { continue };
        for called in calls(sql, statement) {
            if place != Mention::Function(called.clone()) {
                mentions.entry(called).or_default().insert(place.clone());
            }
        }
    }
}

/// Each `schema.name` that stands before a parenthesis, in function bodies, too.
fn calls(sql: &str, statement: &[Token]) -> Vec<String> {
    let mut calls = Vec::new();
    for (at, token) in statement.iter().enumerate() {
        let text = token.text(sql);
        if token.kind == Kind::Body {
            let inner = text.trim_matches('$');
            calls.extend(self::calls(inner, &tokens(inner)));
        } else if token.kind == Kind::Word {
            let next = |number: usize| statement.get(at + number).map(|token| token.text(sql));
            if next(1) == Some(".") && next(3) == Some("(") {
                calls.extend(next(2).map(|name| format!("{text}.{name}")));
            }
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::{Mention, Mentions, collect};

    #[test]
    fn functions_policies_and_triggers_mention_what_they_call() {
        let mut mentions = Mentions::new();
        collect(
            "create or replace function a.b() returns void as $$ select a.c(1), a.b() $$;
             create policy p on a.t for select using (x = (select a.c(2)));
             create or replace trigger t before insert on a.t for each row execute function a.d();",
            &mut mentions,
        );

        let places = |name: &str| mentions[name].iter().cloned().collect::<Vec<_>>();
        assert_eq!(places("a.c"), [Mention::Function("a.b".into()), Mention::Table("a.t".into())]);
        assert_eq!(places("a.d"), [Mention::Table("a.t".into())]);
        assert!(!mentions.contains_key("a.b"), "what calls itself is not its own caller");
    }
}

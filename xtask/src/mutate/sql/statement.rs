//! The statements of a migration that can be broken and mended: functions, policies, triggers, constraints, unique indexes,
//! row level security and grants of execution.

use super::{
    change::Change,
    edit::{Edit, Role, edits, shortened},
    token::{Kind, Token, tokens},
};

/// One way in which the database is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The migration's file name.
    pub file: String,
    /// Where in it, counted from one.
    pub line: usize,
    /// What it is about.
    pub subject: Subject,
    /// In words, after the subject.
    pub what: String,
    /// How it is made and taken back.
    pub change: Change,
}

impl Mutant {
    /// As a list has it.
    pub fn place(&self) -> String {
        format!("migrations/{}:{}: {}", self.file, self.line, self.name())
    }

    /// The same without the place.
    pub fn name(&self) -> String {
        format!("{}: {}", self.subject.name(), self.what)
    }
}

/// What a mutant is about, which says whose tests concern it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Whoever calls it.
    Function(String),
    /// Something of a table: whoever touches that.
    OfTable { name: String, table: String },
    /// Who may call what.
    Right(String),
}

impl Subject {
    /// Its name in a list.
    pub fn name(&self) -> &str {
        match self {
            Self::Function(name) | Self::OfTable { name, .. } | Self::Right(name) => name,
        }
    }
}

/// A statement: a row of tokens in a file.
struct Statement<'sql> {
    file: &'sql str,
    sql: &'sql str,
    tokens: &'sql [Token],
}

/// All mutants of a migration.
pub fn mutants(file: &str, sql: &str) -> Vec<Mutant> {
    let tokens = tokens(sql);
    let statements = tokens.split(|token| token.text(sql) == ";").filter(|tokens| !tokens.is_empty());
    statements.flat_map(|tokens| Statement { file, sql, tokens }.mutants()).collect()
}

impl<'sql> Statement<'sql> {
    fn mutants(&self) -> Vec<Mutant> {
        let words: Vec<&str> = self.tokens.iter().map(|token| token.text(self.sql)).collect();
        match words[..] {
            ["create", "or", "replace", "function", ..] => self.of_function(),
            ["create", "policy", policy, "on", ..] => self.of_policy(policy, &self.name_at(4)),
            ["create", "or", "replace", "trigger", trigger, ..] => self.of_trigger(trigger, &words),
            ["create", "unique", "index", "if", "not", "exists", index, "on", ..] => vec![self.dropped_index(index)],
            ["create", "table", "if", "not", "exists", ..] => self.of_table(&words, &self.name_at(5)),
            ["alter", "table", _, ".", _, "enable", "row", "level", "security"] => {
                vec![self.open_table(&self.name_at(2))]
            }
            ["alter", "table", ..] => self.of_table(&words, &self.name_at(2)),
            ["grant", "execute", "on", "function", ..] if !words.contains(&"authenticated") => {
                vec![self.granted(&words)]
            }
            _ => Vec::new(),
        }
    }

    fn of_function(&self) -> Vec<Mutant> {
        let name = self.name_at(4);
        let Some(body) = self.tokens.iter().find(|token| token.kind == Kind::Body) else { return Vec::new() };
        let subject = Subject::Function(name);
        let edits = edits_of(self.sql, body);
        edits.into_iter().map(|edit| self.replayed(&subject, edit)).collect()
    }

    /// The same statement with a change in it, in place of the one that stands.
    fn replayed(&self, subject: &Subject, edit: Edit) -> Mutant {
        let start = self.tokens[0].at.start;
        let local = Edit { at: edit.at.start - start..edit.at.end - start, ..edit };
        let change = Change::Replay { original: self.text().into(), mutated: local.of(self.text()) };
        self.mutant(edit.at.start, subject.clone(), local.what, change)
    }

    fn of_policy(&self, policy: &str, table: &str) -> Vec<Mutant> {
        let subject = Subject::OfTable { name: format!("policy {policy}"), table: table.into() };
        let mutants = self.edits().into_iter().map(|edit| self.replayed(&subject, edit));
        let drop = format!("drop policy {policy} on {table}");
        mutants.map(|mutant| Mutant { change: mutant.change.after(&drop), ..mutant }).collect()
    }

    fn of_trigger(&self, trigger: &str, words: &[&str]) -> Vec<Mutant> {
        let Some(on) = words.iter().position(|word| *word == "on") else { return Vec::new() };
        let table = self.name_at(on + 1);
        let subject = Subject::OfTable { name: format!("trigger {trigger}"), table: table.clone() };
        let disabled = Change::Sql {
            apply: format!("alter table {table} disable trigger {trigger}"),
            restore: format!("alter table {table} enable trigger {trigger}"),
        };
        let mut mutants = vec![self.mutant(self.tokens[0].at.start, subject.clone(), "disabled".into(), disabled)];
        mutants.extend(self.edits().into_iter().map(|edit| self.replayed(&subject, edit)));
        mutants
    }

    fn dropped_index(&self, index: &str) -> Mutant {
        let words: Vec<&str> = self.tokens.iter().map(|token| token.text(self.sql)).collect();
        let on = words.iter().position(|word| *word == "on").unwrap_or(0);
        let table = self.name_at(on + 1);
        let schema = table.split('.').next().unwrap_or_default();
        let subject = Subject::OfTable { name: format!("unique index {index}"), table: table.clone() };
        let change = Change::Sql { apply: format!("drop index {schema}.{index}"), restore: self.text().into() };
        self.mutant(self.tokens[0].at.start, subject, "dropped".into(), change)
    }

    fn open_table(&self, table: &str) -> Mutant {
        let subject = Subject::OfTable { name: format!("table {table}"), table: table.into() };
        let change = Change::Sql {
            apply: format!("alter table {table} disable row level security"),
            restore: self.text().into(),
        };
        self.mutant(self.tokens[0].at.start, subject, "row level security disabled".into(), change)
    }

    fn granted(&self, words: &[&str]) -> Mutant {
        let to = words.iter().position(|word| *word == "to").unwrap_or(words.len() - 1);
        let function = &self.sql[self.tokens[4].at.start..self.tokens[to - 1].at.end];
        let subject = Subject::Right(format!("function {}", shortened(function)));
        let change = Change::Sql {
            apply: format!("grant execute on function {function} to authenticated"),
            restore: format!("revoke execute on function {function} from authenticated"),
        };
        self.mutant(self.tokens[0].at.start, subject, "granted to authenticated".into(), change)
    }

    /// Each constraint that has a name.
    fn of_table(&self, words: &[&str], table: &str) -> Vec<Mutant> {
        let mut mutants = Vec::new();
        for at in 0..words.len() {
            let ["constraint", name, kind @ ("check" | "unique" | "foreign" | "references"), ..] = words[at..] else {
                continue;
            };
            let subject = Subject::OfTable { name: format!("constraint {name}"), table: table.into() };
            let constraint = |instead| Change::Constraint { table: table.into(), name: name.into(), instead };
            let start = self.tokens[at].at.start;
            mutants.push(self.mutant(start, subject.clone(), "dropped".into(), constraint(None)));
            let end = self.end_of_group(at + 3).filter(|_| kind == "check");
            let Some(text) = end.map(|end| &self.sql[start..end]) else { continue };
            for edit in edits(text, Role::Condition) {
                let change = constraint(Some(edit.of(text)));
                mutants.push(self.mutant(start + edit.at.start, subject.clone(), edit.what, change));
            }
        }
        mutants
    }

    /// Where the parenthesis closes that a token opens.
    fn end_of_group(&self, opening: usize) -> Option<usize> {
        let mut depth = 0;
        for token in self.tokens.get(opening..)? {
            match token.text(self.sql) {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(token.at.end);
            }
        }
        None
    }

    fn edits(&self) -> Vec<Edit> {
        let start = self.tokens[0].at.start;
        let shift = |edit: Edit| Edit { at: edit.at.start + start..edit.at.end + start, ..edit };
        edits(self.text(), Role::Condition).into_iter().map(shift).collect()
    }

    fn mutant(&self, at: usize, subject: Subject, what: String, change: Change) -> Mutant {
        let line = 1 + self.sql[..at].matches('\n').count();
        Mutant { file: self.file.into(), line, subject, what, change }
    }

    fn text(&self) -> &'sql str {
        &self.sql[self.tokens[0].at.start..self.tokens[self.tokens.len() - 1].at.end]
    }

    /// `schema.name`, which is three tokens.
    fn name_at(&self, at: usize) -> String {
        self.tokens[at..].iter().take(3).map(|token| token.text(self.sql)).collect()
    }
}

/// The changes of a function's body, at their places in the file.
fn edits_of(sql: &str, body: &Token) -> Vec<Edit> {
    let text = body.text(sql);
    let quote = 1 + text[1..].find('$').map_or(0, |end| end + 1);
    let inner = &text[quote..text.len().saturating_sub(quote).max(quote)];
    let shift = body.at.start + quote;
    let shifted = |edit: Edit| Edit { at: edit.at.start + shift..edit.at.end + shift, ..edit };
    edits(inner, Role::Body).into_iter().map(shifted).collect()
}

#[cfg(test)]
mod tests {
    use super::{Change, Mutant, Subject, mutants};

    fn of(sql: &str) -> Vec<Mutant> {
        mutants("1_a.sql", sql)
    }

    #[test]
    fn a_function_is_replayed_with_one_change_in_its_body() {
        let sql = "-- why\ncreate or replace function a.b(c int default 1) returns int language sql as $$\n  \
                   select 1\n  where c = 2\n$$;\nrevoke all on function a.b(int) from public;";

        let mutants = of(sql);

        assert_eq!(mutants.len(), 1);
        assert_eq!(mutants[0].place(), "migrations/1_a.sql:4: a.b: `c = 2` taken away");
        assert_eq!(mutants[0].subject, Subject::Function("a.b".into()));
        let Change::Replay { original, mutated } = &mutants[0].change else { panic!("{:?}", mutants[0]) };
        assert!(original.starts_with("create or replace") && original.ends_with("where c = 2\n$$"), "{original}");
        assert_eq!(*mutated, original.replace("c = 2", "true"));
    }

    #[test]
    fn a_policy_is_dropped_and_made_anew() {
        let mutants = of("create policy p on a.t for select to d using (e = f());");

        let Change::Replay { original, mutated } = &mutants[0].change else { panic!("{mutants:?}") };
        assert_eq!(original, "drop policy p on a.t;\ncreate policy p on a.t for select to d using (e = f())");
        assert_eq!(mutated, "drop policy p on a.t;\ncreate policy p on a.t for select to d using (true)");
        assert_eq!(mutants[0].subject, Subject::OfTable { name: "policy p".into(), table: "a.t".into() });
    }

    #[test]
    fn constraints_are_dropped_and_checks_are_changed() {
        let mutants = of("create table if not exists a.t (
            b text constraint t_check_b check (char_length(b) <= 20),
            constraint t_unique_b unique (b),
            constraint t_fk_c foreign key (c) references d (c));");

        let names: Vec<String> = mutants.iter().map(Mutant::name).collect();
        assert_eq!(
            names,
            [
                "constraint t_check_b: dropped",
                "constraint t_check_b: `char_length(b) <= 20` taken away",
                "constraint t_check_b: `char_length(b) <= 20`: <= is <",
                "constraint t_check_b: `char_length(b) <= 20`: 20 is 200",
                "constraint t_unique_b: dropped",
                "constraint t_fk_c: dropped",
            ]
        );
        assert_eq!(mutants[3].line, 2);
        assert!(
            mutants[3]
                .change
                .application()
                .contains("add constraint t_check_b check (char_length(b) <= 200) not valid")
        );
    }

    #[test]
    fn triggers_row_level_security_unique_indexes_and_grants_are_broken() {
        let mutants = of("create or replace trigger g before insert on a.t for each row execute function a.f();
            alter table a.t enable row level security;
            create unique index if not exists i on a.t (b) where c;
            grant execute on function a.f(int) to service_role;
            grant execute on function a.f(int) to authenticated, service_role;
            grant select on table a.t to authenticated;");

        let broken: Vec<String> = mutants.iter().map(|mutant| mutant.change.application()).collect();
        assert_eq!(broken.len(), 4, "{broken:?}");
        for (broken, how) in broken.iter().zip([
            "alter table a.t disable trigger g",
            "alter table a.t disable row level security",
            "drop index a.i",
            "grant execute on function a.f(int) to authenticated",
        ]) {
            assert!(broken.ends_with(how), "{broken}");
        }
    }
}

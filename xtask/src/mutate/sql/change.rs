//! How the database is broken in one place, and mended.

use local_stack::database::Psql;
use toolchain::Outcome;

/// What makes a mutant, and takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A statement that replaces what stands, mutated and in its original form.
    Replay { original: String, mutated: String },
    /// One statement for each.
    Sql { apply: String, restore: String },
    /// A constraint is dropped, and perhaps another one stands in its place. It comes back as the catalogue describes it.
    Constraint { table: String, name: String, instead: Option<String> },
}

impl Change {
    /// The same for a statement that does not replace by itself.
    pub fn after(self, drop: &str) -> Self {
        match self {
            Self::Replay { original, mutated } => {
                Self::Replay { original: format!("{drop};\n{original}"), mutated: format!("{drop};\n{mutated}") }
            }
            other => other,
        }
    }

    /// What tells it from other changes, for its results.
    pub fn text(&self) -> String {
        match self {
            Self::Replay { mutated, .. } => mutated.clone(),
            Self::Sql { apply, .. } => apply.clone(),
            Self::Constraint { table, name, instead } => {
                format!("{table} {name} {}", instead.as_deref().unwrap_or_default())
            }
        }
    }

    /// The statement that mends it; None if there is nothing to break.
    pub fn restoration(&self, psql: &Psql) -> Outcome<Option<String>> {
        Ok(Some(match self {
            Self::Replay { original, .. } => original.clone(),
            Self::Sql { restore, .. } => restore.clone(),
            Self::Constraint { table, name, .. } => {
                let definition = psql.run(&format!(
                    "select pg_get_constraintdef(oid) from pg_constraint
                     where conname = '{name}' and conrelid = to_regclass('{table}')"
                ))?;
                if definition.is_empty() {
                    return Ok(None);
                }
                format!(
                    "alter table {table} drop constraint if exists {name};
                     alter table {table} add constraint {name} {definition}"
                )
            }
        }))
    }

    /// The statement that breaks it.
    pub fn application(&self) -> String {
        match self {
            Self::Replay { mutated, .. } => mutated.clone(),
            Self::Sql { apply, .. } => apply.clone(),
            Self::Constraint { table, name, instead } => {
                let add = instead.as_deref().map(|check| format!("; alter table {table} add {check} not valid"));
                format!("alter table {table} drop constraint {name}{}", add.unwrap_or_default())
            }
        }
    }
}

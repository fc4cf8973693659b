//! Rows, as the story shows them and relies on them.

use serde_json::Value;

use toolchain::{Failure, Outcome, progress::say};

/// Shows what changed in a row; without an earlier one, what it holds.
pub(super) fn changed(table: &str, before: &Value, after: &Value, columns: &[&str]) {
    for column in columns {
        let (old, new) = (&before[*column], &after[*column]);
        if before.is_null() {
            say!("    {table}.{column}: {}", plain(new));
        } else if old != new {
            say!("    {table}.{column}: {} → {}", plain(old), plain(new));
        }
    }
}

/// A value without the quotation marks of JSON.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A text that a row must have.
pub(super) fn text(value: &Value, field: &str) -> Outcome<String> {
    value[field].as_str().map(str::to_owned).ok_or_else(|| Failure::new(format!("there is no {field} in {value}")))
}

/// The story ends where something is not as it is told.
pub(super) fn expect(what: &str, found: impl AsRef<str>, expected: &str) -> Outcome {
    if found.as_ref() == expected {
        return Ok(());
    }
    Err(Failure::new(format!("{what} is {}, and {expected} was expected", found.as_ref())))
}

//! The form of an answer beside that of a recorded one (local/simulators/fixtures): the same names, types, status and media
//! type, whatever the values.

use std::fs;

use serde::Deserialize;
use serde_json::{Map, Value};
use tests::Reply;

/// A recorded answer, or a webhook. The folder's README says what each member means.
#[derive(Deserialize)]
pub struct Recorded {
    #[serde(skip)]
    name: String,
    status: Option<u16>,
    content_type: Option<String>,
    #[serde(default)]
    body: Value,
    members: Option<Map<String, Value>>,
    #[serde(default)]
    ordered: bool,
    #[serde(default)]
    optional: Vec<String>,
    #[serde(default)]
    nullable: Vec<String>,
    #[serde(default)]
    open: Vec<String>,
    #[serde(default)]
    abridged: Vec<String>,
    #[serde(default)]
    maps: Vec<String>,
}

/// The fixture `vendor/name`.
pub fn recorded(name: &str) -> Recorded {
    let path = format!("{}/../local/simulators/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
    let mut recorded: Recorded = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    name.clone_into(&mut recorded.name);
    recorded
}

impl Recorded {
    /// The recorded body, for a request that is to be answered like that.
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// Compares a whole answer.
    #[track_caller]
    pub fn is_like(&self, reply: &Reply) {
        self.has_head_of(reply);
        self.is_like_json(&reply.json);
    }

    /// Compares status and media type alone, for an answer whose parts are compared one by one.
    #[track_caller]
    pub fn has_head_of(&self, reply: &Reply) {
        assert_eq!(Some(reply.status), self.status, "{}: {reply:?}", self.name);
        let expected = self.content_type.as_deref().unwrap_or_else(|| panic!("{} is an answer", self.name));
        // The charset was not recorded everywhere.
        let found = reply.header("content-type");
        let found = if expected.contains(';') { found } else { found.split(';').next().unwrap_or_default() };
        assert_eq!(found, expected, "{}: {reply:?}", self.name);
    }

    /// Compares a body.
    #[track_caller]
    pub fn is_like_json(&self, found: &Value) {
        let differences = self.differences(found);
        assert!(differences.is_empty(), "{}:\n{}\nin {found:#}", self.name, differences.join("\n"));
    }

    fn differences(&self, found: &Value) -> Vec<String> {
        match &self.members {
            None => self.compare("", &self.body, found),
            Some(members) => self.compare_members(members, found),
        }
    }

    fn compare(&self, place: &str, expected: &Value, found: &Value) -> Vec<String> {
        let listed = |places: &[String]| places.iter().any(|listed| listed == place);
        match (expected, found) {
            (Value::Null, Value::Null) => Vec::new(),
            (Value::Null, _) | (_, Value::Null) if listed(&self.nullable) => Vec::new(),
            _ if listed(&self.open) && kind(expected) == kind(found) => Vec::new(),
            (Value::Object(expected), Value::Object(found)) if listed(&self.maps) => {
                let (expected, found): (Vec<_>, Vec<_>) = (expected.values().collect(), found.values().collect());
                self.compare_each(place, &expected, &found)
            }
            (Value::Object(expected), Value::Object(found)) => self.compare_objects(place, expected, found),
            (Value::Array(expected), Value::Array(found)) => {
                let (expected, found): (Vec<_>, Vec<_>) = (expected.iter().collect(), found.iter().collect());
                self.compare_each(place, &expected, &found)
            }
            (Value::String(expected), Value::String(found)) if time(expected) != time(found) => {
                vec![format!("{place}: {found} where {expected} was recorded: a time is written in another way")]
            }
            _ if kind(expected) == kind(found) => Vec::new(),
            _ => vec![format!("{place}: {} where there was {}", kind(found), kind(expected))],
        }
    }

    /// Each is like one of those that were recorded.
    fn compare_each(&self, place: &str, expected: &[&Value], found: &[&Value]) -> Vec<String> {
        let place = format!("{place}/*");
        let first = found.iter().find_map(|found| {
            let differences = expected.iter().map(|expected| self.compare(&place, expected, found));
            let closest = differences.min_by_key(Vec::len)?;
            (!closest.is_empty()).then_some(closest)
        });
        first.unwrap_or_default()
    }

    fn compare_objects(&self, place: &str, expected: &Map<String, Value>, found: &Map<String, Value>) -> Vec<String> {
        let mut differences = Vec::new();
        let may_be_absent = |name: &str| self.optional.contains(&format!("{place}/{name}"));
        for (name, value) in expected {
            match found.get(name) {
                Some(found) => differences.extend(self.compare(&format!("{place}/{name}"), value, found)),
                None if may_be_absent(name) => {}
                None => differences.push(format!("{place}/{name} is missing")),
            }
        }
        let is_abridged = self.abridged.iter().any(|abridged| abridged == place);
        for name in found.keys().filter(|name| !expected.contains_key(*name)) {
            if !is_abridged && !may_be_absent(name) {
                differences.push(format!("{place}/{name} was never recorded"));
            }
        }
        if self.ordered && !is_abridged && !found.keys().eq(expected.keys()) {
            differences.push(format!("{place}: the members come in another order"));
        }
        differences
    }

    fn compare_members(&self, expected: &Map<String, Value>, found: &Value) -> Vec<String> {
        let Value::Object(found) = found else { return vec![format!("{} where there was an object", kind(found))] };
        let mut differences = Vec::new();
        for (name, types) in expected {
            let types: Vec<&str> = types.as_str().unwrap().split(" or ").collect();
            let is_one_of = |value: &Value| match value {
                Value::String(text) if types.contains(&"time") => time(text).is_some(),
                value => types.contains(&kind(value)) || types.contains(&"anything"),
            };
            match found.get(name) {
                None if types.contains(&"absent") => {}
                None => differences.push(format!("/{name} is missing")),
                Some(value) if is_one_of(value) => {}
                Some(value) => {
                    differences.push(format!("/{name}: {} where there was {}", kind(value), types.join(" or ")));
                }
            }
        }
        let unknown = found.keys().filter(|name| !expected.contains_key(*name));
        differences.extend(unknown.map(|name| format!("/{name} was never recorded")));
        if self.ordered && differences.is_empty() && !found.keys().eq(expected.keys()) {
            differences.push("the members come in another order".to_owned());
        }
        differences
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "flag",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// How a time is written, with its zone and its fraction of a second; none for any other text.
fn time(text: &str) -> Option<String> {
    let form: String = text.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    form.starts_with("0000-00-00T00:00:00").then_some(form)
}

#[cfg(test)]
mod comparing {
    use serde_json::json;

    use super::*;

    fn like(rules: Value, found: &Value) -> Vec<String> {
        let recorded: Recorded = serde_json::from_value(rules).unwrap();
        recorded.differences(found)
    }

    #[test]
    fn another_type_a_missing_name_and_an_unknown_one_are_told() {
        let rules = || json!({ "body": { "id": "a", "n": 1, "list": [{ "x": true }], "at": "2026-07-15T08:33:45Z" } });
        let good =
            json!({ "id": "b", "n": 2.5, "list": [{ "x": false }, { "x": true }], "at": "2027-01-01T00:00:00Z" });
        assert_eq!(like(rules(), &good), [""; 0]);
        for (place, value) in [
            ("/id", json!(1)),
            ("/id", json!(null)),
            ("/n", json!("1")),
            ("/list/0/x", json!("true")),
            ("/list/0", json!({})),
            ("/list/0", json!({ "x": true, "y": 1 })),
            ("/list", json!({})),
            ("/at", json!("2027-01-01T00:00:00.000000")),
            ("/at", json!("yesterday")),
            ("", json!({ "id": "b", "n": 2, "list": [] })),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(place).unwrap() = value;
            assert_eq!(like(rules(), &bad).len(), 1, "{bad}");
        }
    }

    #[test]
    fn what_may_differ_may_differ_and_nothing_else() {
        let rules = || {
            json!({ "body": { "a": null, "b": 1, "c": { "x": 1 }, "d": {}, "m": { "one": 1 } }, "nullable": ["/a", "/b"],
                    "optional": ["/b"], "open": ["/c"], "abridged": ["/d"], "maps": ["/m"], "ordered": true })
        };
        let good = json!({ "a": "text", "c": { "y": [] }, "d": { "new": 1 }, "m": { "two": 2, "three": 3 } });
        assert_eq!(like(rules(), &good), ["/: the members come in another order".trim_start_matches('/')]);
        let mut unordered = rules();
        unordered["ordered"] = json!(false);
        assert_eq!(like(unordered.clone(), &good), [""; 0]);
        assert_eq!(like(unordered, &json!({ "a": 1, "b": null, "c": 1, "d": 1, "m": { "x": "1" } })).len(), 3);
    }

    #[test]
    fn names_and_types_alone_can_be_compared() {
        let rules =
            || json!({ "members": { "id": "text", "at": "time or null", "n": "number or absent", "x": "anything" } });
        assert_eq!(like(rules(), &json!({ "id": "a", "at": null, "x": {} })), [""; 0]);
        assert_eq!(like(rules(), &json!({ "id": "a", "at": "2026-03-02T10:15:00.808536", "n": 1, "x": 1 })), [""; 0]);
        let told = like(rules(), &json!({ "id": 1, "at": "soon", "n": "1", "y": 1 }));
        assert_eq!(told.len(), 5, "{told:?}");
    }
}

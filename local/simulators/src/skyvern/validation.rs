//! Checking the body of a request, with the messages of pydantic, which Skyvern uses.

use serde_json::{Map, Value, json};

use super::fields::{FIELDS, Kind};

/// The body as an object, or why it is not one.
pub(super) fn parse(body: &[u8], is_json: bool) -> Result<Map<String, Value>, Vec<Value>> {
    if body.is_empty() {
        return Err(vec![item("missing", &json!(["body"]), "Field required", &Value::Null)]);
    }
    let parsed = if is_json {
        serde_json::from_slice(body).map_err(|error| {
            let mut item = item("json_invalid", &json!(["body", error.column()]), "JSON decode error", &json!({}));
            item["ctx"] = json!({ "error": error.to_string() });
            vec![item]
        })?
    } else {
        Value::from(String::from_utf8_lossy(body))
    };
    match parsed {
        Value::Object(object) => Ok(object),
        other => {
            let message = "Input should be a valid dictionary or object to extract fields from";
            Err(vec![item("model_attributes_type", &json!(["body"]), message, &other)])
        }
    }
}

/// What is wrong with the fields of a new task. Fields that nobody knows are ignored.
pub(super) fn check(request: &Map<String, Value>) -> Vec<Value> {
    let mut items = Vec::new();
    for field in FIELDS {
        match request.get(field.name) {
            None if field.required => {
                let message = "Field required";
                items.push(item("missing", &json!(["body", field.name]), message, &Value::from(request.clone())));
            }
            None => {}
            Some(Value::Null) if field.nullable => {}
            Some(value) => check_value(field.kind, &json!(["body", field.name]), value, &mut items),
        }
    }
    items
}

fn check_value(kind: Kind, place: &Value, value: &Value, items: &mut Vec<Value>) {
    match (kind, value) {
        (Kind::Integer, _) => check_integer(place, value, items),
        (Kind::TextMap, Value::Object(entries)) => {
            for (name, value) in entries {
                check_value(Kind::Text, &below(place, name.as_str()), value, items);
            }
        }
        (Kind::TextList { most }, Value::Array(list)) => {
            if list.len() > most {
                let message = format!("List should have at most {most} items after validation, not {}", list.len());
                items.push(item("too_long", place, &message, value));
            }
            for (index, value) in list.iter().enumerate() {
                check_value(Kind::Text, &below(place, index), value, items);
            }
        }
        (Kind::OneOf(words), _) if !value.as_str().is_some_and(|word| words.contains(&word)) => {
            let expected = alternatives(words);
            let mut item = item("enum", place, &format!("Input should be {expected}"), value);
            item["ctx"] = json!({ "expected": expected });
            items.push(item);
        }
        _ if accepts(kind, value) => {}
        _ => items.extend(refusals(kind).iter().map(|(kind, message)| item(kind, place, message, value))),
    }
}

fn accepts(kind: Kind, value: &Value) -> bool {
    match kind {
        Kind::Text => value.is_string(),
        Kind::Flag => value.is_boolean(),
        Kind::Object => value.is_object(),
        Kind::Schema => value.is_object() || value.is_array() || value.is_string(),
        Kind::Proxy => {
            value.as_str().is_some_and(is_proxy_location) || value.get("country").or(value.get("url")).is_some()
        }
        Kind::OneOf(_) => true, // looked at before
        Kind::Integer | Kind::TextMap | Kind::TextList { .. } => false,
    }
}

/// One for each type that would have been taken.
fn refusals(kind: Kind) -> &'static [(&'static str, &'static str)] {
    const TEXT: (&str, &str) = ("string_type", "Input should be a valid string");
    const LIST: (&str, &str) = ("list_type", "Input should be a valid list");
    const DICTIONARY: (&str, &str) = ("dict_type", "Input should be a valid dictionary");
    match kind {
        Kind::Flag => &[("bool_type", "Input should be a valid boolean")],
        Kind::Schema => &[DICTIONARY, LIST, TEXT],
        Kind::Proxy => &[
            ("enum", "Input should be a proxy location, such as 'RESIDENTIAL' or 'NONE'"),
            ("model_attributes_type", "Input should be a valid dictionary or object to extract fields from"),
        ],
        Kind::Object | Kind::TextMap => &[DICTIONARY],
        Kind::TextList { .. } => &[LIST],
        Kind::Text | Kind::OneOf(_) | Kind::Integer => &[TEXT],
    }
}

/// `'agent' or 'code'`
fn alternatives(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Like pydantic in its lax mode, takes `"5"` and `5.0` for a five.
fn check_integer(place: &Value, value: &Value, items: &mut Vec<Value>) {
    let (kind, message) = match value {
        Value::Number(number) if number.is_f64() => {
            if number.as_f64().is_some_and(|number| number.fract() == 0.0) {
                return;
            }
            ("int_from_float", "Input should be a valid integer, got a number with a fractional part")
        }
        Value::Number(_) => return,
        Value::String(text) if text.trim().parse::<i64>().is_ok() => return,
        Value::String(_) => ("int_parsing", "Input should be a valid integer, unable to parse string as an integer"),
        _ => ("int_type", "Input should be a valid integer"),
    };
    items.push(item(kind, place, message, value));
}

/// `RESIDENTIAL`, no proxy, a country, or one of the deprecated states. `RESIDENTIAL_US` is none of them.
fn is_proxy_location(name: &str) -> bool {
    const COUNTRIES: &str = "ES IE GB IN JP FR DE NZ ZA AR AU BR TR CA MX IT NL PH KR SA";
    const STATES: [&str; 5] = ["US-CA", "US-NY", "US-TX", "US-FL", "US-WA"];
    match name.strip_prefix("RESIDENTIAL_") {
        Some("ISP") => true,
        Some(country) => COUNTRIES.split(' ').any(|known| known == country),
        None => name == "RESIDENTIAL" || name == "NONE" || STATES.contains(&name),
    }
}

fn below(place: &Value, step: impl Into<Value>) -> Value {
    let mut steps = place.as_array().cloned().unwrap_or_default();
    steps.push(step.into());
    Value::from(steps)
}

/// One thing that is wrong, with what was sent there.
pub(super) fn item(kind: &str, place: &Value, message: &str, input: &Value) -> Value {
    json!({ "type": kind, "loc": place, "msg": message, "input": input })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(request: &Value) -> Vec<String> {
        let items = check(request.as_object().unwrap());
        items.iter().map(|item| format!("{}@{}", item["type"].as_str().unwrap(), item["loc"])).collect()
    }

    #[test]
    fn a_task_needs_nothing_but_a_prompt() {
        assert_eq!(kinds(&json!({ "prompt": "Apply", "webhook_callback_url": 7 })), [""; 0]);
        assert_eq!(kinds(&json!({})), [r#"missing@["body","prompt"]"#]);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let request = json!({
            "prompt": 1, "engine": "skyvern-9", "max_steps": 2.5, "proxy_location": "RESIDENTIAL_US",
            "error_code_mapping": { "job_closed": 1 }, "start_fresh_browser": null,
        });
        let expected = [
            r#"string_type@["body","prompt"]"#,
            r#"enum@["body","engine"]"#,
            r#"enum@["body","proxy_location"]"#,
            r#"model_attributes_type@["body","proxy_location"]"#,
            r#"string_type@["body","error_code_mapping","job_closed"]"#,
            r#"int_from_float@["body","max_steps"]"#,
            r#"bool_type@["body","start_fresh_browser"]"#,
        ];
        assert_eq!(kinds(&request), expected);
    }

    #[test]
    fn a_body_that_is_no_object_is_refused_with_an_echo() {
        assert_eq!(parse(b"[1]", true).unwrap_err()[0]["input"], json!([1]));
        assert_eq!(parse(b"{", true).unwrap_err()[0]["type"], "json_invalid");
        assert_eq!(parse(b"{}", false).unwrap_err()[0]["input"], "{}");
        assert_eq!(parse(b"", true).unwrap_err()[0]["type"], "missing");
    }
}

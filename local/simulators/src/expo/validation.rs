//! The form of a message. A field of another name is refused, so that a misspelled one is noticed.

use serde_json::{Map, Value};

/// The most recipients of one message.
const MOST_RECIPIENTS: usize = 100;

/// A message of the right form.
#[derive(Debug)]
pub(super) struct Message {
    pub to: Vec<String>,
    pub fields: Map<String, Value>,
}

impl Message {
    /// Checks one message and takes it apart.
    pub fn read(message: Value) -> Result<Self, String> {
        let Value::Object(mut fields) = message else { return Err("a message must be an object".to_owned()) };
        let to = match fields.remove("to") {
            Some(Value::String(token)) => vec![token],
            Some(Value::Array(tokens)) if tokens.len() <= MOST_RECIPIENTS => tokens
                .into_iter()
                .map(|token| token.as_str().map(str::to_owned).ok_or("\"to\" must hold texts"))
                .collect::<Result<_, _>>()?,
            Some(Value::Array(tokens)) => {
                return Err(format!("\"to\" must contain at most 100 items, not {}", tokens.len()));
            }
            _ => return Err("\"to\" is required".to_owned()),
        };
        let bad = fields.iter().find(|(name, value)| !is_valid(name, value));
        match bad {
            Some((name, value)) => Err(format!("\"{name}\" is not allowed to be {value}")),
            None => Ok(Self { to, fields }),
        }
    }

    /// The length of everything but the recipients, as JSON.
    pub fn payload_length(&self) -> usize {
        Value::from(self.fields.clone()).to_string().len()
    }

    pub fn text(&self, name: &str) -> String {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

fn is_valid(name: &str, value: &Value) -> bool {
    let one_of = |values: &[&str]| value.as_str().is_some_and(|value| values.contains(&value));
    match name {
        "title" | "body" | "subtitle" | "icon" | "categoryId" | "collapseId" | "tag" => value.is_string(),
        "channelId" => value.is_string() || value.is_null(),
        "data" | "richContent" => value.is_object(),
        "ttl" | "expiration" | "badge" => value.as_u64().is_some(),
        "priority" => one_of(&["default", "normal", "high"]),
        "sound" => value.is_string() || value.is_null() || value.is_object(),
        "interruptionLevel" => one_of(&["active", "critical", "passive", "time-sensitive"]),
        "mutableContent" | "_contentAvailable" => value.is_boolean(),
        _ => false,
    }
}

/// Whether a token could be one of a device at all.
pub(super) fn is_push_token(token: &str) -> bool {
    let inside = ["ExponentPushToken[", "ExpoPushToken["]
        .iter()
        .find_map(|prefix| token.strip_prefix(prefix)?.strip_suffix(']'));
    inside.is_some_and(|inside| inside.len() >= 4) || uuid::Uuid::try_parse(token).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Message, is_push_token};

    #[test]
    fn a_message_has_known_fields_of_the_right_types() {
        let good = json!({ "to": "ExponentPushToken[aaaa]", "title": "a", "data": {}, "ttl": 1, "sound": null });
        assert!(Message::read(good.clone()).is_ok());
        for (name, value) in [
            ("to", Value::Null),
            ("to", json!(vec!["a"; 101])),
            ("to", json!([1])),
            ("title", json!(1)),
            ("data", json!("text")),
            ("ttl", json!("1")),
            ("ttl", json!(-1)),
            ("priority", json!("urgent")),
            ("collapseID", json!("a")),
        ] {
            let mut bad = good.clone();
            bad[name] = value;
            assert!(Message::read(bad.clone()).is_err(), "{bad}");
        }
        assert!(Message::read(json!("text")).is_err());
    }

    #[test]
    fn a_short_text_in_the_right_wrapper_is_no_device() {
        assert!(is_push_token("ExponentPushToken[aaaaaaaaaaaaaaaaaaaaaa]"));
        assert!(!is_push_token("ExponentPushToken[xd]"));
        assert!(!is_push_token("xd"));
    }
}

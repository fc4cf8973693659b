//! What Expo did with one message for one device.

use serde_json::Value;

/// The device is gone; nothing may be sent to it any more.
pub const DEVICE_NOT_REGISTERED: &str = "DeviceNotRegistered";
/// The payload is too long for Apple or Google.
pub const MESSAGE_TOO_BIG: &str = "MessageTooBig";
/// Too many messages to this one device; later ones may get through.
pub const MESSAGE_RATE_EXCEEDED: &str = "MessageRateExceeded";

/// The ticket of one recipient (docs/vendors/expo.md#tickets).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ticket {
    /// Expo accepted the message. The receipt tells later whether Apple or Google did.
    Ok {
        /// The id to fetch the receipt by.
        id: String,
    },
    /// Refused for this recipient only.
    Error {
        /// Expo's name for the reason; empty if it gave none. Some names are not documented.
        error: String,
        /// Expo's message.
        message: String,
    },
}

impl Ticket {
    pub(super) fn read(ticket: &Value) -> Self {
        match (ticket["status"].as_str(), ticket["id"].as_str()) {
            (Some("ok"), Some(id)) if !id.is_empty() => Self::Ok { id: clean(id) },
            _ => {
                let (error, message) = refusal(ticket);
                Self::Error { error, message }
            }
        }
    }
}

/// The name and the message of a refusal. Google's name is one level further down.
pub(super) fn refusal(value: &Value) -> (String, String) {
    let details = &value["details"];
    let error = details["fcm"]["error"].as_str().or(details["error"].as_str());
    (clean(error.unwrap_or_default()), clean(value["message"].as_str().unwrap_or_default()))
}

/// Without NUL, which PostgreSQL cannot store.
fn clean(text: &str) -> String {
    text.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Ticket;

    #[test]
    fn a_ticket_is_good_only_with_an_id() {
        let id = "019b0000-1111-7222-8333-444455556666";
        assert_eq!(Ticket::read(&json!({ "status": "ok", "id": id })), Ticket::Ok { id: id.to_owned() });
        for odd in
            [json!({ "status": "ok" }), json!({ "status": "ok", "id": "" }), json!({ "id": id }), json!(null), json!(7)]
        {
            assert!(matches!(Ticket::read(&odd), Ticket::Error { .. }), "{odd}");
        }
    }

    #[test]
    fn details_may_be_missing_or_unknown() {
        let error = |ticket| match Ticket::read(&ticket) {
            Ticket::Error { error, .. } => error,
            Ticket::Ok { .. } => panic!("{ticket} is an error"),
        };
        assert_eq!(error(json!({ "status": "error", "message": "no" })), "");
        assert_eq!(error(json!({ "status": "error", "details": { "error": "NewName", "fault": "fcm" } })), "NewName");
        assert_eq!(error(json!({ "status": "error", "details": "text" })), "");
    }
}

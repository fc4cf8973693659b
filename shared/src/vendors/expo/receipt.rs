//! Expo's word on what Apple or Google made of one message.

use serde_json::Value;

use super::ticket::refusal;

/// The most receipts that are asked for at once (Expo contract §5).
pub const MOST_RECEIPTS: usize = 1000;

/// A receipt (Expo contract §5, §6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// Apple or Google took the message. That is all that can be known.
    Delivered,
    /// They did not.
    Failed {
        /// Expo's name for the reason; empty if it gave none.
        error: String,
        /// Expo's words.
        message: String,
    },
}

impl Receipt {
    pub(super) fn read(receipt: &Value) -> Self {
        if receipt["status"] == "ok" {
            return Self::Delivered;
        }
        let (error, message) = refusal(receipt);
        Self::Failed { error, message }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Receipt;

    #[test]
    fn a_receipt_is_good_only_if_it_says_so() {
        assert_eq!(Receipt::read(&json!({ "status": "ok" })), Receipt::Delivered);
        for odd in [json!({ "status": "error" }), json!({}), json!(null), json!("ok")] {
            assert!(matches!(Receipt::read(&odd), Receipt::Failed { .. }), "{odd}");
        }
    }

    #[test]
    fn the_mismatch_of_senders_is_found_where_expo_hides_it() {
        let nested = json!({ "status": "error", "message": "no", "details": {
            "error": "ProviderError", "fault": "fcm", "fcm": { "error": "MismatchSenderId" } } });
        let Receipt::Failed { error, .. } = Receipt::read(&nested) else { panic!("{nested} is an error") };
        assert_eq!(error, "MismatchSenderId");
    }
}

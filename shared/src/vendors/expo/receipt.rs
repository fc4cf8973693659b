//! What Apple or Google did with one message.

use serde_json::Value;

use super::ticket::refusal;

/// The most receipts that can be fetched at once (docs/vendors/expo.md#receipts).
pub const MOST_RECEIPTS: usize = 1000;

/// A receipt (docs/vendors/expo.md#receipts).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// Apple or Google accepted the message. Nothing more can be known.
    Delivered,
    /// They did not.
    Failed {
        /// Expo's name for the reason; empty if it gave none.
        error: String,
        /// Expo's message.
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

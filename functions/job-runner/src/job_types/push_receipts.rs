//! `push_receipts`: asks Expo what became of messages that it took, and revokes devices that are gone.

use std::collections::BTreeMap;

use serde_json::json;
use shared::{
    supabase::rpc::push::{ClaimPushReceipts, PushReceipt, RecordPushReceipts},
    vendors::expo::{DEVICE_NOT_REGISTERED, Expo, FAULTS, NotSent, Receipt},
};

use crate::{attempt::Attempt, outcome::JobOutcome};

/// What is written down of one receipt.
fn row(ticket_id: String, receipt: Receipt) -> PushReceipt {
    match receipt {
        Receipt::Delivered => PushReceipt { ticket_id, error: None, message: None, device_gone: false },
        Receipt::Failed { error, message } => PushReceipt {
            ticket_id,
            device_gone: error == DEVICE_NOT_REGISTERED,
            // Without a name it is a failure all the same.
            error: Some(if error.is_empty() { "unnamed".to_owned() } else { error }),
            message: Some(message),
        },
    }
}

pub(crate) async fn run(attempt: &Attempt<'_>) -> Result<JobOutcome, JobOutcome> {
    let database = attempt.database();
    let tickets = database.call(&ClaimPushReceipts {}).await?;
    if tickets.is_empty() {
        return Ok(JobOutcome::Completed { result: json!({ "asked": 0 }) });
    }
    attempt.is_at("asking_expo");
    let expo = Expo::new(&attempt.call.settings.expo, attempt.upstream);
    let receipts = expo.receipts(&tickets).await.map_err(|failure| unanswered(&failure))?;

    let rows: Vec<PushReceipt> = receipts.into_iter().map(|(ticket_id, receipt)| row(ticket_id, receipt)).collect();
    attempt.is_at("recording");
    database.call(&RecordPushReceipts { receipts: &rows }).await?;
    Ok(JobOutcome::Completed {
        result: json!({ "asked": tickets.len(), "received": rows.len(), "errors": errors(&rows) }),
    })
}

/// How often which error came: credentials that no longer fit are for operators to see.
fn errors(rows: &[PushReceipt]) -> BTreeMap<&str, usize> {
    let mut errors = BTreeMap::new();
    for error in rows.iter().filter_map(|row| row.error.as_deref()) {
        *errors.entry(error).or_default() += 1;
    }
    errors
}

/// The tickets are due again in a quarter of an hour, so this job need not come back for them.
fn unanswered(failure: &NotSent) -> JobOutcome {
    match failure {
        NotSent::Failed { fault, .. } => JobOutcome::Failed { error: fault.code.to_owned() },
        NotSent::SeveralProjects(_) => JobOutcome::Failed { error: FAULTS.rejected.code.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use shared::{supabase::rpc::push::PushReceipt, vendors::expo::Receipt};

    use super::{errors, row};

    fn failed(error: &str) -> PushReceipt {
        row("1".into(), Receipt::Failed { error: error.to_owned(), message: "no".to_owned() })
    }

    #[test]
    fn only_a_device_that_is_gone_is_given_up() {
        assert!(failed("DeviceNotRegistered").device_gone);
        assert!(!failed("MismatchSenderId").device_gone);
        assert!(!row("1".into(), Receipt::Delivered).device_gone);
    }

    #[test]
    fn errors_are_counted_by_name() {
        let rows = [failed("InvalidCredentials"), failed(""), failed("InvalidCredentials")];
        let counted: Vec<_> = errors(&rows).into_iter().collect();
        assert_eq!(counted, [("InvalidCredentials", 2), ("unnamed", 1)]);
    }
}

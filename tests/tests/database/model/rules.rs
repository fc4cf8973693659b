//! What must be true at every moment, and what must be true when everything has come to rest.

use std::collections::BTreeMap;

use shared::application_status::ApplicationStatus::{self as Status, *};
use uuid::Uuid;

use super::{
    calls::Person,
    reference::{Reference, Told, is_decision, stops_runs},
    snapshot::{Application, Change, Job, Snapshot},
};

/// Compares the database with the reference, and checks what needs none.
pub fn check(reference: &Reference, snapshot: &Snapshot, people: &[Person]) -> Result<(), String> {
    applications_are_as_expected(reference, snapshot)?;
    ledger_is_as_expected(reference, snapshot)?;
    people_are_told_what_they_must_be(reference, snapshot, people)?;
    for application in &snapshot.applications {
        history_has_no_gaps(application, snapshot)?;
    }
    what_is_not_wanted_is_cancelled(snapshot)
}

fn applications_are_as_expected(reference: &Reference, snapshot: &Snapshot) -> Result<(), String> {
    if reference.applications.len() != snapshot.applications.len() {
        return Err(format!("{} applications are left", snapshot.applications.len()));
    }
    for (id, expected) in &reference.applications {
        let Some(row) = snapshot.application(*id) else { return Err(format!("application {id} is gone")) };
        let wanted = (
            expected.status,
            expected.is_deleted,
            expected.run.clone(),
            expected.submission.as_ref().map(|submission| submission.id),
            expected.waiting.is_some(),
        );
        let actual = (row.status, row.deleted, row.run.clone(), row.submission, row.job.is_some());
        if actual != wanted {
            return Err(format!(
                "application {id} is {actual:?} (status, is deleted, run, submission, waits), and should be {wanted:?}"
            ));
        }
        if row.listed_as_deleted != row.deleted {
            return Err(format!("application {id} is on the list of deleted ones: {}", row.listed_as_deleted));
        }
        // docs/database: nothing was sent while it is a draft or waits, and what counts as applied has a time.
        let has_time = match row.status {
            Draft | PendingSkyvernSubmission => Some(false),
            SubmittedBySkyvern | AppliedManually => Some(true),
            _ => None,
        };
        if has_time.is_some_and(|has_time| has_time != row.applied) {
            return Err(format!(
                "application {id} is {:?}, and has a time of having been sent: {}",
                row.status, row.applied
            ));
        }
    }
    Ok(())
}

fn ledger_is_as_expected(reference: &Reference, snapshot: &Snapshot) -> Result<(), String> {
    let actual: BTreeMap<Uuid, _> =
        snapshot.ledger.iter().map(|row| (row.id, (row.application, row.run.clone(), row.over))).collect();
    let wanted: BTreeMap<Uuid, _> = reference
        .ledger
        .iter()
        .map(|(id, entry)| (*id, (entry.application, entry.run.clone(), entry.is_over)))
        .collect();
    for id in actual.keys().chain(wanted.keys()) {
        if actual.get(id) != wanted.get(id) {
            return Err(format!(
                "submission {id} is {:?} in the ledger (application, run, is over), and should be {:?}",
                actual.get(id),
                wanted.get(id)
            ));
        }
    }
    Ok(())
}

/// One notification for each change that must be told, none for any other, and one push message for each.
fn people_are_told_what_they_must_be(
    reference: &Reference,
    snapshot: &Snapshot,
    people: &[Person],
) -> Result<(), String> {
    let mut actual: Vec<Told> = Vec::new();
    for notification in &snapshot.notifications {
        let person = people.iter().position(|person| person.id == notification.person).unwrap_or(usize::MAX);
        actual.push((person, notification.application, notification.title.clone()));
        if snapshot.job(&format!("notification:{}", notification.id)).is_none() {
            return Err(format!("{:?} is not sent to anybody's phone", notification.title));
        }
    }
    let pushes = snapshot.jobs.iter().filter(|job| job.kind == "push_notification").count();
    if pushes != actual.len() {
        return Err(format!("{pushes} push messages for {} notifications", actual.len()));
    }
    let mut wanted = reference.told.clone();
    actual.sort();
    wanted.sort();
    if actual == wanted {
        return Ok(());
    }
    Err(format!("people are told {actual:?}, and should be told {wanted:?}"))
}

fn history_has_no_gaps(application: &Application, snapshot: &Snapshot) -> Result<(), String> {
    let changes: Vec<&Change> = snapshot.history.iter().filter(|change| change.application == application.id).collect();
    let mut before: Option<&Change> = None;
    for change in &changes {
        let about = || format!("the history of {}: {change:?} after {before:?}", application.id);
        if change.from != before.map(|before| before.to) {
            return Err(format!("there is a gap in {}", about()));
        }
        if before.is_some_and(|before| before.at > change.at) {
            return Err(format!("time goes back in {}", about()));
        }
        if !is_allowed(change) {
            return Err(format!("no rule allows this in {}", about()));
        }
        before = Some(change);
    }
    if before.map(|before| before.to) != Some(application.status) {
        return Err(format!(
            "the history of {} ends with {before:?}, and it is {:?}",
            application.id, application.status
        ));
    }
    let told = snapshot.notifications.iter().filter(|told| told.application == Some(application.id)).count();
    let is_news = |change: &&&Change| match change.source.as_str() {
        "person" => false,
        // Whoever submits it sees what comes of it, unless it had to wait.
        "initiate" => change.to == FailedSkyvernSubmission,
        _ => true,
    };
    let news = changes.iter().filter(is_news).count();
    if told > news {
        return Err(format!("{told} notifications about {news} changes of {}", application.id));
    }
    Ok(())
}

/// Which changes there may be, by who makes them. A person's decision is theirs to change, and what was sent is final for
/// everybody else.
fn is_allowed(change: &Change) -> bool {
    let Some(from) = change.from else { return change.to == Draft && change.source == "person" };
    let to = change.to;
    if change.source == "person" {
        return from != to
            && (is_decision(to)
                || (matches!(to, Draft | PendingSkyvernSubmission)
                    && !matches!(
                        from,
                        ProcessingBySkyvern | SubmittedBySkyvern | InterviewScheduled | OfferReceived
                    )));
    }
    if from == to {
        // Only what a run came to in spite of the status.
        return is_decision(from) || matches!(from, SubmittedBySkyvern | RequiresAttentionManualReview);
    }
    if is_decision(from) || is_decision(to) || from == SubmittedBySkyvern {
        return false;
    }
    let is_at_start = |status: Status| matches!(status, Draft | PendingSkyvernSubmission);
    match change.source.as_str() {
        "initiate" | "queue" => {
            is_at_start(from) && (is_at_start(to) || matches!(to, ProcessingBySkyvern | FailedSkyvernSubmission))
        }
        "skyvern_webhook" | "skyvern_inbox" | "reconciler" => !is_at_start(to),
        _ => false,
    }
}

/// docs/functions/job-runner.md#runs-that-nobody-wants: the cancellation is queued in the same transaction.
fn what_is_not_wanted_is_cancelled(snapshot: &Snapshot) -> Result<(), String> {
    for submission in snapshot.ledger.iter().filter(|submission| !submission.over) {
        let is_wanted = submission.application.and_then(|id| snapshot.application(id)).is_some_and(|application| {
            let is_current = application.submission == Some(submission.id)
                || (application.run.is_some() && application.run == submission.run);
            is_current
                && !application.deleted
                && !stops_runs(application.status)
                && application.status != SubmittedBySkyvern
        });
        let by_title = snapshot.cancellation(&submission.id.to_string());
        let by_run = submission.run.as_ref().and_then(|run| snapshot.cancellation(run));
        // A job that found no run of the submission has done its work, unless one was recorded afterwards.
        let is_cancelled = by_run.is_some() || by_title.is_some_and(Job::is_open);
        if !is_wanted && !is_cancelled {
            return Err(format!("nobody wants {submission:?}, and nothing cancels it"));
        }
    }
    Ok(())
}

/// Nothing is pending for ever.
pub fn rests(snapshot: &Snapshot) -> Result<(), String> {
    for application in &snapshot.applications {
        let is_pending =
            application.status == ProcessingBySkyvern || application.submission.is_some() || application.job.is_some();
        if is_pending {
            return Err(format!("{application:?} is still pending"));
        }
    }
    if let Some(submission) = snapshot.ledger.iter().find(|submission| !submission.over) {
        return Err(format!("{submission:?} is still in progress, as the ledger says"));
    }
    if let Some(job) = snapshot.jobs.iter().find(|job| job.is_open()) {
        return Err(format!("{job:?} is still to be done"));
    }
    Ok(())
}

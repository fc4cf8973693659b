//! How a vendor fails us: one type for every vendor, read from a response in one place, and made a [`Problem`] in one
//! place. What differs between vendors is data in their own `fault.rs`.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::{
    outgoing::{Failure, Response, retry_after},
    problem::{Kind, Problem, VendorProblem},
};

/// After how long a vendor that rate limits us may be asked again, unless it says so itself.
const RATE_LIMIT_PAUSE: Duration = Duration::from_mins(1);

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Our credentials are not accepted.
    Unauthorized,
    /// There is no money left in our account.
    CreditsExhausted,
    /// The requests of our plan are used up.
    QuotaSpent,
    /// The path that we ask for does not exist.
    UnknownPath,
    /// Too many requests in a short time.
    RateLimited,
    /// This request will never be accepted.
    Rejected,
    /// The vendor itself failed, or wants to redirect us. Redirects are not followed.
    Failed,
    /// No response in time.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// A success that is not in the expected form.
    Unreadable,
    /// It was not called: its circuit breaker is open.
    Paused,
}

/// One way in which one vendor fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Fault {
    /// What kind it is.
    pub kind: FaultKind,
    /// The stable code, `<vendor>_<kind>`.
    pub code: &'static str,
    /// The problem's title.
    pub title: &'static str,
    /// The sentence for the caller.
    pub detail: &'static str,
    /// How long the vendor asks us to wait, or its circuit breaker.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// The same with the time after which another call makes sense.
    #[must_use]
    pub fn retried_after(self, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..self }
    }
}

impl Serialize for Fault {
    /// As its code.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

/// All the ways in which one vendor fails.
#[derive(Debug)]
pub struct Faults {
    /// The vendor's name for people.
    pub vendor: &'static str,
    /// [`FaultKind::Unauthorized`].
    pub unauthorized: Fault,
    /// [`FaultKind::RateLimited`].
    pub rate_limited: Fault,
    /// [`FaultKind::Rejected`].
    pub rejected: Fault,
    /// [`FaultKind::Failed`].
    pub failed: Fault,
    /// [`FaultKind::TimedOut`].
    pub timed_out: Fault,
    /// [`FaultKind::Unreachable`].
    pub unreachable: Fault,
    /// [`FaultKind::Unreadable`].
    pub unreadable: Fault,
    /// [`FaultKind::Paused`].
    pub paused: Fault,
    /// Those that other vendors do not have.
    pub own: &'static [Fault],
    /// What HTTP statuses mean where it differs from what they mean for other vendors.
    pub own_statuses: &'static [(u16, Fault)],
}

impl Faults {
    /// Each fault, once.
    pub fn all(&self) -> impl Iterator<Item = Fault> {
        let common = [
            self.unauthorized,
            self.rate_limited,
            self.rejected,
            self.failed,
            self.timed_out,
            self.unreachable,
            self.unreadable,
            self.paused,
        ];
        common.into_iter().chain(self.own.iter().copied())
    }

    /// The fault with this code.
    #[must_use]
    pub fn with_code(&self, code: &str) -> Option<Fault> {
        self.all().find(|fault| fault.code == code)
    }

    /// The response, if it is a success.
    pub(super) fn success(&self, result: Result<Response, Failure>) -> Result<Response, Fault> {
        let response = self.response(result)?;
        if response.is_success() { Ok(response) } else { Err(self.refusal(&response)) }
    }

    /// What a response other than 2xx means, and when the vendor says that it may be asked again. Only a request that is
    /// [`wanting`](crate::outgoing::Request::wanting) the header has it.
    pub(super) fn refusal(&self, response: &Response) -> Fault {
        self.of_status(response.status).retried_after(retry_after(&response.headers))
    }

    /// The response, whatever its status.
    pub(super) fn response(&self, result: Result<Response, Failure>) -> Result<Response, Fault> {
        result.map_err(|failure| match failure {
            Failure::TimedOut => self.timed_out,
            Failure::Unreachable => self.unreachable,
            Failure::TooLong => self.unreadable,
        })
    }

    /// What a status other than 2xx means.
    pub(super) fn of_status(&self, status: u16) -> Fault {
        if let Some((_, fault)) = self.own_statuses.iter().find(|(own, _)| *own == status) {
            return *fault;
        }
        match status {
            401 | 403 => self.unauthorized,
            // A proxy gave up waiting; the vendor itself may have gone on.
            408 | 504 => self.timed_out,
            429 => self.rate_limited,
            400..=499 => self.rejected,
            // Redirects are not followed, so what happened there is as open as after a failure.
            _ => self.failed,
        }
    }
}

impl From<Fault> for Problem {
    /// A vendor's failure is never reported as ours, nor its status code passed on.
    fn from(fault: Fault) -> Self {
        let status = status(fault.kind);
        let is_for_now = matches!(fault.kind, FaultKind::RateLimited | FaultKind::Paused);
        let retry_after = fault.retry_after.or(is_for_now.then_some(RATE_LIMIT_PAUSE));
        let kind = Kind { status, code: fault.code, title: fault.title };
        Self::Vendor(Box::new(VendorProblem { kind, detail: fault.detail, retry_after }))
    }
}

fn status(kind: FaultKind) -> u16 {
    match kind {
        FaultKind::TimedOut => 504,
        FaultKind::Paused => 503,
        _ => 502,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use super::{Fault, FaultKind};
    use crate::{
        problem::Problem,
        vendors::{FAULTS, expo, skyvern},
    };

    fn suffix(kind: FaultKind) -> &'static str {
        match kind {
            FaultKind::Unauthorized => "unauthorized",
            FaultKind::CreditsExhausted => "credits_exhausted",
            FaultKind::QuotaSpent => "quota_spent",
            FaultKind::UnknownPath => "unknown_path",
            FaultKind::RateLimited => "rate_limited",
            FaultKind::Rejected => "rejected",
            FaultKind::Failed => "failed",
            FaultKind::TimedOut => "timed_out",
            FaultKind::Unreachable => "unreachable",
            FaultKind::Unreadable => "unreadable",
            FaultKind::Paused => "paused",
        }
    }

    #[test]
    fn a_code_is_the_vendor_and_the_kind() {
        for faults in FAULTS {
            let vendor = faults.vendor.to_lowercase();
            for fault in faults.all() {
                assert_eq!(fault.code, format!("{vendor}_{}", suffix(fault.kind)));
                assert_eq!(faults.with_code(fault.code), Some(fault));
            }
            let common = [
                (faults.unauthorized, FaultKind::Unauthorized),
                (faults.rate_limited, FaultKind::RateLimited),
                (faults.rejected, FaultKind::Rejected),
                (faults.failed, FaultKind::Failed),
                (faults.timed_out, FaultKind::TimedOut),
                (faults.unreachable, FaultKind::Unreachable),
                (faults.unreadable, FaultKind::Unreadable),
                (faults.paused, FaultKind::Paused),
            ];
            assert!(common.iter().all(|(fault, kind)| fault.kind == *kind), "{vendor}");
            assert!(faults.own_statuses.iter().all(|(_, fault)| faults.with_code(fault.code).is_some()), "{vendor}");
        }
    }

    #[test]
    fn a_vendors_fault_is_never_reported_as_ours() {
        for fault in FAULTS.iter().flat_map(|faults| faults.all()) {
            let problem = Problem::from(fault);
            let kind = problem.kind();
            let status = match suffix(fault.kind) {
                "timed_out" => 504,
                "paused" => 503,
                _ => 502,
            };
            assert_eq!(kind.status, status, "{}", fault.code);
            assert_eq!((kind.code, kind.title), (fault.code, fault.title));
            assert_eq!(problem.to_string(), fault.detail);
            let is_for_now = matches!(fault.kind, FaultKind::RateLimited | FaultKind::Paused);
            assert_eq!(problem.retry_after(), is_for_now.then_some(Duration::from_mins(1)), "{}", fault.code);
            let asked = Problem::from(fault.retried_after(Some(Duration::from_secs(7)))).retry_after();
            assert_eq!(asked, Some(Duration::from_secs(7)), "{}", fault.code);
        }
    }

    #[test]
    fn every_fault_of_every_vendor_is_listed() {
        let mut written = BTreeSet::new();
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/vendors")).unwrap() {
            let entry = entry.unwrap();
            let Ok(source) = std::fs::read_to_string(entry.path().join("fault.rs")) else { continue };
            let prefix = format!("{}_", entry.file_name().to_str().unwrap());
            let literals = source.split('"').skip(1).step_by(2);
            written.extend(literals.filter(|literal| literal.starts_with(&prefix)).map(str::to_owned));
        }
        let faults = FAULTS.iter().flat_map(|faults| faults.all());
        assert_eq!(faults.map(|fault| fault.code.to_owned()).collect::<BTreeSet<_>>(), written);
    }

    #[test]
    fn what_differs_between_vendors_differs_on_purpose() {
        let open = |fault: Fault| skyvern::leaves_outcome_open(fault);
        let skyvern = &skyvern::FAULTS;
        assert!(
            ![skyvern.unauthorized, skyvern::CREDITS_EXHAUSTED, skyvern.rate_limited, skyvern.rejected, skyvern.paused]
                .map(open)
                .contains(&true)
        );
        assert!(
            ![skyvern.failed, skyvern.timed_out, skyvern.unreachable, skyvern.unreadable].map(open).contains(&false)
        );

        let expo = &expo::FAULTS;
        let passing: Vec<Fault> = expo.all().filter(|fault| expo::is_passing(*fault)).collect();
        assert_eq!(passing, [expo.rate_limited, expo.failed, expo.timed_out, expo.unreachable, expo.unreadable]);
        let hopeless: Vec<Fault> = expo.all().filter(|fault| !expo::may_be_mended(*fault)).collect();
        assert_eq!(hopeless, [expo.rejected]);
    }
}

//! What each function is asked, and what its floor is: the database calls that it makes, sent to PostgREST directly, or
//! the calls to Storage of a function that makes no others.
//!
//! The calls are the types that the functions call SQL with. What the functions themselves are sent is written out, as
//! their clients write it: the types that read it are private to the functions' crates.

mod adzuna_job_search;
mod clerk_webhook_handler;
mod generate_resume_signed_url;
mod initiate_skyvern_application;
mod skyvern_webhook_handler;
mod trigger_push_notification;

use std::str::FromStr;

use shared::supabase::rpc::Rpc;
use toolchain::{Doing as _, Failure, Outcome};

use super::{Contender, connection::post_json, load::Job, scene::Scene};

/// Prepares so many jobs, each with rows of its own: every request has real work to do.
pub type Prepare = fn(&Scene, Contender, usize) -> Outcome<Vec<Job>>;

/// How a function is measured.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Who takes turns in a round.
    pub contenders: &'static [Contender],
    /// Makes what they are given.
    pub prepare: Prepare,
}

impl Workload {
    /// Beside PostgREST.
    const fn new(prepare: Prepare) -> Self {
        Self { contenders: &[Contender::Function, Contender::Floor, Contender::FloorBehindGateway], prepare }
    }

    /// In an isolate each: new tokens in one would crowd out those that another is to remember.
    pub fn isolates(self) -> impl Iterator<Item = Contender> {
        self.contenders.iter().copied().filter(|contender| !contender.is_floor())
    }
}

/// By function.
const WORKLOADS: [(&str, Workload); 6] = [
    (adzuna_job_search::FUNCTION, Workload::new(adzuna_job_search::prepare)),
    ("clerk-webhook-handler", Workload::new(clerk_webhook_handler::prepare)),
    (
        "generate-resume-signed-url",
        Workload {
            contenders: &[Contender::Function, Contender::FunctionWithNewTokens, Contender::StorageFloor],
            prepare: generate_resume_signed_url::prepare,
        },
    ),
    ("initiate-skyvern-application", Workload::new(initiate_skyvern_application::prepare)),
    ("skyvern-webhook-handler", Workload::new(skyvern_webhook_handler::prepare)),
    ("trigger-push-notification", Workload::new(trigger_push_notification::prepare)),
];

/// How a function is measured, if that has been said.
pub fn of(function: &str) -> Option<Workload> {
    WORKLOADS.iter().find(|(name, _)| *name == function).map(|(_, workload)| *workload)
}

/// The request that calls an SQL function.
fn request<R: Rpc>(contender: Contender, headers: &[(&str, &str)], call: &R) -> Outcome<Vec<u8>> {
    let prefix = if contender == Contender::FloorBehindGateway { "/rest/v1" } else { "" };
    post_json(&format!("{prefix}/rpc/{}", R::NAME), headers, call).doing(|| format!("write a call of {}", R::NAME))
}

/// An id as the database prints it.
fn id<Id: FromStr>(text: &str) -> Outcome<Id> {
    text.parse().map_err(|_| Failure::new(format!("the database returned {text} as an id")))
}

#[cfg(test)]
mod tests {
    use super::WORKLOADS;
    use crate::Contender;

    #[test]
    fn every_function_has_a_floor_and_an_isolate_to_be_measured_in() {
        for (function, workload) in WORKLOADS {
            assert!(workload.contenders.iter().any(|contender| contender.is_floor()), "{function}");
            assert!(workload.isolates().any(|contender| contender == Contender::Function), "{function}");
        }
    }
}

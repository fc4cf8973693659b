//! What a run is to do, as its caller or the schedule wants it.

use serde_json::{Value, json};
use shared::{
    http::Incoming,
    problem::{FieldError, Problem},
};

use crate::job_type::JobType;

/// What a run is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RunRequest {
    /// The types of jobs.
    pub(crate) job_types: Vec<JobType>,
    /// How many runs have requested the next one before this.
    pub(crate) successor: u64,
}

impl RunRequest {
    /// Everything that this runner knows.
    pub(crate) fn everything() -> Self {
        Self { job_types: JobType::ALL.to_vec(), successor: 0 }
    }

    /// The types that are run for a caller who names none: all but those that take longer than callers wait.
    fn everything_short() -> Vec<JobType> {
        JobType::ALL.iter().copied().filter(|job_type| !job_type.takes_minutes()).collect()
    }

    /// From the body `{job_types, successor}`, both of which may be absent.
    pub(crate) fn read(incoming: &Incoming) -> Result<Self, Problem> {
        let body: Value = incoming.json()?;
        let mut errors = Vec::new();
        let mut refuse = |field, message: &str| errors.push(FieldError { field, message: message.to_owned() });
        let job_types = match &body["job_types"] {
            Value::Null => Self::everything_short(),
            Value::Array(names) => {
                let known: Vec<JobType> = names.iter().filter_map(Value::as_str).filter_map(JobType::by_name).collect();
                if known.is_empty() || known.len() < names.len() {
                    refuse("job_types", "must name types that this runner knows");
                }
                known
            }
            _ => {
                refuse("job_types", "must be a list of names");
                Vec::new()
            }
        };
        let successor = match &body["successor"] {
            Value::Null => 0,
            number => number.as_u64().unwrap_or_else(|| {
                refuse("successor", "must be a whole number");
                0
            }),
        };
        if !body.is_object() {
            refuse("body", "must be a JSON object");
        }
        if errors.is_empty() { Ok(Self { job_types, successor }) } else { Err(Problem::InvalidInput(errors)) }
    }

    /// The body that asks for the next run.
    pub(crate) fn next(&self) -> Value {
        let short = self.job_types.iter().filter(|job_type| !job_type.takes_minutes());
        json!({ "job_types": short.map(|job_type| job_type.name()).collect::<Vec<_>>(), "successor": self.successor + 1 })
    }

    /// The names of the types.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.job_types.iter().map(|job_type| job_type.name()).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::http::{Incoming, Method};

    use super::RunRequest;
    use crate::job_type::JobType;

    fn read(body: &serde_json::Value) -> Option<RunRequest> {
        RunRequest::read(&Incoming {
            method: Method::Post,
            url: "https://api.example.com/".parse().unwrap(),
            headers: [("content-type".to_owned(), "application/json".to_owned())].into_iter().collect(),
            body: body.to_string().into_bytes(),
        })
        .ok()
    }

    #[test]
    fn nothing_said_is_everything_that_is_short() {
        let job_types = read(&json!({})).unwrap().job_types;
        let left_out: Vec<_> = JobType::ALL.iter().filter(|job_type| !job_types.contains(job_type)).collect();
        assert_eq!(left_out, [&JobType::JobSync, &JobType::SubmitApplication]);
        assert_eq!(read(&RunRequest::everything().next()).unwrap().job_types, job_types);
        assert!(read(&json!({ "job_types": ["job_sync"] })).is_some());
    }

    #[test]
    fn the_next_run_is_asked_for_the_same_types() {
        let request = RunRequest { job_types: vec![JobType::NoOperation], successor: 2 };
        assert_eq!(read(&request.next()), Some(RunRequest { successor: 3, ..request }));
    }

    #[test]
    fn what_this_runner_does_not_know_is_refused() {
        for body in [
            json!({ "job_types": ["no_such_type"] }),
            json!({ "job_types": [] }),
            json!({ "job_types": "no_operation" }),
            json!({ "successor": -1 }),
            json!([]),
        ] {
            assert_eq!(read(&body), None, "{body}");
        }
    }
}

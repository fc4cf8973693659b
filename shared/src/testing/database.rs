//! A database that is not there, or not well.

use serde_json::json;

use super::Machine;
use crate::outgoing::Failure;

/// How often a call is made while the database is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempts {
    /// Once: it must not be repeated.
    One,
    /// Three times: it does the same twice as once.
    Three,
}

/// Machines on which the next call of an SQL function fails, one for each way in which it can, with the code of the problem
/// that the failure is. `before` plans what comes before that call.
#[must_use]
pub fn failing_databases(
    function: &str,
    attempts: Attempts,
    before: impl Fn() -> Machine,
) -> Vec<(Machine, &'static str)> {
    let path = &format!("/rest/v1/rpc/{function}");
    let refused =
        |machine: Machine, status, code| machine.responds(path, status, json!({ "code": code, "message": "" }));
    let unavailable: [&dyn Fn(Machine) -> Machine; 5] = [
        &|machine| machine.fails(path, Failure::Unreachable),
        &|machine| refused(machine, 503, "PGRST000"),
        // A deadlock.
        &|machine| refused(machine, 500, "40P01"),
        &|machine| machine.responds_with(path, 502, &[], "<html>Bad gateway</html>"),
        &|machine| machine.responds_with(path, 200, &[], "<html>Down for maintenance</html>"),
    ];
    let repeated = |way: &dyn Fn(Machine) -> Machine| match attempts {
        Attempts::One => way(before()),
        Attempts::Three => way(way(way(before()))),
    };
    let timed_out =
        [before().fails(path, Failure::TimedOut), refused(before(), 500, "57014"), refused(before(), 504, "PGRST003")];
    let unavailable = unavailable.map(|way| (repeated(way), "database_unavailable"));
    let timed_out = timed_out.map(|machine| (machine, "database_timed_out"));
    let misunderstood = (refused(before(), 404, "PGRST202"), "internal");
    unavailable.into_iter().chain(timed_out).chain([misunderstood]).collect()
}

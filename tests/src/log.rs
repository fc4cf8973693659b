//! What the functions wrote into their log.

use std::fs;

use crate::stack::Stack;
use crate::wait::eventually;

impl Stack {
    /// The log of the functions, once it has the lines of all these requests: a response reaches its caller before
    /// anything of it is in the log, so what is looked for too early is not found, whether it is written or not.
    ///
    /// # Panics
    /// If a line does not come.
    pub async fn log_with(&self, request_ids: &[String]) -> String {
        assert!(request_ids.iter().all(|id| !id.is_empty()), "a request without an id is never found in the log");
        let file = self.description().log_dir.join("functions.log");
        eventually("each request is in the log", async || {
            let log = fs::read_to_string(&file).unwrap_or_default();
            request_ids.iter().all(|id| log.contains(id)).then_some(log)
        })
        .await
    }
}

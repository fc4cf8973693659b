//! Which lines somebody wants to see.

use super::line::Line;

/// All that is given must hold; the runtime's own lines are about no request, so that any filter leaves them out.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) request_id: Option<String>,
    pub(super) function: Option<String>,
}

impl Filter {
    pub(super) fn lets_through(&self, line: &Line) -> bool {
        let (request_id, function) = match line {
            Line::Work(work) => (Some(&work.request_id), Some(&work.function)),
            Line::Remark(remark) => (Some(&remark.request_id), None),
            Line::Runtime(_) => (None, None),
        };
        let holds = |wanted: &Option<String>, found: Option<&String>| match wanted {
            Some(wanted) => found.is_some_and(|found| found.eq_ignore_ascii_case(wanted)),
            None => true,
        };
        holds(&self.request_id, request_id) && holds(&self.function, function)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Filter;
    use crate::logs::line::Line;

    const FIRST: &str = "e9a7b047-a0c4-40bb-860b-0ff1d466b943";
    const SECOND: &str = "10272c42-451c-4747-9dea-c268ab788627";

    fn lines() -> [Line; 5] {
        let work = |function: &str, request_id: &str| {
            let line = json!({
                "time": "2026-11-20T13:43:40.201Z", "function": function, "request_id": request_id, "status": 200,
                "duration_ms": 5, "upstream": [], "outcome": "ok",
            });
            Line::read(&line.to_string())
        };
        let remark = json!({ "request_id": FIRST, "service_binding": "push", "outcome": "TimedOut" }).to_string();
        [
            work("webhook", FIRST),
            work("push", FIRST),
            work("push", SECOND),
            Line::read(&remark),
            Line::read("workerd starts"),
        ]
    }

    fn shown(request_id: Option<&str>, function: Option<&str>) -> Vec<usize> {
        let filter = Filter { request_id: request_id.map(str::to_owned), function: function.map(str::to_owned) };
        lines().iter().enumerate().filter(|(_, line)| filter.lets_through(line)).map(|(number, _)| number).collect()
    }

    #[test]
    fn without_a_filter_everything_is_shown() {
        assert_eq!(shown(None, None), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_request_is_followed_through_the_functions() {
        assert_eq!(shown(Some(FIRST), None), [0, 1, 3]);
        assert_eq!(shown(Some(&FIRST.to_uppercase()), None), [0, 1, 3], "however its id is written");
    }

    #[test]
    fn a_function_is_shown_alone() {
        assert_eq!(shown(None, Some("push")), [1, 2]);
    }

    #[test]
    fn several_filters_mean_all_of_them() {
        assert_eq!(shown(Some(FIRST), Some("push")), [1]);
    }
}

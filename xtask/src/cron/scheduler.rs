//! Fires the crons of a stack while it runs.

use std::{
    collections::BTreeSet,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

use chrono::{DateTime, Timelike as _, Utc};

use super::{Trigger, firing::fire};
use toolchain::{Outcome, progress::say};

/// Fires what is due until it is dropped. Invocations that are still running then end with the stack, without a message.
#[derive(Debug)]
pub struct Scheduler {
    news: Sender<News>,
}

/// What the scheduler hears of.
#[derive(Debug)]
enum News {
    /// A scheduled invocation has ended.
    Fired { function: String, outcome: Outcome },
    /// The stack ends.
    Over,
}

impl Scheduler {
    /// Starts ticking.
    pub fn start(functions_url: &str, triggers: Vec<Trigger>) -> Self {
        let (news, heard) = mpsc::channel();
        let mut firings = Firings::new(functions_url, news.clone());
        thread::spawn(move || firings.go_on(&triggers, &heard));
        Self { news }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        let _ = self.news.send(News::Over);
    }
}

/// The runs that go on.
struct Firings {
    functions_url: String,
    under_way: BTreeSet<String>,
    news: Sender<News>,
}

impl Firings {
    fn new(functions_url: &str, news: Sender<News>) -> Self {
        Self { functions_url: functions_url.to_owned(), under_way: BTreeSet::new(), news }
    }

    fn go_on(&mut self, triggers: &[Trigger], heard: &Receiver<News>) {
        let mut looked_at = Utc::now();
        loop {
            match heard.recv_timeout(to_next_minute(Utc::now())) {
                Ok(News::Fired { function, outcome }) => self.end(&function, &outcome),
                Ok(News::Over) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Utc::now();
            for trigger in triggers.iter().filter(|trigger| trigger.is_due(looked_at, now)) {
                self.begin(trigger);
            }
            looked_at = now;
        }
    }

    /// Fires a cron, unless a scheduled invocation of the same function is still running: then this one is skipped.
    fn begin(&mut self, trigger: &Trigger) {
        if !self.under_way.insert(trigger.function.clone()) {
            return;
        }
        let (functions_url, trigger, news) = (self.functions_url.clone(), trigger.clone(), self.news.clone());
        thread::spawn(move || {
            let outcome = fire(&functions_url, &trigger).map(drop);
            let _ = news.send(News::Fired { function: trigger.function, outcome });
        });
    }

    fn end(&mut self, function: &str, outcome: &Outcome) {
        self.under_way.remove(function);
        if let Err(failure) = outcome {
            say!("{failure}");
        }
    }
}

/// Crons are due at full minutes.
fn to_next_minute(now: DateTime<Utc>) -> Duration {
    let into_minute = Duration::new(now.second().into(), now.nanosecond() % 1_000_000_000);
    Duration::from_mins(1).saturating_sub(into_minute)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Write as _},
        net::TcpListener,
        sync::mpsc::{self, Receiver, Sender},
        thread,
    };

    use super::{Firings, News, to_next_minute};
    use crate::cron::trigger::tests::trigger;

    /// Functions that tell which request they got, and answer what and when they are told to.
    struct Functions {
        url: String,
        requests: Receiver<String>,
        answers: Sender<&'static str>,
    }

    impl Functions {
        fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let (asked, requests) = mpsc::channel();
            let (answers, to_answer) = mpsc::channel();
            thread::spawn(move || {
                for connection in listener.incoming() {
                    let mut connection = connection.unwrap();
                    let lines = BufReader::new(connection.try_clone().unwrap()).lines().map(Result::unwrap);
                    let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
                    asked.send(head.join("\n").to_lowercase()).unwrap();
                    let Ok(answer) = to_answer.recv() else { return };
                    write!(connection, "HTTP/1.1 {answer}").unwrap();
                }
            });
            Self { url, requests, answers }
        }
    }

    const OK: &str = "200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    const EXCEPTION: &str = "500 No\r\nconnection: close\r\ncontent-length: 18\r\n\r\nexception\n  at what";

    fn end_of_run(firings: &mut Firings, heard: &Receiver<News>) -> Result<(), String> {
        let News::Fired { function, outcome } = heard.recv().unwrap() else { panic!("a run ended") };
        firings.end(&function, &outcome);
        outcome.map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_cron_is_fired_at_its_worker() {
        let functions = Functions::start();
        let (news, heard) = mpsc::channel();
        let mut firings = Firings::new(&functions.url, news);

        firings.begin(&trigger("runner", "*/5 * * * *"));

        let request = functions.requests.recv().unwrap();
        assert!(request.starts_with("get /cdn-cgi/handler/scheduled?cron="), "{request}");
        assert!(request.contains("\nmf-route-override: runner"), "{request}");
        functions.answers.send(OK).unwrap();
        end_of_run(&mut firings, &heard).unwrap();
    }

    #[test]
    fn scheduled_invocations_of_a_function_do_not_overlap() {
        let functions = Functions::start();
        let (news, heard) = mpsc::channel();
        let mut firings = Firings::new(&functions.url, news);

        firings.begin(&trigger("runner", "* * * * *"));
        functions.requests.recv().unwrap();
        firings.begin(&trigger("runner", "0 3 * * *"));
        functions.answers.send(OK).unwrap();
        end_of_run(&mut firings, &heard).unwrap();

        firings.begin(&trigger("runner", "7 7 * * *"));
        let next = functions.requests.recv().unwrap();
        assert!(next.contains("cron=7"), "the one in between was left out: {next}");
    }

    #[test]
    fn a_run_that_fails_is_told_in_one_line_and_does_not_stop_the_next() {
        let functions = Functions::start();
        let (news, heard) = mpsc::channel();
        let mut firings = Firings::new(&functions.url, news);

        functions.answers.send(EXCEPTION).unwrap();
        firings.begin(&trigger("runner", "* * * * *"));
        let told = end_of_run(&mut firings, &heard).unwrap_err();
        assert!(told.contains("runner") && told.contains("exception") && !told.contains('\n'), "{told}");

        functions.answers.send(OK).unwrap();
        firings.begin(&trigger("runner", "* * * * *"));
        end_of_run(&mut firings, &heard).unwrap();
    }

    #[test]
    fn a_function_that_is_not_there_is_told_too() {
        let (news, heard) = mpsc::channel();
        let mut firings = Firings::new("http://127.0.0.1:9", news);

        firings.begin(&trigger("runner", "* * * * *"));

        let told = end_of_run(&mut firings, &heard).unwrap_err();
        assert!(told.contains("no answer") && !told.contains('\n'), "{told}");
    }

    #[test]
    fn the_scheduler_looks_again_at_the_full_minute() {
        let now = "2026-11-20T03:16:42.250Z".parse().unwrap();

        assert_eq!(to_next_minute(now).as_millis(), 17_750);
    }
}

//! The crons of `wrangler.toml`.

use std::{collections::BTreeMap, fs};

use chrono::{DateTime, Utc};
use saffron::Cron;
use serde::Deserialize;

use toolchain::{Doing as _, Failure, Outcome, Project};

/// One cron of one function.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// The function.
    pub function: String,
    /// What it is called where it runs.
    pub worker: String,
    /// The cron as it is written, which the function gets to see.
    pub cron: String,
    times: Cron,
}

impl Trigger {
    /// Whether it was due after a moment, up to another one and including that. Crons are UTC, as they are where the
    /// functions are deployed.
    pub fn is_due(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> bool {
        self.times.next_after(after).is_some_and(|time| time <= until)
    }
}

/// All triggers of the project.
pub fn of_project(project: &Project) -> Outcome<Vec<Trigger>> {
    let file = project.root.join("wrangler.toml");
    read(&fs::read_to_string(&file).doing(|| format!("read {}", file.display()))?)
}

#[derive(Deserialize)]
struct Configuration {
    #[serde(rename = "env")]
    environments: BTreeMap<String, Environment>,
}

#[derive(Deserialize)]
struct Environment {
    name: String,
    #[serde(default)]
    triggers: Triggers,
}

#[derive(Default, Deserialize)]
struct Triggers {
    #[serde(default)]
    crons: Vec<String>,
}

fn read(text: &str) -> Outcome<Vec<Trigger>> {
    let configuration: Configuration =
        toml::from_str(text).map_err(|error| Failure::new(format!("wrangler.toml is broken: {error}")))?;
    let mut triggers = Vec::new();
    for (function, Environment { name, triggers: Triggers { crons } }) in configuration.environments {
        for cron in crons {
            let times = cron.parse().map_err(|_| {
                Failure::new(format!(
                    "wrangler.toml gives {function} the cron \"{cron}\", which Cloudflare cannot read"
                ))
            })?;
            triggers.push(Trigger { function: function.clone(), worker: name.clone(), cron, times });
        }
    }
    Ok(triggers)
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::{DateTime, Utc};

    use super::{Trigger, read};

    pub fn trigger(function: &str, cron: &str) -> Trigger {
        let text = format!("[env.{function}]\nname = \"{function}\"\ntriggers = {{ crons = [\"{cron}\"] }}");
        read(&text).unwrap().remove(0)
    }

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().unwrap()
    }

    #[test]
    fn each_function_has_the_crons_of_its_environment() {
        let text = r#"
            compatibility_date = "2026-04-01"
            [env.runner]
            name = "the-runner"
            [env.runner.triggers]
            crons = ["* * * * *", "0 3 * * *"]
            [env.web]
            name = "web"
            routes = [{ pattern = "api.example/web*", zone_name = "example" }]"#;

        let triggers = read(text).unwrap();

        let shown: Vec<_> = triggers
            .iter()
            .map(|trigger| [&trigger.function, &trigger.worker, &trigger.cron].map(String::as_str))
            .collect();
        assert_eq!(shown, [["runner", "the-runner", "* * * * *"], ["runner", "the-runner", "0 3 * * *"]]);
    }

    #[test]
    fn the_projects_own_crons_can_be_read() {
        let triggers = read(include_str!("../../../wrangler.toml")).unwrap();

        assert!(triggers.iter().any(|trigger| trigger.function == "job-runner" && trigger.cron == "* * * * *"));
    }

    #[test]
    fn a_cron_that_is_none_is_named() {
        let text = "[env.runner]\nname = \"runner\"\ntriggers = { crons = [\"every minute\"] }";

        let failure = read(text).unwrap_err().to_string();

        assert!(failure.contains("runner") && failure.contains("every minute"), "{failure}");
    }

    #[test]
    fn a_cron_is_due_once_however_often_one_looks() {
        let daily = trigger("sync", "17 3 * * *");

        assert!(!daily.is_due(at("2026-11-20T03:16:00Z"), at("2026-11-20T03:16:59.999Z")), "too early");
        assert!(daily.is_due(at("2026-11-20T03:16:59.999Z"), at("2026-11-20T03:17:00Z")));
        assert!(!daily.is_due(at("2026-11-20T03:17:00Z"), at("2026-11-20T03:17:59Z")), "once a day");
        assert!(daily.is_due(at("2026-11-19T12:00:00Z"), at("2026-11-20T12:00:00Z")), "after a computer's sleep");
    }

    #[test]
    fn weekdays_are_numbered_as_cloudflare_does() {
        let sundays = trigger("sync", "0 0 * * 1");

        assert!(sundays.is_due(at("2026-11-21T23:59:00Z"), at("2026-11-22T00:00:00Z")), "1 is Sunday");
        assert!(!sundays.is_due(at("2026-11-22T23:59:00Z"), at("2026-11-23T00:00:00Z")), "Monday is 2");
    }
}

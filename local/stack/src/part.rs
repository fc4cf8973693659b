//! The parts of a stack by name, each with its start and its readiness check.

use super::{Settings, answers_ok, functions, listens, postgres, postgrest, simulators, supervisor::Supervisor};
use toolchain::{Failure, Outcome};

/// One part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The database.
    Postgres,
    /// The database over HTTP.
    Postgrest,
    /// The gateway and the outside vendors.
    Simulators,
    /// The functions in workerd.
    Functions,
}

impl Part {
    /// All of them, in the order in which they start.
    pub const ALL: [Self; 4] = [Self::Postgres, Self::Postgrest, Self::Simulators, Self::Functions];

    /// What people and `stack.json` call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Postgrest => "postgrest",
            Self::Simulators => "simulators",
            Self::Functions => "functions",
        }
    }

    /// The part of that name.
    pub fn named(name: &str) -> Outcome<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Failure::new(format!("there is no part {name}; the parts are {names}"))
        })
    }

    /// Starts it.
    pub fn start(self, supervisor: &mut Supervisor, settings: &Settings) -> Outcome {
        let program = match self {
            Self::Postgres => postgres::program(settings)?,
            Self::Postgrest => postgrest::program(settings)?,
            Self::Simulators => simulators::program(settings),
            Self::Functions => functions::program(settings)?,
        };
        supervisor.launch(&program)
    }

    /// Waits until it does its work.
    pub fn wait_until_ready(self, supervisor: &mut Supervisor, settings: &Settings) -> Outcome {
        let ports = settings.ports;
        match self {
            Self::Postgres => postgres::wait_until_ready(supervisor, settings),
            Self::Postgrest => {
                let url = format!("{}/ready", Settings::url(ports.postgrest_admin));
                supervisor.wait_until(self.name(), || answers_ok(&url))
            }
            Self::Simulators => {
                let url = format!("{}/__control/health", Settings::url(ports.simulators));
                supervisor.wait_until(self.name(), || answers_ok(&url) && listens(ports.gateway))
            }
            Self::Functions => supervisor.wait_until(self.name(), || listens(ports.functions)),
        }
    }
}

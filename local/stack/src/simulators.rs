//! The gateway and the simulators of outside vendors: the program of the package `simulators`.

use super::{Settings, part::Part, protocol::Program, supervisor::Supervisor};
use toolchain::{Failure, Outcome};

/// Makes the keys of the stack, unless it has them.
pub(super) fn make_keys(supervisor: &mut Supervisor, settings: &Settings) -> Outcome {
    let folder = settings.folder.display().to_string();
    let keys = settings.program("keys", &settings.simulators, &["keys", "--state-dir", &folder]);
    supervisor
        .run(&keys)?
        .map_err(|_| Failure::new(format!("the keys of the stack cannot be made{}", supervisor.end_of_log("keys"))))
}

pub(super) fn program(settings: &Settings) -> Program {
    let ports = settings.ports;
    let mut program = settings.program(Part::Simulators.name(), &settings.simulators, &["serve"]);
    let mut set = |name: &str, value: String| program.arguments.extend([format!("--{name}"), value]);
    set("state-dir", settings.folder.display().to_string());
    set("listen", format!("127.0.0.1:{}", ports.simulators));
    set("gateway-listen", format!("127.0.0.1:{}", ports.gateway));
    set("postgrest", Settings::url(ports.postgrest));
    set("functions", Settings::url(ports.functions));
    set("database", settings.database_url("supabase_admin"));
    if let Some(milliseconds) = settings.options.skyvern_finishes_after {
        set("skyvern-finishes-after-ms", milliseconds.to_string());
    }
    program
}

//! A database by itself, for one piece of work: PostgreSQL as hosted Supabase hands it over, with the migrations, without rows.

use std::{fs, path::PathBuf};

use toolchain::{Doing as _, Outcome, Project, setup::StackTools};

use super::{Options, Settings, choose_ports, postgres, prepare_folder, supervisor::Supervisor};

/// Makes it, gives its URL as a superuser to `work`, and takes it away again.
pub fn with_migrated_database<Done>(
    project: &Project,
    tools: StackTools,
    work: impl FnOnce(&str) -> Outcome<Done>,
) -> Outcome<Done> {
    let options = Options::throw_away("database", None);
    let folder = project.stack_folder(&options.name);
    fs::create_dir_all(&folder).doing(|| format!("make {}", folder.display()))?;
    let mut supervisor = Supervisor::start(&project.program, &folder.join("lock"))?;
    supervisor.remove_at_end(vec![folder.clone()]);
    prepare_folder(&folder, options.fresh)?;
    let ports = choose_ports(&options)?;
    let settings = Settings { project: project.clone(), options, tools, simulators: PathBuf::new(), folder, ports };
    postgres::start_and_migrate(&mut supervisor, &settings)?;
    work(&settings.database_url("supabase_admin"))
}

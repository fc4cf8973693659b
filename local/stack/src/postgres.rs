//! PostgreSQL: made on the first start, with what hosted Supabase provides, the migrations and the seed.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest as _, Sha256};

use super::{Settings, part::Part, protocol::Program, supervisor::Supervisor, template};
use toolchain::{Doing as _, Failure, Outcome, command, progress::say, project::hex, users};

use crate::database;

/// Written when a data folder has everything that hosted Supabase provides: the hash of what it was made from.
const PREPARED: &str = "prepared";

/// Starts PostgreSQL and brings its schema up to date.
pub(super) fn start_and_migrate(supervisor: &mut Supervisor, settings: &Settings) -> Outcome {
    let data = data_folder(settings);
    let hosted = settings.project.root.join("local/stack/hosted_supabase.sql");
    let hosted_hash = hash_of(&hosted)?;
    let mut prepared_from = fs::read_to_string(settings.folder.join(PREPARED)).ok().filter(|_| data.exists());
    if prepared_from.is_none() {
        forget_cluster(settings, &data);
        if template::copy_to(settings, &data)? {
            say!("· starting PostgreSQL, with the database that these migrations made before …");
            mark_prepared(settings, &hosted_hash)?;
            prepared_from = Some(hosted_hash.clone());
        } else {
            say!("· making a database …");
            make_cluster(supervisor, settings, &data)?;
        }
    } else {
        say!("· starting PostgreSQL …");
        clear_after_power_failure(settings, &data)?;
    }
    Part::Postgres.start(supervisor, settings)?;
    wait_until_ready(supervisor, settings)?;
    match prepared_from {
        None => {
            run_sql(supervisor, settings, "supabase_admin", &hosted)?;
            mark_prepared(settings, &hosted_hash)?;
            migrate(supervisor, settings)?;
            return template::keep(supervisor, settings, &data);
        }
        Some(hash) if hash != hosted_hash => {
            say!("  hosted_supabase.sql has changed since this database was made; --fresh makes it anew");
        }
        Some(_) => {}
    }
    migrate(supervisor, settings)
}

fn mark_prepared(settings: &Settings, hosted_hash: &str) -> Outcome {
    fs::write(settings.folder.join(PREPARED), hosted_hash).doing(|| format!("write {PREPARED}"))
}

/// The server. It listens on loopback only, where the well-known password of the stack protects nothing anyway.
pub(super) fn program(settings: &Settings) -> Outcome<Program> {
    let data = data_folder(settings).display().to_string();
    let port = format!("port={}", settings.ports.database);
    // The roles of hosted Supabase preload safeupdate, which is not among PostgreSQL's own libraries.
    let libraries = format!("dynamic_library_path=$libdir:{}", settings.tools.postgresql_libraries.display());
    let mut arguments = vec!["-D", &data, "-c", &port, "-c", &libraries];
    let mut set = |setting| arguments.extend(["-c", setting]);
    set("listen_addresses=127.0.0.1");
    set("unix_socket_directories=");
    set("max_connections=300");
    set("shared_buffers=128MB");
    set("wal_level=logical"); // as hosted, for Realtime's publication
    set("timezone=UTC");
    set("log_line_prefix=%m [%p] %u ");
    if settings.options.throw_away {
        set("fsync=off");
        set("synchronous_commit=off");
        set("full_page_writes=off");
    }
    let mut program = settings.program(Part::Postgres.name(), tool(settings, "postgres"), &arguments);
    program.user = users::unprivileged()?;
    program.folder.clone_from(&settings.folder);
    Ok(program)
}

pub(super) fn wait_until_ready(supervisor: &mut Supervisor, settings: &Settings) -> Outcome {
    let port = settings.ports.database.to_string();
    supervisor.wait_until(Part::Postgres.name(), || {
        let mut ready = Command::new(tool(settings, "pg_isready"));
        command::answer(ready.args(["-q", "-h", "127.0.0.1", "-p", &port])).is_some()
    })
}

fn data_folder(settings: &Settings) -> PathBuf {
    settings.folder.join("postgres")
}

fn tool(settings: &Settings, name: &str) -> PathBuf {
    settings.tools.postgresql_bin.join(name)
}

fn forget_cluster(settings: &Settings, data: &Path) {
    let _ = fs::remove_file(settings.folder.join(PREPARED));
    let _ = fs::remove_file(settings.folder.join(SEEDED));
    let _ = fs::remove_dir_all(data);
}

fn make_cluster(supervisor: &mut Supervisor, settings: &Settings, data: &Path) -> Outcome {
    fs::create_dir_all(data).doing(|| format!("make {}", data.display()))?;
    fs::set_permissions(data, fs::Permissions::from_mode(0o700)).doing(|| format!("close {}", data.display()))?;
    let user = users::unprivileged()?;
    if let Some(user) = user {
        chown(data, Some(user.uid), Some(user.gid)).doing(|| format!("give away {}", data.display()))?;
    }
    let locale = if cfg!(target_os = "macos") { "--locale=en_US.UTF-8" } else { "--locale=C.UTF-8" };
    let folder = data.display().to_string();
    let arguments = [
        "-D",
        &folder,
        "-U",
        "supabase_admin",
        "--auth=trust",
        "--encoding=UTF8",
        locale,
        "--no-instructions",
        "--no-sync",
    ];
    let mut initdb = settings.program("initdb", tool(settings, "initdb"), &arguments);
    initdb.user = user;
    initdb.folder.clone_from(&settings.folder);
    supervisor.run(&initdb)?.map_err(|how| {
        let log = supervisor.end_of_log("initdb");
        let failure = Failure::new(format!("initdb {how}{log}"));
        match user {
            Some(_) => failure.mend("export JOBRAKER_CACHE_DIR=<a folder that the user nobody can enter>"),
            None => failure,
        }
    })
}

/// After a power failure the file of a server that is gone would keep the new one from starting, if its process id
/// belongs to another process of the same user by now. A server that really still runs (because its guardian was
/// killed, too) is stopped.
fn clear_after_power_failure(settings: &Settings, data: &Path) -> Outcome {
    let file = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&file) else {
        return Ok(());
    };
    let pid = text.lines().next().unwrap_or_default();
    let running = command::answer(Command::new("ps").args(["-o", "comm=", "-p", pid]));
    if running.is_some_and(|program| program.contains("postgres")) {
        let mut stop = Command::new(tool(settings, "pg_ctl"));
        stop.args(["stop", "--wait", "--mode=fast", "-D"]).arg(data);
        if let Some(user) = users::unprivileged()? {
            use std::os::unix::process::CommandExt as _;
            stop.uid(user.uid).gid(user.gid).current_dir(&settings.folder);
        }
        return command::run_logged(&mut stop, &settings.log("pg_ctl"));
    }
    fs::remove_file(&file).doing(|| format!("remove {}", file.display()))
}

fn run_sql(supervisor: &mut Supervisor, settings: &Settings, role: &str, file: &Path) -> Outcome {
    let url = settings.database_url(role);
    let path = file.display().to_string();
    let arguments = [
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        "--single-transaction",
        "--output=/dev/null",
        "--file",
        &path,
        &url,
    ];
    let psql = settings.program("psql", tool(settings, "psql"), &arguments);
    supervisor
        .run(&psql)?
        .map_err(|_| Failure::new(format!("{} does not run{}", file.display(), supervisor.end_of_log("psql"))))
}

/// With the Supabase CLI, as in production. It takes seconds to find that there is nothing to do, so that is asked first.
fn migrate(supervisor: &mut Supervisor, settings: &Settings) -> Outcome {
    let url = settings.database_url("postgres");
    let psql = database::Psql::new(&settings.tools.postgresql_bin, &url);
    let files = database::migrations(&settings.project)?;
    let applied = psql.applied_versions()?;
    let pending = files.iter().filter(|file| !applied.contains(&file.version)).count();
    if pending == 0 && applied.len() == files.len() {
        return Ok(());
    }
    say!("· applying {pending} migrations …");
    let mut push = settings.program("migrations", settings.tools.node.program("supabase"), &[]);
    push.arguments = database::push_arguments(&url);
    push.environment = database::cli_environment();
    supervisor.run(&push)?.map_err(|_| {
        let log = supervisor.end_of_log("migrations");
        Failure::new(format!("the migrations cannot be applied{log}"))
            .mend("cargo xtask dev --fresh, if an applied migration was changed or taken away")
    })
}

/// Written when the seed was planted: its hash.
const SEEDED: &str = "seeded";

/// Plants the demo data, unless that is done already.
pub(super) fn seed(supervisor: &mut Supervisor, settings: &Settings) -> Outcome {
    let seed = settings.project.root.join("supabase/seed.sql");
    let hash = hash_of(&seed)?;
    let mark = settings.folder.join(SEEDED);
    if fs::read_to_string(&mark).is_ok_and(|planted| planted == hash) {
        return Ok(());
    }
    run_sql(supervisor, settings, "postgres", &seed)?;
    fs::write(&mark, hash).doing(|| format!("write {}", mark.display()))
}

fn hash_of(file: &Path) -> Outcome<String> {
    fs::read(file).map(|bytes| hex(&Sha256::digest(bytes))).doing(|| format!("read {}", file.display()))
}

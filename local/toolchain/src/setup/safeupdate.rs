//! The library `safeupdate`, which hosted Supabase preloads for the role of PostgREST. PostgreSQL's wheel does not have
//! it, but the header files that it takes to build it; and where Rust is, there is a C compiler for its linker.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest as _, Sha256};

use super::{log_of, postgresql, tool};
use crate::{
    command,
    failure::{Doing as _, Outcome},
    project::{Project, hex},
};

const SOURCE: &str = include_str!("safeupdate.c");

/// Returns the folder of the library, for a PostgreSQL whose programs are in that folder.
pub(super) fn install(project: &Project, postgresql_bin: &Path) -> Outcome<PathBuf> {
    let made_from = hex(&Sha256::digest(SOURCE));
    let name = format!("safeupdate-{}-{}", postgresql::VERSION, made_from.get(..12).unwrap_or_default());
    tool(project, &name, "building safeupdate", |folder| {
        let source = folder.join("safeupdate.c");
        fs::write(&source, SOURCE).doing(|| format!("write {}", source.display()))?;
        let (library, as_a_library): (_, &[&str]) = if cfg!(target_os = "macos") {
            ("safeupdate.dylib", &["-bundle", "-undefined", "dynamic_lookup"])
        } else {
            ("safeupdate.so", &["-shared"])
        };
        let mut compile = Command::new("cc");
        compile.args(["-O2", "-fPIC"]).args(as_a_library);
        compile.arg("-I").arg(postgresql_bin.with_file_name("include").join("postgresql/server"));
        compile.arg("-o").arg(folder.join(library)).arg(&source);
        command::run_logged(&mut compile, &log_of(project, "safeupdate"))
            .map_err(|failure| failure.mend("cc, the linker that Rust uses, must be a C compiler as well"))?;
        postgresql::make_readable(folder)
    })
}

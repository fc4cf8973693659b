//! Survivors that are no gap: `tests/mutants.toml` says of each why.

use std::{fs, path::Path};

use serde::Deserialize;
use toolchain::{Failure, Outcome};

use super::statement::Mutant;

/// One survivor with its argument.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// The migration's file name, or the end of it.
    pub file: String,
    /// As the list of survivors has it.
    pub mutant: String,
    /// Why it does no harm.
    pub because: String,
}

impl Argument {
    /// Whether it is about this one.
    pub fn is_about(&self, mutant: &Mutant) -> bool {
        mutant.file.ends_with(&self.file) && mutant.name() == self.mutant
    }
}

/// All of them.
pub fn read(file: &Path) -> Outcome<Vec<Argument>> {
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        #[serde(default)]
        survivor: Vec<Argument>,
    }
    let text = fs::read_to_string(file).unwrap_or_default();
    let arguments: Arguments =
        toml::from_str(&text).map_err(|error| Failure::new(format!("{} is broken: {error}", file.display())))?;
    Ok(arguments.survivor)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use toolchain::Project;

    use super::read;

    #[test]
    fn the_projects_own_arguments_are_about_mutants_that_exist() {
        let project = Project::find().unwrap();
        let (mutants, ..) = crate::mutate::sql::read_migrations(&project).unwrap();

        for argument in read(&project.root.join("tests/mutants.toml")).unwrap() {
            assert!(mutants.iter().any(|mutant| argument.is_about(mutant)), "{}: {}", argument.file, argument.mutant);
            assert!(argument.because.len() > 20, "{} is argued", argument.mutant);
        }
    }

    #[test]
    fn without_a_file_nothing_is_argued() {
        assert!(read(Path::new("no/such/file.toml")).unwrap().is_empty());
    }
}

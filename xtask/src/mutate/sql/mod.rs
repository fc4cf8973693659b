//! `cargo xtask mutate sql`: takes away or changes one guard of the database at a time, on a stack of its own, and runs the
//! tests that concern it.

mod argued;
mod change;
mod coverage;
mod database;
mod edit;
mod likely;
mod mentions;
mod module;
mod record;
mod report;
mod statement;
mod token;
mod tree;
mod trial;

use std::{collections::BTreeSet, fs};

use local_stack::{Options, Stack, database::migrations};
use sha2::{Digest as _, Sha256};
use toolchain::{
    Doing as _, Failure, Outcome, Project, build,
    progress::{say, step},
    project::hex,
};

use super::Work;
use coverage::Coverage;
use database::Database;
use mentions::Mentions;
use record::{End, Records};
use report::Report;
use statement::Mutant;
use trial::Trial;

/// Runs the SQL mutants.
pub fn run(project: &Project, work: Work) -> Outcome {
    let (mutants, mentions, fingerprint) = read_migrations(project)?;
    let mut chosen = work.chosen(mutants);
    if chosen.is_empty() {
        return Err(Failure::new("no mutant of the migrations matches"));
    }
    if work.list {
        for mutant in chosen {
            say!("{}", mutant.place());
        }
        return Ok(());
    }
    let arguments = argued::read(&project.root.join("tests/mutants.toml"))?;
    fs::create_dir_all(&work.folder).doing(|| format!("make {}", work.folder.display()))?;
    if work.fresh {
        let _ = fs::remove_file(work.folder.join(COVERAGE));
    }
    let records = Records::open(&work.folder.join("sql.jsonl"), work.fresh)?;

    // What nobody has tried yet comes before what has survived so far.
    chosen.sort_by_key(|mutant| records.of(mutant).is_some_and(|record| record.end == End::Survived));

    let modules = step("compiling the tests", || module::modules(project))?;
    let (tools, simulators) = build::everything(project, || build::simulators(project))?;
    let mut stack = Stack::start(project, Options::throw_away("mutate", None), tools, simulators)?;
    let database = Database::prepare(stack.description())?;
    let file = stack.description_file();
    let outcome = stack.attend(move || {
        let mut coverage = Coverage::read(work.folder.join(COVERAGE), mentions);
        say!("· what each of {} modules of tests calls and touches …", modules.len());
        coverage.measure(&modules, &fingerprint, &database, &file)?;
        let mut trial = Trial {
            database,
            stack: file,
            modules,
            coverage,
            records,
            deadline: work.deadline,
            patience: work.patience,
            unreliable: BTreeSet::new(),
        };
        let mut report = Report::new(&work.folder, arguments, chosen.len());
        for mutant in chosen {
            let end = trial.of(&mutant)?;
            report.add(&mutant, end)?;
        }
        report.conclude(work.filters.is_empty())
    });
    stack.stop();
    outcome
}

/// What the tests touch, in the folder of results.
const COVERAGE: &str = "coverage.json";

/// The mutants, who calls which function, and the hash of all files.
fn read_migrations(project: &Project) -> Outcome<(Vec<Mutant>, Mentions, String)> {
    let mut mutants = Vec::new();
    let mut mentions = Mentions::new();
    let mut hash = Sha256::new();
    for migration in migrations(project)? {
        let file = project.root.join("migrations").join(&migration.file);
        let sql = fs::read_to_string(&file).doing(|| format!("read {}", file.display()))?;
        hash.update(&sql);
        mutants.extend(statement::mutants(&migration.file, &sql));
        mentions::collect(&sql, &mut mentions);
    }
    Ok((mutants, mentions, hex(&hash.finalize())[..16].to_owned()))
}

impl Work {
    /// Those that a filter is about, in the order of the filters.
    fn chosen(&self, mutants: Vec<Mutant>) -> Vec<Mutant> {
        if self.filters.is_empty() {
            return mutants;
        }
        let filter_of = |mutant: &Mutant| {
            let place = mutant.place();
            self.filters.iter().position(|filter| place.contains(filter.as_str()))
        };
        let mut chosen: Vec<_> = mutants.into_iter().filter_map(|mutant| Some((filter_of(&mutant)?, mutant))).collect();
        chosen.sort_by_key(|(filter, _)| *filter);
        chosen.into_iter().map(|(_, mutant)| mutant).collect()
    }
}

#[cfg(test)]
mod tests {
    use toolchain::Project;

    use super::read_migrations;

    #[test]
    fn the_projects_own_migrations_have_mutants_of_every_kind() {
        let (mutants, mentions, _) = read_migrations(&Project::find().unwrap()).unwrap();

        let names: Vec<String> = mutants.iter().map(super::Mutant::name).collect();
        for name in [
            "private.claim_application_of: `deleted_at is null` taken away",
            "policy users_update_own: `id = (select public.current_user_id())` taken away",
            "trigger on_application_updated_guard_status: disabled",
            "constraint applications_unique_skyvern_task_id: dropped",
            "table public.users: row level security disabled",
        ] {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
        assert!(mentions.contains_key("private.is_own_file"));
    }
}

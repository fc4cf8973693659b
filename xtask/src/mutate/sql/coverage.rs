//! Which tests concern a mutant: measured, by what each module calls and touches when it runs alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use local_stack::database::Psql;
use serde::{Deserialize, Serialize};
use toolchain::{Doing as _, Outcome, progress::say};

use super::{
    likely::resemblance,
    mentions::{Mention, Mentions},
    module::{Module, Verdict},
    statement::Subject,
};

/// The tests of who may do what.
const RIGHTS: &str = "security::rights";

/// The longest that a module may take.
const LONGEST: Duration = Duration::from_mins(10);

/// A connection without work hands in its numbers after ten seconds.
const UNTIL_COUNTED: Duration = Duration::from_millis(10_500);

/// What one module was seen to do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Touched {
    /// Of the module and the migrations.
    fingerprint: String,
    seconds: f64,
    functions: BTreeSet<String>,
    tables: BTreeSet<String>,
    /// Tests that fail without any mutant, which say nothing.
    failing: BTreeSet<String>,
}

/// What all of them were.
#[derive(Debug, Default)]
pub struct Coverage {
    file: PathBuf,
    touched: BTreeMap<String, Touched>,
    /// Who calls a function, by the text of the migrations: for those that PostgreSQL does not count, since it puts their text
    /// in the place of the call.
    mentions: Mentions,
}

impl Coverage {
    /// What was measured before, as far as it still holds.
    pub fn read(file: PathBuf, mentions: Mentions) -> Self {
        let touched = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { file, touched, mentions }
    }

    /// Runs each module that has changed, or has not been run.
    pub fn measure(&mut self, modules: &[Module], migrations: &str, psql: &Psql, stack: &Path) -> Outcome {
        let names: BTreeSet<&String> = modules.iter().map(|module| &module.name).collect();
        self.touched.retain(|name, _| names.contains(name));
        for (number, module) in modules.iter().enumerate() {
            let fingerprint = format!("{} {migrations}", module.fingerprint);
            if self.touched.get(&module.name).is_some_and(|known| known.fingerprint == fingerprint) {
                continue;
            }
            psql.run("select pg_stat_reset()")?;
            let started = Instant::now();
            let verdict = module.run_all(stack, LONGEST)?;
            let seconds = started.elapsed().as_secs_f64();
            let failing = if let Verdict::Failed(tests) = verdict { tests } else { BTreeSet::new() };
            thread::sleep(UNTIL_COUNTED);
            let touched = Touched {
                fingerprint,
                seconds,
                functions: names_from(
                    psql,
                    "schemaname || '.' || funcname from pg_stat_user_functions where calls > 0",
                )?,
                tables: names_from(
                    psql,
                    "schemaname || '.' || relname from pg_stat_user_tables
                     where seq_scan + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del > 0",
                )?,
                failing,
            };
            say!(
                "  {} of {}  {}: {seconds:.0} s, {} functions, {} tables{}",
                number + 1,
                modules.len(),
                module.name,
                touched.functions.len(),
                touched.tables.len(),
                if touched.failing.is_empty() { String::new() } else { format!(", fails: {:?}", touched.failing) },
            );
            self.touched.insert(module.name.clone(), touched);
            let text = serde_json::to_vec_pretty(&self.touched).doing(|| "write what the tests touch".into())?;
            fs::write(&self.file, text).doing(|| format!("write {}", self.file.display()))?;
        }
        Ok(())
    }

    /// The modules that concern a mutant, the quickest first, and before them those that seem to be about it.
    pub fn concerned<'modules>(&self, subject: &Subject, modules: &'modules [Module]) -> Vec<&'modules Module> {
        let mut concerned: Vec<&Module> =
            modules.iter().filter(|module| self.concerns(subject, &module.name)).collect();
        // What a name has in common with the subject makes up for time.
        let is_right = matches!(subject, Subject::OfTable { name, .. } if name.starts_with("policy "));
        let worth = |module: &Module| {
            if is_right && module.name == RIGHTS {
                return 0.0;
            }
            let resemblance = u32::try_from(resemblance(module.own_name(), subject.name())).unwrap_or_default();
            (self.touched[&module.name].seconds + 1.0) / (1.0 + 3.0 * f64::from(resemblance))
        };
        concerned.sort_by(|one, other| worth(one).total_cmp(&worth(other)));
        concerned
    }

    /// Tests of a module that fail by themselves.
    pub fn failing(&self, module: &str) -> BTreeSet<String> {
        self.touched.get(module).map(|touched| touched.failing.clone()).unwrap_or_default()
    }

    /// What a module may take while a mutant stands.
    pub fn limit(&self, module: &str) -> Duration {
        let usual = self.touched.get(module).map_or(60.0, |touched| touched.seconds);
        Duration::from_secs_f64(usual * 4.0 + 30.0)
    }

    fn concerns(&self, subject: &Subject, module: &str) -> bool {
        let Some(touched) = self.touched.get(module) else { return false };
        match subject {
            Subject::Right(_) => module == RIGHTS,
            Subject::OfTable { table, .. } => touched.tables.contains(table),
            Subject::Function(name) => {
                if self.touched.values().any(|touched| touched.functions.contains(name)) {
                    return touched.functions.contains(name);
                }
                self.callers(name).iter().any(|caller| match caller {
                    Mention::Function(name) => touched.functions.contains(name),
                    Mention::Table(name) => touched.tables.contains(name),
                })
            }
        }
    }

    /// Who calls a function, directly or through others that are not counted either.
    fn callers(&self, function: &str) -> BTreeSet<Mention> {
        let mut callers = BTreeSet::new();
        let mut unseen = vec![Mention::Function(function.to_owned())];
        while let Some(mention) = unseen.pop() {
            let Mention::Function(name) = &mention else { continue };
            for caller in self.mentions.get(name).into_iter().flatten() {
                if callers.insert(caller.clone()) {
                    unseen.push(caller.clone());
                }
            }
        }
        callers
    }
}

fn names_from(psql: &Psql, what: &str) -> Outcome<BTreeSet<String>> {
    Ok(psql.run(&format!("select distinct {what}"))?.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{Coverage, Mention, Touched};
    use crate::mutate::sql::statement::Subject;

    fn coverage() -> Coverage {
        let touched = |functions: &[&str], tables: &[&str]| Touched {
            functions: functions.iter().map(|name| (*name).to_owned()).collect(),
            tables: tables.iter().map(|name| (*name).to_owned()).collect(),
            ..Touched::default()
        };
        Coverage {
            touched: BTreeMap::from([
                ("functions::apply".into(), touched(&["public.claim"], &["public.applications"])),
                ("security::rights".into(), touched(&[], &["public.users"])),
            ]),
            mentions: BTreeMap::from([
                ("private.inlined".into(), BTreeSet::from([Mention::Function("private.inlined_too".into())])),
                ("private.inlined_too".into(), BTreeSet::from([Mention::Function("public.claim".into())])),
            ]),
            ..Coverage::default()
        }
    }

    #[test]
    fn a_function_concerns_who_calls_it_and_one_that_is_not_counted_who_calls_its_callers() {
        let coverage = coverage();
        for (function, concerns) in [("public.claim", true), ("private.inlined", true), ("private.other", false)] {
            let subject = Subject::Function(function.into());
            assert_eq!(coverage.concerns(&subject, "functions::apply"), concerns, "{function}");
            assert!(!coverage.concerns(&subject, "security::rights"), "{function}");
        }
    }

    #[test]
    fn what_belongs_to_a_table_concerns_who_touches_it_and_a_right_the_tests_of_rights() {
        let coverage = coverage();
        let policy = Subject::OfTable { name: "policy a".into(), table: "public.users".into() };
        assert!(coverage.concerns(&policy, "security::rights") && !coverage.concerns(&policy, "functions::apply"));
        assert!(coverage.concerns(&Subject::Right("function a".into()), "security::rights"));
    }
}

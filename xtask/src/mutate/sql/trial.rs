//! One mutant: made, shown to the tests that concern it, and taken back.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, Instant},
};

use toolchain::{Failure, Outcome};

use super::{
    coverage::Coverage,
    database::Database,
    likely::likely,
    module::{Module, Verdict},
    record::{End, Record, Records},
    statement::Mutant,
};

/// What is known of a mutant after its trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// By this test, or by the module that took too long.
    Ended(End, String),
    /// No test calls or touches it.
    Uncovered,
    /// So many modules of so many have not noticed it, and there was no time for the others.
    Unfinished(usize, usize),
}

/// Everything that a trial takes.
pub struct Trial {
    pub database: Database,
    /// What tests find the stack by.
    pub stack: PathBuf,
    pub modules: Vec<Module>,
    pub coverage: Coverage,
    pub records: Records,
    /// When everything ends.
    pub deadline: Option<Instant>,
    /// How long one mutant is shown to tests.
    pub patience: Option<Duration>,
    /// Tests that failed while nothing was broken. They say nothing any more.
    pub unreliable: BTreeSet<String>,
}

/// What a few tests are given.
const FEW_TESTS: Duration = Duration::from_mins(2);

/// So many tests that noticed a neighbour are asked before whole modules.
const KILLERS: usize = 4;

/// And so many whose names have something in common with what is broken.
const LIKELY_BY_NAME: usize = 4;

impl Trial {
    /// Tries a mutant, unless it is known what becomes of it.
    pub fn of(&mut self, mutant: &Mutant) -> Outcome<Ending> {
        let known = self.records.of(mutant).cloned();
        if let Some(Record { end, by, .. }) = known.as_ref().filter(|record| record.end != End::Survived) {
            return Ok(Ending::Ended(*end, by.clone()));
        }
        let mut tried = known.map(|record| record.tried).unwrap_or_default();
        let concerned = self.coverage.concerned(&mutant.subject, &self.modules);
        if concerned.is_empty() {
            return Ok(Ending::Uncovered);
        }
        // What was tried before it changed was something else.
        tried.retain(|tried| concerned.iter().any(|module| key(module) == *tried));
        let untried: Vec<Module> =
            concerned.into_iter().filter(|module| !tried.contains(&key(module))).cloned().collect();
        if untried.is_empty() {
            return Ok(Ending::Ended(End::Survived, String::new()));
        }
        let all = untried.len() + tried.len();
        if is_over(self.deadline) {
            return Ok(Ending::Unfinished(tried.len(), all));
        }
        let Some(restoration) = mutant.change.restoration(&self.database)? else {
            return self.end(mutant, End::Unviable, String::new(), BTreeSet::new());
        };
        loop {
            if self.database.change(&mutant.change.application()).is_err() {
                return self.end(mutant, End::Unviable, String::new(), BTreeSet::new());
            }
            let noticed = self.show(mutant, &untried, &mut tried);
            self.restore(&restoration)?;
            match noticed? {
                Noticed::No => return self.end(mutant, End::Survived, String::new(), tried),
                Noticed::Interrupted => {
                    let ending = Ending::Unfinished(tried.len(), all);
                    self.records.add(mutant, End::Survived, "", tried)?;
                    return Ok(ending);
                }
                Noticed::TooLate(module) => return self.end(mutant, End::TimedOut, module, BTreeSet::new()),
                // A test that fails without the mutant, too, has not noticed it.
                Noticed::By(module, test) => {
                    let alone = module.run_these(&self.stack, std::slice::from_ref(&test), FEW_TESTS)?;
                    if alone == Verdict::Passed {
                        let by = name_of(&module, &test);
                        return self.end(mutant, End::Killed, by, BTreeSet::new());
                    }
                    self.database.empty()?;
                    self.unreliable.insert(name_of(&module, &test));
                    tried.clear();
                }
            }
        }
    }

    /// First to those tests that noticed something else of the same subject, then to one module after the other.
    fn show(&self, mutant: &Mutant, modules: &[Module], tried: &mut BTreeSet<String>) -> Outcome<Noticed> {
        let patience = self.patience.map(|patience| Instant::now() + patience);
        let killers = self.killers(mutant, modules);
        for (module, tests) in &killers {
            // One that takes too long takes as long in its module, where that counts.
            if let Verdict::Failed(failed) = module.run_these(&self.stack, tests, FEW_TESTS)?
                && let Some(test) = self.fails_again(module, failed)?
            {
                return Ok(Noticed::By(Module::clone(module), test));
            }
        }
        for module in modules {
            let mut left_out = self.coverage.failing(&module.name);
            left_out.extend(self.unreliable.iter().filter_map(|test| test_in(module, test)).map(Into::into));
            let asked = killers.iter().filter(|(other, _)| other.program_name() == module.program_name());
            left_out.extend(asked.flat_map(|(_, tests)| tests).cloned());
            loop {
                if is_over(self.deadline) || is_over(patience) {
                    return Ok(Noticed::Interrupted);
                }
                match module.run_until_failure(&self.stack, &left_out, self.coverage.limit(&module.name))? {
                    Verdict::Passed => break,
                    Verdict::TimedOut => return Ok(Noticed::TooLate(module.name.clone())),
                    Verdict::Failed(failed) => {
                        left_out.extend(failed.iter().cloned());
                        if let Some(test) = self.fails_again(module, failed)? {
                            return Ok(Noticed::By(module.clone(), test));
                        }
                    }
                }
            }
            tried.insert(key(module));
        }
        Ok(Noticed::No)
    }

    /// The test, if it fails once more, with nothing beside it: on a busy machine one may fail by itself.
    fn fails_again(&self, module: &Module, failed: BTreeSet<String>) -> Outcome<Option<String>> {
        let Some(test) = failed.into_iter().next() else {
            return Err(Failure::new(format!("{} broke off", module.name)));
        };
        let again = module.run_these(&self.stack, std::slice::from_ref(&test), FEW_TESTS)?;
        Ok(Some(test).filter(|_| again != Verdict::Passed))
    }

    /// The tests that are likely to notice, the likeliest first, by program, each with a module of that.
    fn killers<'modules>(&self, mutant: &Mutant, modules: &'modules [Module]) -> Vec<(&'modules Module, Vec<String>)> {
        let known = self.records.killers(mutant);
        let known = known.iter().filter_map(|killer| {
            modules.iter().find_map(|module| test_in(module, killer).map(|test| (module, test.to_owned())))
        });
        let tests: Vec<&str> = modules.iter().flat_map(Module::tests).map(String::as_str).collect();
        let by_name = likely(&mutant.place(), &tests, LIKELY_BY_NAME)
            .into_iter()
            .filter_map(|test| modules.iter().find(|module| module.has(test)).map(|module| (module, test.to_owned())));
        let mut killers: Vec<(&Module, Vec<String>)> = Vec::new();
        for (module, test) in known.take(KILLERS).chain(by_name) {
            let says_nothing = self.unreliable.contains(&name_of(module, &test))
                || self.coverage.failing(&module.name).contains(&test);
            if says_nothing || killers.iter().any(|(_, tests)| tests.contains(&test)) {
                continue;
            }
            match killers.iter_mut().find(|(other, _)| other.program_name() == module.program_name()) {
                Some((_, tests)) => tests.push(test),
                None => killers.push((module, vec![test])),
            }
        }
        killers
    }

    /// Rows that came to be while a constraint was away may keep it from coming back.
    fn restore(&self, restoration: &str) -> Outcome {
        if self.database.change(restoration).is_ok() {
            return self.database.empty();
        }
        self.database.empty()?;
        self.database.change(restoration)
    }

    fn end(&mut self, mutant: &Mutant, end: End, by: String, tried: BTreeSet<String>) -> Outcome<Ending> {
        self.records.add(mutant, end, &by, tried)?;
        Ok(Ending::Ended(end, by))
    }
}

fn is_over(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

/// What the tests said.
enum Noticed {
    No,
    By(Module, String),
    TooLate(String),
    /// The time was up.
    Interrupted,
}

fn key(module: &Module) -> String {
    format!("{}@{}", module.name, module.fingerprint)
}

fn name_of(module: &Module, test: &str) -> String {
    format!("{}::{test}", module.program_name())
}

/// The name that a module knows a test by, if it is its own.
fn test_in<'name>(module: &Module, name: &'name str) -> Option<&'name str> {
    let test = name.strip_prefix(module.program_name())?.strip_prefix("::")?;
    module.has(test).then_some(test)
}

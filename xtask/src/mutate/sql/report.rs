//! What is told of a run: a line a mutant, and at the end the counts and every survivor.

use std::{fs, path::PathBuf, time::Instant};

use toolchain::{
    Doing as _, Failure, Outcome,
    progress::{elapsed, say},
};

use super::{argued::Argument, record::End, statement::Mutant, trial::Ending};

/// What has happened so far.
pub struct Report {
    /// The list of survivors.
    file: PathBuf,
    arguments: Vec<Argument>,
    /// Which of them were about a survivor.
    used: Vec<bool>,
    started: Instant,
    last: Instant,
    all: usize,
    counts: [usize; 7],
    survivors: Vec<String>,
    argued: Vec<String>,
    uncovered: Vec<String>,
    unfinished: Vec<String>,
}

/// What a mutant is counted as.
const COUNTED: [&str; 7] = ["killed", "timed out", "unviable", "survived", "argued", "not covered", "not finished"];

impl Report {
    pub fn new(folder: &std::path::Path, arguments: Vec<Argument>, all: usize) -> Self {
        let now = Instant::now();
        Self {
            file: folder.join("sql-survivors.txt"),
            used: vec![false; arguments.len()],
            arguments,
            started: now,
            last: now,
            all,
            counts: [0; 7],
            survivors: Vec::new(),
            argued: Vec::new(),
            uncovered: Vec::new(),
            unfinished: Vec::new(),
        }
    }

    /// Tells what became of one.
    pub fn add(&mut self, mutant: &Mutant, ending: Ending) -> Outcome {
        let place = mutant.place();
        let argument = self.arguments.iter().position(|argument| argument.is_about(mutant));
        let (counted, by) = match ending {
            Ending::Ended(End::Killed, by) => (0, by),
            Ending::Ended(End::TimedOut, by) => (1, by),
            Ending::Ended(End::Unviable, by) => (2, by),
            Ending::Ended(End::Survived, _) if let Some(argument) = argument => {
                self.used[argument] = true;
                self.argued.push(format!("{place}\n    {}", self.arguments[argument].because));
                (4, String::new())
            }
            Ending::Ended(End::Survived, by) => {
                self.survivors.push(place.clone());
                (3, by)
            }
            Ending::Uncovered => {
                self.uncovered.push(place.clone());
                (5, String::new())
            }
            Ending::Unfinished(tried, all) => {
                if tried > 0 {
                    self.unfinished.push(format!("{place} ({tried} of {all} modules tried)"));
                }
                (6, String::new())
            }
        };
        self.counts[counted] += 1;
        let took = self.last.elapsed();
        self.last = Instant::now();
        if took.as_millis() > 50 {
            let by = if by.is_empty() { by } else { format!(", by {by}") };
            let done: usize = self.counts.iter().sum();
            say!("  {done} of {}  {}: {place}{by} ({:.1} s)", self.all, COUNTED[counted], took.as_secs_f32());
        }
        if counted == 3 || counted >= 5 {
            let mut lines = self.survivors.clone();
            lines.extend(self.uncovered.iter().map(|place| format!("{place} (no test calls it)")));
            lines.extend_from_slice(&self.unfinished);
            fs::write(&self.file, lines.join("\n") + "\n").doing(|| format!("write {}", self.file.display()))?;
        }
        Ok(())
    }

    /// The end of it. `whole`: every mutant was looked at, so that an argument without one is a mistake.
    pub fn conclude(self, whole: bool) -> Outcome {
        say!("");
        let list = |title: &str, places: &[String]| {
            if !places.is_empty() {
                say!("{title}:\n  {}\n", places.join("\n  "));
            }
        };
        list("survived, and argued in tests/mutants.toml", &self.argued);
        list("not covered: no test calls or touches it", &self.uncovered);
        list("survived so far", &self.unfinished);
        list("survived", &self.survivors);
        let counts: Vec<String> =
            COUNTED.iter().zip(self.counts).map(|(name, count)| format!("{count} {name}")).collect();
        say!("{} mutants of the migrations after {}: {}", self.all, elapsed(self.started), counts.join(", "));
        let unused: Vec<&Argument> = if whole && self.counts[6] == 0 {
            self.arguments.iter().zip(&self.used).filter(|(_, used)| !**used).map(|(argument, _)| argument).collect()
        } else {
            Vec::new()
        };
        if let Some(argument) = unused.first() {
            return Err(Failure::new(format!(
                "tests/mutants.toml argues about what does not survive (any more): {}: {}",
                argument.file, argument.mutant
            )));
        }
        let open = self.survivors.len() + self.uncovered.len();
        if open > 0 {
            return Err(Failure::new(format!("{open} mutants of the migrations survive"))
                .mend("a test that fails with each of them, or an argument in tests/mutants.toml"));
        }
        Ok(())
    }
}

//! What became of each mutant, kept so that the next run goes on where this one ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use toolchain::{Doing as _, Outcome, project::hex};

use super::statement::Mutant;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// A test failed that passes without it.
    Killed,
    /// The tests took too long.
    TimedOut,
    /// PostgreSQL refused it.
    Unviable,
    /// No test failed of those that were tried.
    Survived,
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub id: String,
    pub end: End,
    /// The test that failed, or the module that took too long.
    #[serde(default)]
    pub by: String,
    /// Of a survivor: the modules that were tried, each with its fingerprint, so that only new tests are tried again.
    #[serde(default)]
    pub tried: BTreeSet<String>,
    /// The migration.
    #[serde(default)]
    pub file: String,
    /// What was broken, and how.
    #[serde(default)]
    pub name: String,
}

/// The file.
#[derive(Debug)]
pub struct Records {
    file: File,
    known: BTreeMap<String, Record>,
}

impl Records {
    /// Those of earlier runs, unless they are to be forgotten.
    pub fn open(path: &Path, fresh: bool) -> Outcome<Self> {
        let text = if fresh { String::new() } else { fs::read_to_string(path).unwrap_or_default() };
        let mut options = OpenOptions::new();
        options.create(true).write(true);
        if fresh {
            options.truncate(true)
        } else {
            options.append(true)
        };
        let mut file = options.open(path).doing(|| format!("write {}", path.display()))?;
        // The last one counts. The end of a line may be missing after a power failure.
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n").doing(|| format!("write {}", path.display()))?;
        }
        let records = text.lines().filter_map(|line| serde_json::from_str::<Record>(line).ok());
        Ok(Self { file, known: records.map(|record| (record.id.clone(), record)).collect() })
    }

    /// What is known of a mutant.
    pub fn of(&self, mutant: &Mutant) -> Option<&Record> {
        self.known.get(&id(mutant))
    }

    /// The tests that noticed other mutants of the same subject, and then of the same file, the most successful first.
    pub fn killers(&self, mutant: &Mutant) -> Vec<String> {
        let subject = format!("{}: ", mutant.subject.name());
        let mut killers: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for record in self.known.values().filter(|record| record.end == End::Killed && record.file == mutant.file) {
            let kills = killers.entry(&record.by).or_default();
            kills.0 += usize::from(record.name.starts_with(&subject));
            kills.1 += 1;
        }
        let mut killers: Vec<_> = killers.into_iter().map(|(test, kills)| (kills, test)).collect();
        killers.sort_by(|one, other| other.cmp(one));
        killers.into_iter().map(|(_, test)| test.to_owned()).collect()
    }

    /// Adds one, or takes the place of an earlier one.
    pub fn add(&mut self, mutant: &Mutant, end: End, by: &str, tried: BTreeSet<String>) -> Outcome {
        let file = mutant.file.clone();
        let record = Record { id: id(mutant), end, by: by.into(), tried, file, name: mutant.name() };
        let mut line = serde_json::to_vec(&record).doing(|| "write a result".into())?;
        line.push(b'\n');
        self.file.write_all(&line).doing(|| "write a result".into())?;
        self.known.insert(record.id.clone(), record);
        Ok(())
    }
}

/// The same as long as its statement is the same.
fn id(mutant: &Mutant) -> String {
    let text = format!("{}\0{}\0{}", mutant.file, mutant.what, mutant.change.text());
    hex(&Sha256::digest(text))[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, env, fs, process};

    use super::{End, Records};
    use crate::mutate::sql::statement::{Mutant, mutants};

    fn some() -> Vec<Mutant> {
        mutants("1_a.sql", "create policy p on a.t using (b = 1 and c); create policy q on a.t using (d and e);")
    }

    #[test]
    fn what_was_found_is_known_to_the_next_run_unless_it_is_to_be_forgotten() {
        let file = env::temp_dir().join(format!("mutants-{}.jsonl", process::id()));
        let [one, two, three, four] = &some()[..] else { panic!("{:?}", some()) };
        let mut records = Records::open(&file, true).unwrap();
        records.add(one, End::Survived, "", BTreeSet::from(["a::b@1".into()])).unwrap();
        records.add(one, End::Killed, "a::b::test", BTreeSet::new()).unwrap();
        records.add(two, End::Killed, "a::b::test", BTreeSet::new()).unwrap();
        records.add(four, End::Killed, "a::b::other", BTreeSet::new()).unwrap();
        fs::write(&file, fs::read_to_string(&file).unwrap() + "{\"id\": \"half a li").unwrap();

        let mut again = Records::open(&file, false).unwrap();
        again.add(three, End::Unviable, "", BTreeSet::new()).unwrap();
        let again = Records::open(&file, false).unwrap();

        assert_eq!(again.of(one).unwrap().end, End::Killed, "the last line counts");
        assert_eq!(again.of(three).unwrap().end, End::Unviable, "half a line spoils no other");
        assert_eq!(again.killers(three), ["a::b::other", "a::b::test"], "of the same subject first");
        assert!(Records::open(&file, true).unwrap().of(one).is_none());
        fs::remove_file(&file).unwrap();
    }
}

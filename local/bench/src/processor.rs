//! The processor time that each part of the stack has used so far, from `/proc`. Other systems than Linux have no
//! such figures, and the columns stay blank.

use std::{collections::BTreeMap, fs, time::Duration};

use super::figures::count;

/// Milliseconds of processor time by part; empty where they cannot be measured.
pub type Spent = BTreeMap<String, f64>;

/// The process that stands for a part.
#[derive(Debug, Clone)]
pub struct Source {
    /// The part's name, as the table has it.
    pub name: &'static str,
    /// Its process.
    pub pid: u32,
    /// Whether the processes below it are its own: the server processes of PostgreSQL are, but not everything that this
    /// command has started.
    pub with_children: bool,
}

/// The state at one moment.
#[derive(Debug, Clone, Default)]
pub struct Reading(BTreeMap<&'static str, Duration>);

impl Reading {
    /// Reads the time of all parts.
    pub fn take(sources: &[Source]) -> Self {
        let processes = processes();
        let of = |source: &Source| Some((source.name, time_of(source, &processes)?));
        Self(sources.iter().filter_map(of).collect())
    }

    /// What was used since an earlier reading, in milliseconds for each of so many jobs.
    pub fn since(&self, earlier: &Self, jobs: usize) -> Spent {
        let of = |(name, now): (&&'static str, &Duration)| {
            let used = now.saturating_sub(*earlier.0.get(name)?);
            Some(((*name).to_owned(), used.as_secs_f64() * 1000.0 / count(jobs.max(1))))
        };
        self.0.iter().filter_map(of).collect()
    }
}

/// How much memory a process has, in megabytes; 0 where that cannot be measured.
pub fn resident_megabytes(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
    kilobytes.and_then(|kilobytes| kilobytes.parse().ok()).map_or(0.0, |kilobytes: usize| count(kilobytes) / 1000.0)
}

/// What `/proc/<pid>/stat` says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    parent: u32,
    /// In user mode and in the kernel, all threads together, in ticks of the clock.
    own: u64,
    /// Of the children that have ended and were waited for.
    children: u64,
}

fn processes() -> BTreeMap<u32, Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let process = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, parse(&fs::read_to_string(entry.path().join("stat")).ok()?)?))
    };
    entries.filter_map(process).collect()
}

/// The second field, the program's name, may itself hold spaces and parentheses.
fn parse(stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Process {
        parent: fields.get(1)?.parse().ok()?,
        own: number(11)? + number(12)?,
        children: number(13)? + number(14)?,
    })
}

fn time_of(source: &Source, processes: &BTreeMap<u32, Process>) -> Option<Duration> {
    let process = processes.get(&source.pid)?;
    let ticks = if source.with_children { ticks_of_tree(source.pid, processes) } else { process.own };
    let ticks_per_second = rustix::param::clock_ticks_per_second();
    Some(Duration::from_millis(ticks * 1000 / ticks_per_second))
}

fn ticks_of_tree(root: u32, processes: &BTreeMap<u32, Process>) -> u64 {
    let own = processes.get(&root).map_or(0, |process| process.own + process.children);
    let below = processes.iter().filter(|(_, process)| process.parent == root);
    own + below.map(|(pid, _)| ticks_of_tree(*pid, processes)).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Process, parse, ticks_of_tree};

    #[test]
    fn a_name_with_spaces_and_parentheses_shifts_nothing() {
        let stat = "42 (a (b) c) S 7 42 42 0 -1 4194560 1 2 3 4 50 60 7 8 20 0 3 0 12345 1000 10";
        assert_eq!(parse(stat), Some(Process { parent: 7, own: 110, children: 15 }));
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn a_tree_is_added_up_and_strangers_are_not() {
        let process = |parent, own, children| Process { parent, own, children };
        let processes = BTreeMap::from([
            (1, process(0, 1000, 0)),
            (2, process(1, 1, 2)),
            (3, process(2, 4, 0)),
            (4, process(3, 8, 0)),
        ]);
        assert_eq!(ticks_of_tree(2, &processes), 15);
    }
}

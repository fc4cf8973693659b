//! How fast the functions are, beside what their database calls alone allow on the same machine. `cargo xtask bench` runs
//! this program. It is apart from xtask because it is compiled with `shared`, and xtask has to compile in seconds.

mod connection;
mod figures;
mod load;
mod options;
mod overload;
mod processor;
mod queue;
mod runtime;
mod scene;
mod table;
mod workload;

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::mpsc,
};

use serde::{Deserialize, Serialize};

use lexopt::Parser;
use local_stack::{Description, Stack};
use toolchain::{
    Failure, Outcome, Project, build, command,
    progress::{conclude, say, step},
};

use figures::{Figures, FunctionFigures, Report, count, rate};
use load::Load;
use options::{Options, Pace};
use processor::{Reading, Source, Spent};
use runtime::Runtime;
use scene::Scene;

/// Enough to learn roughly how fast a contender is.
const FIRST_JOBS: usize = 400;

/// What is kept in memory and in the database bounds a round.
const JOBS: std::ops::RangeInclusive<f64> = 100.0..=50_000.0;

/// The runtime of the functions among the [`PARTS`].
const RUNTIME: &str = "workerd";

/// Whose processor time is told apart.
const PARTS: [&str; 5] = [RUNTIME, "PostgreSQL", "PostgREST", "gateway, vendors", "generator"];

/// What is measured, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Contender {
    /// The function; whoever calls it has called before with the same token.
    Function,
    /// The function, which sees every token for the first time.
    FunctionWithNewTokens,
    /// PostgREST, which gets the function's own database calls.
    Floor,
    /// The same through the gateway that the function uses.
    FloorBehindGateway,
    /// Storage, which gets the calls of a function that needs no PostgREST. It is a part of the simulated gateway.
    StorageFloor,
}

impl Contender {
    /// Whether it is what a function is compared with.
    fn is_floor(self) -> bool {
        match self {
            Self::Function | Self::FunctionWithNewTokens => false,
            Self::Floor | Self::FloorBehindGateway | Self::StorageFloor => true,
        }
    }
}

fn main() -> ExitCode {
    conclude(run())
}

fn run() -> Outcome {
    let mut arguments = env::args_os().skip(1).peekable();
    if arguments.next_if(|first| first == local_stack::GUARDIAN).is_some() {
        return local_stack::guard(arguments.next().as_deref().map(Path::new));
    }
    bench(&Project::find()?, &Options::read(Parser::from_args(arguments))?)
}

/// Measures the functions that were named, or all, and shows the figures.
fn bench(project: &Project, options: &Options) -> Outcome {
    let Options { functions: names, pace, json, baseline } = options;
    let pace = *pace;
    let baseline_report = baseline.as_deref().map(Report::read).transpose()?;
    let functions = measurable(build::chosen(project, names)?, !names.is_empty())?;

    let (tools, simulators) =
        build::everything(project, || step("compiling the simulators, optimised", || quick_simulators(project)))?;
    let mut stack = Stack::start(project, local_stack::Options::throw_away("bench", None), tools, simulators)?;
    let runtime = Runtime::start(project, &mut stack, &functions)?;
    let description = stack.description().clone();
    let (sender, report) = mpsc::channel();
    let outcome = stack.attend(move || {
        let _ = sender.send(measure(&functions, &runtime, description, pace)?); // nobody listens after an interruption
        Ok(())
    });
    stack.stop();
    outcome?;

    let report = report.recv().map_err(|_| Failure::new("the bench ended without a result"))?;
    table::show(&report);
    if let (Some(path), Some(before)) = (baseline, &baseline_report) {
        table::compare(&report, before, &path.display().to_string());
    }
    json.as_deref().map_or(Ok(()), |path| report.write(path))
}

/// Those that the bench knows what to ask; to name another one is a mistake.
fn measurable(functions: Vec<String>, named: bool) -> Outcome<Vec<String>> {
    let is_known = |name: &String| name == queue::FUNCTION || workload::of(name).is_some();
    let (known, unknown): (Vec<_>, Vec<_>) = functions.into_iter().partition(is_known);
    match unknown.first() {
        Some(name) if named => Err(Failure::new(format!("the bench does not know what to ask {name}"))
            .mend("add its workload to local/bench/src/workload")),
        Some(_) => {
            say!("not measured, because they have no workload: {}", unknown.join(", "));
            Ok(known)
        }
        None => Ok(known),
    }
}

/// The gateway stands between functions and database, so it must not be the unoptimised one of the tests. A profile of its
/// own, given here, keeps the slow release profile of the functions out of it.
fn quick_simulators(project: &Project) -> Outcome<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--package", "simulators", "--profile", "brisk"]);
    for setting in ["inherits='dev'", "opt-level=2", "debug=false"] {
        cargo.args(["--config", &format!("profile.brisk.{setting}")]);
    }
    command::run_shown(command::without_cargo_environment(&mut cargo).current_dir(&project.root))?;
    Ok(project.target_folder().join("brisk/simulators"))
}

fn measure(functions: &[String], runtime: &Runtime, stack: Description, pace: Pace) -> Outcome<Report> {
    let sources = sources(&stack, runtime);
    let postgresql_bin = stack.postgresql_bin.clone();
    let scene = Scene::prepare(stack, &postgresql_bin, runtime)?;
    let mut report = Report::default();
    for name in functions {
        let measuring = format!("measuring {name}");
        if name == queue::FUNCTION {
            report.jobs_per_second = step(&measuring, || queue::measure(&scene, pace.rounds))?;
            continue;
        }
        let figures = step(&measuring, || measure_function(name, &scene, &sources, pace))?;
        let (wasm_bytes, wasm_gzipped_bytes) = runtime.sizes.get(name).copied().unwrap_or_default();
        if name == overload::FUNCTION {
            report.overload =
                step(&format!("asking too much of {name}"), || measure_overload(&figures, &scene, runtime))?;
        }
        report.functions.insert(name.clone(), FunctionFigures { wasm_bytes, wasm_gzipped_bytes, ..figures });
    }
    Ok(report)
}

/// The processes behind the [`PARTS`].
fn sources(stack: &Description, runtime: &Runtime) -> Vec<Source> {
    let part = |name: &str| stack.parts.get(name).and_then(|pid| u32::try_from(*pid).ok()).unwrap_or_default();
    let pids = [runtime.pid, part("postgres"), part("postgrest"), part("simulators"), std::process::id()];
    PARTS
        .into_iter()
        .zip(pids)
        .map(|(name, pid)| Source { name, pid, with_children: pid != std::process::id() })
        .collect()
}

fn measure_function(name: &str, scene: &Scene, sources: &[Source], pace: Pace) -> Outcome<FunctionFigures> {
    let workload = workload::of(name).ok_or_else(|| Failure::new(format!("the bench does not know {name}")))?;
    let turn = |contender, jobs| -> Outcome<(Load, Spent)> {
        let jobs = (workload.prepare)(scene, contender, jobs)?;
        let before = Reading::take(sources);
        let load = load::drive(scene.address(contender, name)?, &jobs)?;
        let spent = Reading::take(sources).since(&before, jobs.len());
        Ok((load, spent))
    };

    let mut turns: BTreeMap<Contender, Vec<(Load, Spent)>> = BTreeMap::new();
    for &contender in workload.contenders {
        turns.insert(contender, vec![turn(contender, FIRST_JOBS)?]);
    }
    // The first full round still belongs to the warm-up: caches fill, plans settle, code is compiled.
    for round in 0..=pace.rounds {
        let mut order = workload.contenders.to_vec();
        if round % 2 == 1 {
            order.reverse(); // so that what changes slowly favours nobody
        }
        for contender in order {
            let rounds = turns.entry(contender).or_default();
            let last = rounds.last().map_or(0.0, |(load, _)| rate(load));
            rounds.push(turn(contender, jobs(last, pace))?);
        }
    }

    let mut function = FunctionFigures::default();
    for (contender, rounds) in turns {
        let measured = &rounds[2..];
        if contender == Contender::Function {
            let sum = |calls: fn(&Load) -> usize| count(measured.iter().map(|(load, _)| calls(load)).sum());
            let jobs = sum(|load| load.latencies.len());
            function.database_calls = sum(|load| load.database_calls) / jobs;
            function.vendor_calls = sum(|load| load.vendor_calls) / jobs;
        }
        function.contenders.insert(contender, Figures::of(measured));
    }
    Ok(function)
}

fn measure_overload(
    figures: &FunctionFigures,
    scene: &Scene,
    runtime: &Runtime,
) -> Outcome<BTreeMap<overload::Callers, overload::Figures>> {
    let name = overload::FUNCTION;
    let workload = workload::of(name).ok_or_else(|| Failure::new(format!("the bench does not know {name}")))?;
    let capacity = figures.contenders.get(&Contender::Function).map_or(0.0, |figures| figures.requests_per_second);
    let address = scene.address(Contender::Function, name)?;
    let measure = |callers| -> Outcome<_> {
        let jobs = (workload.prepare)(scene, Contender::Function, overload::requests(capacity))?;
        Ok((callers, overload::measure(callers, address, &jobs, runtime.pid)?))
    };
    overload::Callers::ALL.into_iter().map(measure).collect()
}

/// As many as fill the time at the rate of the last turn.
fn jobs(rate: f64, pace: Pace) -> usize {
    let jobs = (rate * pace.seconds).clamp(*JOBS.start(), *JOBS.end());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies within the range")]
    let jobs = jobs as usize;
    jobs
}

#[cfg(test)]
mod tests {
    use super::{Pace, jobs};

    #[test]
    fn a_round_is_as_long_as_asked_within_bounds() {
        let pace = Pace { rounds: 1, seconds: 2.0 };
        assert_eq!(jobs(1000.0, pace), 2000);
        assert_eq!(jobs(0.0, pace), 100);
        assert_eq!(jobs(f64::INFINITY, pace), 50_000);
    }
}

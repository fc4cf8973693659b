//! `simulators keys` makes the keys of a local stack, `simulators serve` runs in place of its outside vendors.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use lexopt::prelude::*;
use simulators::Settings;
use simulators::keys::Keys;

const USAGE: &str = "\
usage: simulators keys  --state-dir DIR
       simulators serve --state-dir DIR --listen ADDRESS --gateway-listen ADDRESS
                        --postgrest URL --functions URL --database URL
                        [--skyvern-finishes-after-ms MILLISECONDS]";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simulators: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let mut arguments = lexopt::Parser::from_env();
    let command = match arguments.next()? {
        Some(Value(command)) => command.string()?,
        _ => bail!("{USAGE}"),
    };
    let options = Options::read(arguments)?;
    match command.as_str() {
        "keys" => Keys::load_or_create(&options.state_dir()?).map(drop),
        "serve" => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(simulators::serve(options.settings()?, stop_signal())),
        _ => bail!("{USAGE}"),
    }
}

/// Ends at Ctrl-C and at the polite request to stop that a supervisor sends.
async fn stop_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// What the command line said, before it is known which command needs what.
#[derive(Default)]
struct Options {
    state_dir: Option<String>,
    listen: Option<String>,
    gateway_listen: Option<String>,
    postgrest: Option<String>,
    functions: Option<String>,
    database: Option<String>,
    skyvern_finishes_after_ms: Option<String>,
}

impl Options {
    fn read(mut arguments: lexopt::Parser) -> anyhow::Result<Self> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next()? {
            let slot = match &argument {
                Long("state-dir") => &mut options.state_dir,
                Long("listen") => &mut options.listen,
                Long("gateway-listen") => &mut options.gateway_listen,
                Long("postgrest") => &mut options.postgrest,
                Long("functions") => &mut options.functions,
                Long("database") => &mut options.database,
                Long("skyvern-finishes-after-ms") => &mut options.skyvern_finishes_after_ms,
                Long("help") | Short('h') => bail!("{USAGE}"),
                _ => return Err(argument.unexpected().into()),
            };
            *slot = Some(arguments.value()?.string()?);
        }
        Ok(options)
    }

    fn state_dir(&self) -> anyhow::Result<PathBuf> {
        Ok(required(self.state_dir.as_deref(), "--state-dir")?.into())
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        let finishes_after = self.skyvern_finishes_after_ms.as_deref().map(|milliseconds| {
            milliseconds.parse().map(Duration::from_millis).context("--skyvern-finishes-after-ms is no number")
        });
        Ok(Settings {
            state_dir: self.state_dir()?,
            listen: required(self.listen.as_deref(), "--listen")?.parse().context("--listen")?,
            gateway_listen: required(self.gateway_listen.as_deref(), "--gateway-listen")?
                .parse()
                .context("--gateway-listen")?,
            postgrest: required(self.postgrest.as_deref(), "--postgrest")?.parse().context("--postgrest")?,
            functions: required(self.functions.as_deref(), "--functions")?.parse().context("--functions")?,
            database: required(self.database.as_deref(), "--database")?.to_owned(),
            skyvern_finishes_after: finishes_after.transpose()?,
        })
    }
}

fn required<'a>(value: Option<&'a str>, name: &str) -> anyhow::Result<&'a str> {
    value.with_context(|| format!("{name} is missing\n{USAGE}"))
}

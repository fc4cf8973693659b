//! Shows what is added to a log while it is written.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use crate::{
    failure::{Doing as _, Outcome},
    progress::say,
};

/// A log, and how much of it was shown.
pub(super) struct Follower {
    log: PathBuf,
    shown: u64,
}

impl Follower {
    /// From the end that the log has now.
    pub(super) fn new(log: PathBuf) -> Self {
        let shown = log.metadata().map(|metadata| metadata.len()).unwrap_or_default();
        Self { log, shown }
    }

    /// Only whole lines; the rest comes with the next call.
    pub(super) fn show_news(&mut self) {
        let Ok(news) = read_from(&self.log, self.shown) else {
            return; // it shows when the log can be read again
        };
        let Some(end) = news.iter().rposition(|byte| *byte == b'\n') else {
            return;
        };
        say!("{}", String::from_utf8_lossy(&news[..end]));
        self.shown += end as u64 + 1;
    }
}

fn read_from(file: &Path, position: u64) -> Outcome<Vec<u8>> {
    let doing = || format!("read {}", file.display());
    let mut bytes = Vec::new();
    let mut file = File::open(file).doing(doing)?;
    file.seek(SeekFrom::Start(position)).doing(doing)?;
    file.read_to_end(&mut bytes).doing(doing)?;
    Ok(bytes)
}

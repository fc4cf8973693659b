//! Follows a log while it is written, as `tail -F` does.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
};

/// A log, and how much of it was read.
#[derive(Debug)]
pub struct Tail {
    log: PathBuf,
    /// Kept open, so that no other file gets its number, and its last lines can be read when it is gone.
    file: Option<File>,
    /// The beginning of a line whose end is not written yet.
    begun: Vec<u8>,
}

impl Tail {
    /// From the beginning. The log need not be there yet.
    pub fn at_start(log: PathBuf) -> Self {
        Self { log, file: None, begun: Vec::new() }
    }

    /// From the end that the log has now.
    pub fn at_end(log: PathBuf) -> Self {
        let file = File::open(&log).and_then(|mut file| file.seek(SeekFrom::End(0)).map(|_| file));
        Self { file: file.ok(), ..Self::at_start(log) }
    }

    /// The lines that were finished since the last time. A log that was replaced, as a restarted stack does, or emptied is
    /// read from its beginning. One that cannot be read has no lines now and may have some later.
    pub fn read_lines(&mut self) -> Vec<String> {
        let mut lines = self.read_on();
        if self.was_replaced() {
            self.file = File::open(&self.log).ok();
            self.begun.clear();
            lines.extend(self.read_on());
        }
        lines
    }

    fn read_on(&mut self) -> Vec<String> {
        let Some(file) = &mut self.file else { return Vec::new() };
        let mut bytes = std::mem::take(&mut self.begun);
        if was_emptied(file).unwrap_or_default() && file.rewind().is_ok() {
            bytes.clear();
        }
        let _ = file.read_to_end(&mut bytes); // what was read before an error counts
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        self.begun = bytes.split_off(end);
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }

    /// Whether the log is another file than the one that is open. A log that is merely gone is not: its successor follows.
    fn was_replaced(&self) -> bool {
        let Ok(now) = self.log.metadata() else { return false };
        let open = self.file.as_ref().and_then(|file| file.metadata().ok());
        open.is_none_or(|open| (open.dev(), open.ino()) != (now.dev(), now.ino()))
    }
}

fn was_emptied(file: &mut File) -> io::Result<bool> {
    Ok(file.metadata()?.len() < file.stream_position()?)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, OpenOptions},
        io::Write as _,
        path::{Path, PathBuf},
    };

    use super::Tail;

    /// A file that is gone when the test ends.
    struct Log(PathBuf);

    impl Log {
        fn new(test: &str) -> Self {
            let log = Self(std::env::temp_dir().join(format!("jobraker-tail-{test}-{}.log", std::process::id())));
            log.write("one\n");
            log
        }

        fn write(&self, text: &str) {
            OpenOptions::new().create(true).append(true).open(&self.0).unwrap().write_all(text.as_bytes()).unwrap();
        }

        fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Log {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[test]
    fn lines_come_once_and_only_when_they_are_finished() {
        let log = Log::new("whole");
        let mut tail = Tail::at_start(log.path().into());

        log.write("two\nthr");
        assert_eq!(tail.read_lines(), ["one", "two"]);
        assert_eq!(tail.read_lines(), [""; 0]);
        log.write("ee\n");
        assert_eq!(tail.read_lines(), ["three"]);
    }

    #[test]
    fn from_the_end_only_what_is_new_comes() {
        let log = Log::new("end");
        let mut tail = Tail::at_end(log.path().into());

        log.write("two\n");

        assert_eq!(tail.read_lines(), ["two"]);
    }

    #[test]
    fn a_log_that_is_replaced_is_read_to_its_end_and_its_successor_from_the_start() {
        let log = Log::new("replaced");
        let mut tail = Tail::at_start(log.path().into());
        assert_eq!(tail.read_lines(), ["one"]);

        log.write("last words\n");
        fs::remove_file(log.path()).unwrap();
        assert_eq!(tail.read_lines(), ["last words"]);
        log.write("uno\n");

        assert_eq!(tail.read_lines(), ["uno"]);
    }

    #[test]
    fn a_log_that_is_emptied_is_read_from_its_start() {
        let log = Log::new("emptied");
        log.write("two\nhalf of thr");
        let mut tail = Tail::at_start(log.path().into());
        assert_eq!(tail.read_lines(), ["one", "two"]);

        fs::write(log.path(), "uno\n").unwrap();

        assert_eq!(tail.read_lines(), ["uno"]);
    }

    #[test]
    fn a_log_may_begin_late() {
        let log = Log::new("late");
        fs::remove_file(log.path()).unwrap();
        let mut tail = Tail::at_start(log.path().into());
        assert_eq!(tail.read_lines(), [""; 0]);

        log.write("one\n");

        assert_eq!(tail.read_lines(), ["one"]);
    }
}

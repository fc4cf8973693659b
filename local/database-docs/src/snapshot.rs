//! The whole schema as SQL: what `pg_dump` writes, without what differs between two runs or machines.

use std::{fmt::Write as _, path::Path, process::Command};

use toolchain::{Failure, Outcome, command};

const HEAD: &str = "\
-- The schema that the migrations make, written by `cargo xtask db docs`; do not edit.
-- Not shown: what Supabase provides, who owns what (the role `postgres`), and rows.
";

/// The dump of the database at `url`.
pub fn take(postgresql_bin: &Path, url: &str) -> Outcome<String> {
    let mut dump = Command::new(postgresql_bin.join("pg_dump"));
    let output = command::run_for_output(dump.args(["--schema-only", "--no-owner", url]))?;
    if !output.status.success() {
        return Err(Failure::new(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(normalised(&String::from_utf8_lossy(&output.stdout)))
}

/// The entries that are ours, each under a short headline.
fn normalised(dump: &str) -> String {
    let mut text = HEAD.to_owned();
    for entry in dump.split("\n--\n-- Name: ").skip(1).filter_map(Entry::read) {
        if entry.is_ours() {
            let _ = write!(text, "\n-- {} {}\n{}\n", entry.kind, entry.name, entry.statements);
        }
    }
    text
}

/// What `pg_dump` says about one object.
struct Entry<'dump> {
    name: &'dump str,
    kind: &'dump str,
    schema: &'dump str,
    statements: String,
}

impl<'dump> Entry<'dump> {
    /// Reads `NAME; Type: KIND; Schema: SCHEMA; Owner: …`, a line `--`, and the statements.
    fn read(text: &'dump str) -> Option<Self> {
        let (head, body) = text.split_once("\n--\n")?;
        let (name, head) = head.split_once("; Type: ")?;
        let (kind, head) = head.split_once("; Schema: ")?;
        let schema = head.split_once("; ")?.0;
        Some(Self { name, kind, schema, statements: statements(body) })
    }

    /// Supabase's own schemas have policies and triggers of ours on their tables, and nothing else.
    fn is_ours(&self) -> bool {
        match (self.schema, self.kind) {
            ("public" | "private", _) | ("storage", "POLICY") | ("auth", "TRIGGER") => true,
            ("-", "SCHEMA" | "ACL") => self.name.ends_with("private"),
            _ => false,
        }
    }
}

/// Without settings of the session, comments about the dump, and blank lines at the ends. The lines of function bodies stay.
fn statements(body: &str) -> String {
    let noise = |line: &&str| {
        let of_session = line.starts_with("SET default_") || line.starts_with("SELECT pg_catalog.set_config(");
        let of_dump = line.starts_with(r"\restrict") || line.starts_with(r"\unrestrict") || *line == "--";
        of_session || of_dump || line.starts_with("-- PostgreSQL database dump")
    };
    body.lines().filter(|line| !noise(line)).collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{HEAD, normalised};

    #[test]
    fn our_objects_stay_and_what_differs_between_runs_goes() {
        let dump = "\
--
-- PostgreSQL database dump
--

\\restrict x7Jq

SET statement_timeout = 0;

--
-- Name: objects; Type: TABLE; Schema: storage; Owner: -
--

CREATE TABLE storage.objects ();


--
-- Name: pets; Type: TABLE; Schema: public; Owner: -
--

SET default_tablespace = '';

CREATE TABLE public.pets (
    id uuid
);


--
-- Name: objects pet_files; Type: POLICY; Schema: storage; Owner: -
--

CREATE POLICY pet_files ON storage.objects;


--
-- PostgreSQL database dump complete
--

\\unrestrict x7Jq
";
        let expected = format!(
            "{HEAD}
-- TABLE pets
CREATE TABLE public.pets (
    id uuid
);

-- POLICY objects pet_files
CREATE POLICY pet_files ON storage.objects;
"
        );
        assert_eq!(normalised(dump), expected);
    }
}

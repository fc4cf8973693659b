//! The vendors' recorded answers are all used: by our parsers, and to compare the simulators with.

use serde_json::Value;

use crate::{files::files, markdown::Document, text};

const FOLDER: &str = "local/simulators/fixtures";
/// Where our own parsers read them.
const PARSERS: [&str; 2] = ["shared/src/fixtures.rs", "functions/clerk-webhook-handler/src/tests.rs"];
/// Where the simulators are compared with them.
const SHAPES: &str = "tests/tests/simulators/shapes.rs";

#[test]
fn every_recorded_answer_is_read_by_a_parser_and_compared_with_a_simulator() {
    let parsers = PARSERS.map(text).concat();
    let shapes = text(SHAPES);
    let mut unused = Vec::new();
    for file in files(FOLDER, &[".json"]) {
        let name = file.strip_prefix(FOLDER).unwrap().with_extension("").display().to_string();
        let fixture: Value = serde_json::from_str(&text(&file)).unwrap();
        let quoted = format!("\"{name}\"");
        // Of some only the names and types are known, and nothing can be read of those.
        if fixture.get("members").is_none() && !parsers.contains(&quoted) {
            unused.push(format!("{name} is read by no parser of ours"));
        }
        match fixture["not_simulated"].as_str() {
            None if !shapes.contains(&quoted) => unused.push(format!("{name} is compared with no simulator")),
            Some(why) if why.is_empty() || shapes.contains(&quoted) => unused.push(format!("{name} is simulated")),
            _ => {}
        }
    }
    assert!(unused.is_empty(), "{}", unused.join("\n"));
}

#[test]
fn every_recorded_answer_says_where_it_was_seen_and_what_it_means() {
    for file in files(FOLDER, &[".json"]) {
        let fixture: Value = serde_json::from_str(&text(&file)).unwrap();
        let cites = fixture["cites"].as_str().unwrap_or_default();
        let (page, anchor) = cites.split_once('#').unwrap_or_default();
        let is_there = page.starts_with("docs/vendors/") && Document::new(&text(page)).anchors().contains(anchor);
        assert!(is_there, "{}: {cites}", file.display());
        let is_told =
            fixture["seen_in"].is_string() && (fixture["answers"].is_string() != fixture["sent_as"].is_string());
        let is_answer = fixture["status"].is_u64() && fixture["content_type"].is_string();
        assert!(is_told && is_answer == fixture["answers"].is_string(), "{}", file.display());
        let contents = ["body", "members", "text"].iter().filter(|member| fixture.get(**member).is_some());
        assert_eq!(contents.count(), 1, "{}", file.display());
    }
}

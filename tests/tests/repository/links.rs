//! What the documents and the comments point at is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{
    files::{files, resolve},
    markdown::Document,
    path, text,
};

/// The folders that a path in a document may begin with.
const FOLDERS: [&str; 8] = ["docs/", "functions/", "local/", "migrations/", "shared/", "supabase/", "tests/", "xtask/"];

/// Files whose comments cite documents.
const SOURCES: [&str; 4] = [".rs", ".sql", ".mjs", ".toml"];

/// The examples in this file point at nothing.
const OWN: &str = "tests/tests/repository/links.rs";

fn documents() -> BTreeMap<PathBuf, Document> {
    files("", &[".md"]).into_iter().map(|file| (file.clone(), Document::new(&text(&file)))).collect()
}

fn sources() -> impl Iterator<Item = PathBuf> {
    files("", &SOURCES).into_iter().filter(|file| file != Path::new(OWN))
}

#[test]
fn every_link_leads_to_something() {
    let documents = documents();
    let anchors: BTreeMap<&Path, BTreeSet<String>> =
        documents.iter().map(|(file, document)| (file.as_path(), document.anchors())).collect();
    let mut dead = Vec::new();
    for (file, document) in &documents {
        for link in document.links() {
            let folder = file.parent().unwrap();
            let target = if link.path.is_empty() { Some(file.clone()) } else { resolve(folder, &link.path) };
            let is_there = target.is_some_and(|target| {
                let has = |anchor| anchors.get(target.as_path()).is_some_and(|anchors| anchors.contains(anchor));
                path(&target).exists() && link.anchor.as_ref().is_none_or(has)
            });
            if !is_there {
                dead.push(format!("{}: {link:?}", file.display()));
            }
        }
    }
    assert!(dead.is_empty(), "links that lead nowhere:\n{}", dead.join("\n"));
}

#[test]
fn every_path_in_a_document_exists() {
    let mut missing = Vec::new();
    for (file, document) in documents() {
        let is_path = |code: &String| FOLDERS.iter().any(|folder| code.starts_with(folder));
        for code in document.code().into_iter().filter(is_path) {
            // `functions/<name>` and the like stand for many.
            let is_pattern = code.contains(['<', '*', '…', '{']);
            if !is_pattern && !path(&code).exists() {
                missing.push(format!("{}: {code}", file.display()));
            }
        }
    }
    assert!(missing.is_empty(), "paths that do not exist:\n{}", missing.join("\n"));
}

/// A comment cites a document as `docs/….md`, with the anchor of a section.
#[test]
fn every_document_that_a_comment_cites_is_there() {
    let documents = documents();
    let mut missing = Vec::new();
    let mut cited = 0;
    for file in sources() {
        for citation in citations(&text(&file)) {
            let (document, anchor) = citation.split_once('#').unwrap_or((&citation, ""));
            let document = documents.get(Path::new(document));
            cited += 1;
            if !document.is_some_and(|document| anchor.is_empty() || document.anchors().contains(anchor)) {
                missing.push(format!("{}: {citation}", file.display()));
            }
        }
    }
    assert!(missing.is_empty(), "citations that lead nowhere:\n{}", missing.join("\n"));
    assert!(cited > 40, "citations are found at all: {cited}");
}

fn citations(text: &str) -> Vec<String> {
    let goes_on = |letter: char| letter.is_alphanumeric() || matches!(letter, '/' | '.' | '-' | '_' | '#');
    // Not within a longer path, such as an address.
    let starts = text.match_indices("docs/").filter(|(start, _)| !text[..*start].ends_with(goes_on));
    let words = starts.filter_map(|(start, _)| text[start..].split(|letter| !goes_on(letter)).next());
    words.map(|word| word.trim_end_matches('.').to_owned()).filter(|word| word.contains(".md")).collect()
}

/// Documents that are not in the repository cannot be looked up.
#[test]
fn nothing_cites_a_document_that_is_elsewhere() {
    let documents = documents().into_keys();
    let citing = sources().chain(documents).filter(|file| {
        let text = text(file);
        text.contains("contract §") || text.contains("contracts/")
    });
    assert_eq!(citing.collect::<Vec<_>>(), Vec::<PathBuf>::new());
}

#[test]
fn citations_are_found_in_comments() {
    let text = "// (docs/vendors/a.md#b-c). See docs/d.md, https://x.example/docs/e.md and docs/database/schema.sql.";
    assert_eq!(citations(text), ["docs/vendors/a.md#b-c", "docs/d.md"]);
}

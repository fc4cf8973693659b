//! What the documents list is what there is.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    files::files,
    functions::functions,
    markdown::{Document, code},
    text,
};

/// The names in a column of a document's tables: the pieces of code in it.
fn column(document: &str, heading: &str) -> BTreeSet<String> {
    let rows = Document::new(&text(document)).rows();
    let names: BTreeSet<String> = rows.iter().filter_map(|row| row.get(heading)).flat_map(|cell| code(cell)).collect();
    assert!(!names.is_empty(), "{document} has a column {heading}");
    names
}

#[test]
fn the_readme_is_short_and_says_how_to_try_it() {
    let readme = text("README.md");
    assert!(readme.lines().count() <= 150, "the README has {} lines", readme.lines().count());
    for command in ["cargo xtask demo", "cargo xtask test", "cargo xtask dev", "cargo xtask bench"] {
        assert!(readme.lines().any(|line| line.starts_with(command)), "{command}");
    }
}

#[test]
fn every_function_has_its_page_and_every_page_its_function() {
    let pages = files("docs/functions", &[".md"]);
    let pages = pages.iter().filter_map(|page| page.file_stem()?.to_str()).filter(|page| *page != "README");
    assert_eq!(pages.map(str::to_owned).collect::<BTreeSet<_>>(), functions());

    let overview = text("docs/functions/README.md");
    for function in functions() {
        assert!(overview.contains(&format!("[{function}]({function}.md)")), "the overview leads to {function}");
        let page = text(format!("docs/functions/{function}.md"));
        assert!(page.starts_with(&format!("# {function}\n")), "{function} has its name as the title");
        assert!(page.contains("](../problems.md)"), "{function} leads to the list of problems");
    }
}

#[test]
fn the_settings_that_are_documented_are_those_that_the_code_reads() {
    let documented = column("docs/configuration.md", "name");
    let sources = files("functions", &[".rs"]).into_iter().chain(files("shared/src", &[".rs"]));
    let read_by_code: BTreeSet<String> = sources.flat_map(|file| settings(&text(file))).collect();
    assert_eq!(documented, read_by_code);

    let wrangler: toml::Table = text("wrangler.toml").parse().unwrap();
    let environments = wrangler["env"].as_table().unwrap().values();
    let variables =
        environments.filter_map(|environment| environment.get("vars")?.as_table()).flat_map(toml::Table::keys);
    let variables: BTreeSet<String> = variables.cloned().collect();
    assert!(!variables.is_empty());
    assert_eq!(variables.difference(&documented).collect::<Vec<_>>(), Vec::<&String>::new(), "variables nobody reads");
}

#[test]
fn each_secret_is_for_the_functions_that_the_list_of_settings_names() {
    let people = "initiate-skyvern-application adzuna-job-search generate-resume-signed-url";
    let names = |list: &str| list.split([' ', ',']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let rows = Document::new(&text("docs/configuration.md")).rows();
    let secrets = rows.iter().filter(|row| row.get("secret").is_some_and(|secret| secret == "yes"));
    let documented: BTreeMap<String, BTreeSet<String>> = secrets
        .map(|row| {
            let functions: BTreeSet<String> = match row["used by"].as_str() {
                "all" => functions(),
                "people's" => names(people),
                list => match list.strip_prefix("all but ") {
                    Some(others) => &functions() - &names(others),
                    None => names(list),
                },
            };
            (code(&row["name"]).concat(), functions)
        })
        .collect();
    let handed_out: BTreeMap<String, BTreeSet<String>> =
        serde_json::from_str(&text("local/stack/secrets.json")).unwrap();
    assert_eq!(documented, handed_out);
}

/// The names that a source asks an `Environment` for: `environment.required("NAME")`, `read(environment, "NAME")`.
fn settings(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let is_name =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    let asked = source.split("environment").skip(1).filter_map(|rest| {
        let rest = rest.trim_start();
        let argument = match rest.strip_prefix('.') {
            Some(call) => call.split_once('(')?.1,
            None => rest.strip_prefix(',')?,
        };
        let name = argument.trim_start().strip_prefix('"')?.split_once('"')?.0;
        (!name.is_empty() && is_name(name)).then(|| name.to_owned())
    });
    asked.collect()
}

#[test]
fn settings_are_found_in_sources() {
    let source = "environment.optional(\"A_1\"); environment\n    .url(\n \"B\", None); keys(environment, \"C\");\n\
                  fn read(environment: &Environment) { environment.list(name) }\n#[cfg(test)] environment.list(\"D\")";
    assert_eq!(settings(source), ["A_1", "B", "C"]);
}

#[test]
fn every_test_that_the_security_page_names_exists() {
    let rows = Document::new(&text("docs/security.md")).rows();
    let rows: Vec<_> = rows.iter().filter(|row| row.contains_key("threat")).collect();
    let tests: BTreeSet<String> = files("", &[".rs"]).iter().flat_map(|file| tests(&text(file))).collect();
    for row in &rows {
        assert!(row["check"].contains("]("), "a file holds the check that meets {}", row["threat"]);
        let named = code(&row["test"]);
        assert!(!named.is_empty(), "a test checks that {} is met", row["threat"]);
        for test in named {
            assert!(tests.contains(&test), "there is no test {test}, which is to check that {} is met", row["threat"]);
        }
    }
    assert!(rows.len() > 30, "the tables are found: {}", rows.len());
}

/// The names of the tests in a source.
fn tests(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim_start) {
        is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test && !line.starts_with("//")) {
            names.extend(rest.split('(').next().map(str::to_owned));
            is_test = false;
        }
    }
    names
}

#[test]
fn the_problems_on_the_functions_pages_are_those_of_the_list() {
    let rows = Document::new(&text("docs/problems.md")).rows();
    // What the database refuses is in a table without titles.
    let listed = rows.iter().filter(|row| row.contains_key("title and `detail`")).filter_map(|row| row.get("code"));
    let listed: BTreeSet<String> = listed.flat_map(|cell| code(cell)).collect();
    let pages = files("docs/functions", &[".md"]);
    let named =
        pages.iter().flat_map(|page| Document::new(&text(page)).rows()).filter_map(|mut row| row.remove("`code`"));
    let named: BTreeSet<String> = named.flat_map(|cell| code(&cell)).collect();
    assert_eq!(named, listed);
}

#[test]
fn the_job_types_that_are_documented_are_those_of_the_runner() {
    let documented = column("docs/functions/job-runner.md", "`job_type`");
    let types = files("functions/job-runner/src/job_types", &[".rs"]);
    let types = types.iter().filter_map(|path| path.file_stem()?.to_str()).filter(|name| *name != "mod");
    assert_eq!(documented, types.map(str::to_owned).collect());
}

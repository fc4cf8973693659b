//! As much of Markdown as the documents use.

use std::collections::{BTreeMap, BTreeSet};

/// A document, without its blocks of code.
pub(crate) struct Document {
    lines: Vec<String>,
}

/// A link to somewhere.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// What is before `#`; empty for the document itself.
    pub(crate) path: String,
    /// What is behind it.
    pub(crate) anchor: Option<String>,
}

/// A row of a table, by the headings of its columns.
pub(crate) type Row = BTreeMap<String, String>;

impl Document {
    pub(crate) fn new(text: &str) -> Self {
        let mut in_code = false;
        let prose = text.lines().filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            in_code ^= is_fence;
            !is_fence && !in_code
        });
        Self { lines: prose.map(str::to_owned).collect() }
    }

    /// The links that lead within the repository.
    pub(crate) fn links(&self) -> Vec<Link> {
        let prose = without_code(&self.lines.join("\n"));
        let targets = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ', '\n']).next());
        let within = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
        let links = within.map(|target| match target.split_once('#') {
            Some((path, anchor)) => Link { path: path.to_owned(), anchor: Some(anchor.to_owned()) },
            None => Link { path: target.to_owned(), anchor: None },
        });
        links.collect()
    }

    /// What a link may name behind `#`: the headings as GitHub spells them, and the ids of anchors.
    pub(crate) fn anchors(&self) -> BTreeSet<String> {
        let mut anchors = BTreeSet::new();
        for heading in self.lines.iter().filter_map(|line| heading(line)) {
            let slug = slug(heading);
            let numbered = (1..).map(|number| format!("{slug}-{number}"));
            let free = std::iter::once(slug.clone()).chain(numbered).find(|name| !anchors.contains(name));
            anchors.extend(free);
        }
        let ids = self.lines.iter().flat_map(|line| line.split("<a id=\"").skip(1));
        anchors.extend(ids.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        anchors
    }

    /// The pieces of code within the text.
    pub(crate) fn code(&self) -> Vec<String> {
        self.lines.iter().flat_map(|line| code(line)).collect()
    }

    /// The rows of all tables.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for table in self.lines.chunk_by(|one, next| one.starts_with('|') && next.starts_with('|')) {
            let mut lines = table.iter().filter(|line| line.starts_with('|')).map(|line| cells(line));
            let headings = lines.next().unwrap_or_default();
            rows.extend(lines.skip(1).map(|row| headings.iter().cloned().zip(row).collect()));
        }
        rows
    }
}

/// The pieces of code in a text.
pub(crate) fn code(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn without_code(text: &str) -> String {
    text.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let depth = line.len() - text.len();
    text.strip_prefix(' ').filter(|_| (1..=6).contains(&depth))
}

/// Lower case, hyphens in place of spaces, and nothing else but letters, digits, hyphens and underscores.
fn slug(heading: &str) -> String {
    let text = heading.trim().to_lowercase();
    let kept = text.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches('|');
    let line = line.strip_suffix('|').unwrap_or(line);
    line.split('|').map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn links_and_headings_are_read_as_github_does() {
    let document = Document::new(
        "# It's `one` thing: a_b\n## Same\n## Same\n[a](b.md#c), `[no](code)`, [web](https://example.com/#x), [d](#same-1)\n\
         ```sh\n# no heading [no](link)\n```\n<a id=\"by-hand\"></a>\n",
    );
    let link = |path: &str, anchor: &str| Link { path: path.to_owned(), anchor: Some(anchor.to_owned()) };
    assert_eq!(document.links(), [link("b.md", "c"), link("", "same-1")]);
    let anchors = ["by-hand", "its-one-thing-a_b", "same", "same-1"].map(str::to_owned);
    assert_eq!(document.anchors(), BTreeSet::from(anchors));
}

#[test]
fn tables_are_read_by_their_headings() {
    let document =
        Document::new("text\n\n| a | b |\n| --- | --- |\n| `1` | 2 |\n| 3 | |\n\nmore\n\n| c |\n| --- |\n| 4 |\n");
    let row = |cells: &[(&str, &str)]| -> Row {
        cells.iter().map(|(heading, cell)| ((*heading).to_owned(), (*cell).to_owned())).collect()
    };
    let rows = [row(&[("a", "`1`"), ("b", "2")]), row(&[("a", "3"), ("b", "")]), row(&[("c", "4")])];
    assert_eq!(document.rows(), rows);
}

//! Entity diagrams in Mermaid. One of all tables could not be read, so each shows the tables that hang together by foreign
//! keys other than those to the hub: the table that most others point to, which is that of the people.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use crate::catalogue::{Column, Table};

/// Tables that are drawn together.
#[derive(Debug)]
pub struct Group<'tables> {
    /// Never empty.
    pub tables: Vec<&'tables Table>,
}

/// The groups, and the tables without any foreign key.
pub fn groups(tables: &[Table]) -> (Vec<Group<'_>>, Vec<&Table>) {
    let hub = hub(tables);
    let mut group_of: BTreeMap<&str, usize> =
        tables.iter().enumerate().map(|(number, table)| (table.name.as_str(), number)).collect();
    for (table, to) in edges(tables).filter(|(table, to)| Some(*to) != hub && Some(*table) != hub) {
        if let (Some(&one), Some(&other)) = (group_of.get(table), group_of.get(to)) {
            let (kept, joined) = (one.min(other), one.max(other));
            group_of.values_mut().filter(|group| **group == joined).for_each(|group| *group = kept);
        }
    }

    let connected: BTreeSet<&str> = edges(tables).flat_map(|(table, to)| [table, to]).collect();
    let (mut around_hub, mut several, mut alone) = (Vec::new(), BTreeMap::<usize, Vec<&Table>>::new(), Vec::new());
    for table in tables {
        let group = group_of.get(table.name.as_str()).copied().unwrap_or_default();
        if !connected.contains(table.name.as_str()) {
            alone.push(table);
        } else if group_of.values().filter(|other| **other == group).count() == 1 {
            around_hub.push(table);
        } else {
            several.entry(group).or_default().push(table);
        }
    }
    around_hub.sort_by_key(|table| Some(table.name.as_str()) != hub);
    let all = [around_hub].into_iter().chain(several.into_values()).filter(|tables| !tables.is_empty());
    (all.map(|tables| Group { tables }).collect(), alone)
}

/// The table that most foreign keys point to.
fn hub(tables: &[Table]) -> Option<&str> {
    let mut pointers: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, to) in edges(tables) {
        *pointers.entry(to).or_default() += 1;
    }
    pointers.into_iter().max_by_key(|(_, count)| *count).map(|(table, _)| table)
}

fn edges(tables: &[Table]) -> impl Iterator<Item = (&str, &str)> {
    tables.iter().flat_map(|table| table.references.iter().map(|to| (table.name.as_str(), to.to.as_str())))
}

/// One diagram, with the tables outside of it that it points to as bare boxes.
pub fn mermaid(group: &Group<'_>) -> String {
    let mut text = String::from("```mermaid\nerDiagram\n");
    for table in &group.tables {
        for to in &table.references {
            let parent = if to.is_required { "||" } else { "|o" };
            let child = if to.is_unique { "o|" } else { "o{" };
            let _ =
                writeln!(text, "    {} {parent}--{child} {} : \"{}\"", entity(&to.to), entity(&table.name), to.columns);
        }
    }
    for table in &group.tables {
        let _ = writeln!(text, "    {} {{", entity(&table.name));
        for column in &table.key_columns {
            let _ = writeln!(text, "        {} {}{}", attribute_type(&column.data_type), column.name, keys(column));
        }
        text.push_str("    }\n");
    }
    text.push_str("```\n");
    text
}

/// Mermaid reads a dot only in quotes.
fn entity(name: &str) -> String {
    if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() }
}

/// Mermaid's types hold letters, digits, underscores and brackets.
fn attribute_type(name: &str) -> &str {
    name.trim_matches('"')
}

fn keys(column: &Column) -> String {
    let marks = [(column.is_primary, "PK"), (column.is_foreign, "FK"), (column.is_unique, "UK")];
    let marks: Vec<&str> = marks.into_iter().filter(|(is_set, _)| *is_set).map(|(_, mark)| mark).collect();
    if marks.is_empty() { String::new() } else { format!(" {}", marks.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::{groups, mermaid};
    use crate::catalogue::{Column, Reference, Table};

    fn table(name: &str, references: &[&str]) -> Table {
        let reference = |to: &&str| Reference {
            to: (*to).to_owned(),
            columns: format!("{to}_id"),
            is_required: true,
            is_unique: false,
        };
        Table {
            name: name.into(),
            comment: None,
            key_columns: Vec::new(),
            references: references.iter().map(reference).collect(),
            people_may: None,
            service_may: None,
        }
    }

    #[test]
    fn tables_that_hang_together_are_drawn_together() {
        let tables = [
            table("locks", &[]),
            table("orders", &["people", "shops"]),
            table("people", &[]),
            table("pets", &["people"]),
            table("shops", &[]),
        ];

        let (groups, alone) = groups(&tables);

        let names = |tables: &[&Table]| tables.iter().map(|table| table.name.clone()).collect::<Vec<_>>();
        let groups: Vec<_> = groups.iter().map(|group| names(&group.tables)).collect();
        assert_eq!(groups, [vec!["people", "pets"], vec!["orders", "shops"]]);
        assert_eq!(names(&alone), ["locks"]);
    }

    #[test]
    fn a_diagram_says_how_many_point_to_how_many() {
        let mut pets = table("private.pets", &["people"]);
        pets.references[0].is_required = false;
        let key = |name: &str, is_primary, is_foreign| Column {
            name: name.into(),
            data_type: "uuid".into(),
            is_primary,
            is_foreign,
            is_unique: false,
        };
        pets.key_columns = vec![key("id", true, false), key("people_id", false, true)];

        let (groups, _) = groups(std::slice::from_ref(&pets));

        let expected = "\
```mermaid
erDiagram
    people |o--o{ \"private.pets\" : \"people_id\"
    \"private.pets\" {
        uuid id PK
        uuid people_id FK
    }
```
";
        assert_eq!(mermaid(&groups[0]), expected);
    }
}

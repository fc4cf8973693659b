//! The page to read: diagrams, the tables, and the functions that run with their owner's rights.

use std::fmt::Write as _;

use toolchain::{Failure, Outcome};

use crate::{
    catalogue::{Catalogue, Definer, Table},
    diagram,
};

const HEAD: &str = "\
# The database

Written by `cargo xtask db docs` from the catalogue of a migrated database; do not edit. The whole schema is in
[schema.sql](schema.sql), and the files that make it in [migrations](../../migrations).

People (the role `authenticated`) reach rows through PostgREST, where row level security decides which ones. The service
(`service_role`) passes row level security. PostgREST does not expose the schema `private`; people only call the few functions
there that policies and triggers need, and the service none.
";

const DEFINERS_HEAD: &str = "
## Functions that run with their owner's rights

Row level security does not apply inside a `SECURITY DEFINER` function, so each says why it has to be one, and what bounds
its arguments: `Definer:` and `Bounds:` in its comment in the database.

| function | who may call it | what it does | why it is definer | what bounds its arguments |
| --- | --- | --- | --- | --- |
";

/// The page.
pub fn render(catalogue: &Catalogue) -> Outcome<String> {
    let mut page = HEAD.to_owned();
    diagrams(&mut page, &catalogue.tables);
    tables(&mut page, &catalogue.tables)?;
    definers(&mut page, &catalogue.definers)?;
    Ok(page)
}

fn diagrams(page: &mut String, tables: &[Table]) {
    let (groups, alone) = diagram::groups(tables);
    page.push_str("\n## Diagrams\n\nKeys and enums only. A box without columns is drawn in another diagram.\n");
    for group in groups {
        let names: Vec<&str> = group.tables.iter().map(|table| table.name.as_str()).collect();
        let _ = write!(page, "\n### {}\n\n{}", names.join(", "), diagram::mermaid(&group));
    }
    if !alone.is_empty() {
        let names: Vec<String> = alone.iter().map(|table| format!("`{}`", table.name)).collect();
        let _ = writeln!(page, "\nWithout a foreign key: {}.", names.join(", "));
    }
}

fn tables(page: &mut String, tables: &[Table]) -> Outcome {
    page.push_str(
        "\n## Tables\n\nRights marked with `*` are to some of the columns.\n\n\
         | table | what it is | people may | the service may |\n| --- | --- | --- | --- |\n",
    );
    let silent: Vec<&str> =
        tables.iter().filter(|table| table.comment.is_none()).map(|table| table.name.as_str()).collect();
    if !silent.is_empty() {
        return Err(Failure::new(format!("a table has no comment: {}", silent.join(", ")))
            .mend("comment on table … is '…' in its migration"));
    }
    for table in tables {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            table.name,
            cell(table.comment.as_deref().unwrap_or_default()),
            table.people_may.as_deref().map_or("nothing".into(), cell),
            table.service_may.as_deref().map_or("nothing".into(), cell),
        );
    }
    Ok(())
}

fn definers(page: &mut String, definers: &[Definer]) -> Outcome {
    let (said, silent): (Vec<_>, Vec<_>) =
        definers.iter().map(|definer| (definer, Reasons::read(definer))).partition(|(_, reasons)| reasons.is_some());
    if !silent.is_empty() {
        let names: Vec<&str> = silent.iter().map(|(definer, _)| definer.name.as_str()).collect();
        return Err(Failure::new(format!(
            "a SECURITY DEFINER function has no comment of the form 'What. Definer: why. Bounds: what.': {}",
            names.join(", ")
        ))
        .mend("comment on function … is '…' in its migration"));
    }
    page.push_str(DEFINERS_HEAD);
    for (definer, reasons) in said {
        let Some(Reasons { what, why, bounds }) = reasons else { continue };
        let call = format!("{}({})", definer.name, definer.arguments);
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} |",
            cell(&call),
            callers(definer),
            cell(what),
            cell(&capitalised(why)),
            cell(&capitalised(bounds))
        );
    }
    Ok(())
}

/// The parts of a comment `What. Definer: why. Bounds: what bounds its arguments.`
#[derive(Debug, PartialEq, Eq)]
struct Reasons<'comment> {
    what: &'comment str,
    why: &'comment str,
    bounds: &'comment str,
}

impl<'comment> Reasons<'comment> {
    fn read(definer: &'comment Definer) -> Option<Self> {
        let (what, rest) = definer.comment.as_deref()?.split_once(" Definer: ")?;
        let (why, bounds) = rest.split_once(" Bounds: ")?;
        let is_sentence = |part: &str| part.len() > 1 && part.ends_with('.');
        [what, why, bounds].into_iter().all(is_sentence).then_some(Self { what, why, bounds })
    }
}

fn callers(definer: &Definer) -> String {
    let mut callers: Vec<String> = definer
        .callers
        .iter()
        .map(|role| match role.as_str() {
            "authenticated" => "people".to_owned(),
            "service_role" => "the service".to_owned(),
            "anon" | "public" => format!("**{role}**"),
            role => role.to_owned(),
        })
        .collect();
    if !definer.triggers_of.is_empty() {
        let tables: Vec<String> = definer.triggers_of.iter().map(|table| format!("`{table}`")).collect();
        callers.push(format!("triggers of {}", tables.join(", ")));
    }
    if callers.is_empty() { "nobody".into() } else { callers.join(", ") }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A cell of a table ends at the next bar.
fn cell(text: &str) -> String {
    text.replace('|', r"\|").replace('*', r"\*")
}

#[cfg(test)]
mod tests {
    use super::{Reasons, callers, definers};
    use crate::catalogue::Definer;

    fn definer(comment: Option<&str>) -> Definer {
        Definer {
            name: "feed".into(),
            arguments: "p_pet_id uuid".into(),
            callers: vec!["authenticated".into()],
            triggers_of: Vec::new(),
            comment: comment.map(str::to_owned),
        }
    }

    #[test]
    fn a_definer_says_why_it_is_one_and_what_bounds_its_arguments() {
        let whole = definer(Some("Feeds a pet. Definer: it opens the cupboard. Bounds: the caller's own pets."));
        let reasons = Reasons { what: "Feeds a pet.", why: "it opens the cupboard.", bounds: "the caller's own pets." };
        assert_eq!(Reasons::read(&whole), Some(reasons));

        for lacking in
            [None, Some("Feeds a pet."), Some("Feeds. Definer: it must."), Some("Feeds. Definer: . Bounds: .")]
        {
            let failure = definers(&mut String::new(), &[definer(lacking)]).unwrap_err();
            assert!(failure.to_string().contains("feed"), "{failure}");
        }
    }

    #[test]
    fn a_function_open_to_everybody_stands_out() {
        let open = Definer { callers: vec!["anon".into(), "service_role".into()], ..definer(None) };
        assert_eq!(callers(&open), "**anon**, the service");
    }
}

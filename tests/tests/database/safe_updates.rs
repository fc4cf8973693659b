//! No function changes all rows of a table by an UPDATE or a DELETE without WHERE: hosted Supabase refuses those to the
//! roles of its API, also within functions (docs/vendors/supabase.md#postgrest). What the tests call is refused here as
//! well; this one reads what none of them calls.

use tests::Stack;

#[tokio::test]
async fn no_function_changes_all_rows_of_a_table() {
    let bodies = "select p.oid::regprocedure::text, p.prosrc from pg_catalog.pg_proc p
                  join pg_catalog.pg_namespace n on n.oid = p.pronamespace where n.nspname in ('public', 'private')";
    let bodies = Stack::get().await.database().query(bodies, &[]).await;
    assert!(bodies.len() > 50, "{} functions", bodies.len());
    let mut bad = Vec::new();
    for row in &bodies {
        let (name, body): (String, String) = (row.get(0), row.get(1));
        bad.extend(changes_of_all_rows(&body).into_iter().map(|statement| format!("{name}: {statement}")));
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// The words and signs of a body, without comments and texts, in lower case. What a body executes as text is not seen.
fn words(body: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = body;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '\'' {
            rest[1..].find('\'').map_or(rest.len(), |end| end + 2)
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
            words.push(rest[..length].to_lowercase());
            length
        } else {
            if !first.is_whitespace() {
                words.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    words
}

/// The statements that change all rows: from `update` or `delete from` to the end of the statement, or of the parentheses
/// around it, there is no `where`.
fn changes_of_all_rows(body: &str) -> Vec<String> {
    let words = words(body);
    let word = |index: usize| words.get(index).map_or("", String::as_str);
    let mut found = Vec::new();
    for (index, verb) in words.iter().enumerate() {
        let before = if index == 0 { "" } else { word(index - 1) };
        let is_change = match verb.as_str() {
            // `for update` locks, `do update` is a part of an insert, and a right or a trigger names no table behind it.
            "update" => {
                !["for", "do", "key", "no", "or", "before", "after", "on", ","].contains(&before)
                    && word(index + 1) != ","
            }
            "delete" => word(index + 1) == "from",
            _ => false,
        };
        if !is_change {
            continue;
        }
        let mut depth = 0;
        let mut has_where = false;
        for next in &words[index + 1..] {
            match next.as_str() {
                "(" => depth += 1,
                ")" | ";" if depth == 0 => break,
                ")" => depth -= 1,
                "where" if depth == 0 => has_where = true,
                _ => {}
            }
        }
        if !has_where {
            found.push(words[index..words.len().min(index + 8)].join(" "));
        }
    }
    found
}

#[test]
fn a_statement_without_where_is_found_wherever_it_stands() {
    for body in [
        "delete from public.jobs",
        "begin update public.jobs set a = 1; select 1 where true; end",
        "with gone as (delete from a returning id) select * from gone where id = 1",
        "update a set b = (select c from d where e = 1)",
        "update a set b = 'where' -- where
        ",
        "if x then delete from a using b; end if",
    ] {
        assert_eq!(changes_of_all_rows(body).len(), 1, "{body}");
    }
    for body in [
        "update a set b = 1 where c = 2",
        "delete from a using b where a.id = b.id",
        "with gone as (delete from a where b returning id) select 1",
        "select 1 from a for update",
        "select 1 from a for no key update skip locked",
        "insert into a values (1) on conflict (b) do update set c = 1",
        "-- update everything\n select 'delete from a'",
        "update a set b = (select c from d where e = 1) where true",
    ] {
        assert_eq!(changes_of_all_rows(body), [""; 0], "{body}");
    }
}

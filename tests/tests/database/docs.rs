//! `docs/database` says what the database says.

use std::{collections::BTreeSet, fs, path::Path};

use tests::Stack;

#[tokio::test]
async fn the_pages_of_the_database_are_up_to_date() {
    let stack = Stack::get().await;
    let (programs, url) = (&stack.description().postgresql_bin, &stack.description().admin_database_url);

    let pages = database_docs::pages(programs, url).unwrap();

    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let stale = database_docs::stale(repository, &pages);
    assert!(stale.is_empty(), "{stale:?} must be written anew: cargo xtask db docs");
}

#[tokio::test]
async fn how_long_rows_are_kept_is_on_the_page_for_operators() {
    let stack = Stack::get().await;
    let sql = "select format('| `%s` | %s | %s |', kind, keep_for, reason) from private.retention_periods";
    let kept: BTreeSet<String> = stack.database().query(sql, &[]).await.iter().map(|row| row.get(0)).collect();

    let page = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/operations.md");
    let text = fs::read_to_string(page).unwrap();
    let section = text.split("\n## ").find(|section| section.starts_with("Retention\n")).unwrap();
    let told: BTreeSet<String> = section.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect();

    assert_eq!(told, kept);
}

//! `docs/database` says what the database says.

use std::path::Path;

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

//! What is released stays as it is.

use std::path::Path;

use local_stack::released;

#[test]
fn released_migrations_are_as_they_were_released() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("migrations");
    let violations = released::violations(&folder, released::is_tagged(&folder)).unwrap();
    assert!(violations.is_empty(), "{violations:#?}");
}

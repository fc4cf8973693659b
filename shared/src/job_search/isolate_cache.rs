//! Pages that this isolate has had in its hands lately, so that the database need not send them again. Whether a page
//! is still good, the database decides at every request; what is kept here is the bulk of it.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use super::Results;
use crate::ids::SearchVersion;

/// A page has at most 50 jobs of about a kilobyte, so these are some 13 MB of an isolate's 128.
const CAPACITY: usize = 256;

thread_local! {
    /// An isolate has one thread. No borrow is held across an `await`.
    static PAGES: RefCell<Memory> = RefCell::new(Memory::default());
}

/// A fetched page and which fetch it came from.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    pub(super) version: SearchVersion,
    pub(super) results: Rc<Results>,
}

/// The page under this key, if it is remembered.
pub(super) fn recall(key: &str) -> Option<Remembered> {
    PAGES.with_borrow_mut(|isolate_cache| isolate_cache.recall(key))
}

/// Keeps a page in place of an older one.
pub(super) fn remember(key: &str, page: Remembered) {
    PAGES.with_borrow_mut(|isolate_cache| isolate_cache.remember(key, page));
}

#[derive(Default)]
struct Memory {
    pages: HashMap<String, Kept>,
    /// Counts the uses, to tell which page has gone unused for the longest.
    uses: u64,
}

struct Kept {
    page: Remembered,
    last_use: u64,
}

impl Memory {
    fn recall(&mut self, key: &str) -> Option<Remembered> {
        let kept = self.pages.get_mut(key)?;
        self.uses += 1;
        kept.last_use = self.uses;
        Some(kept.page.clone())
    }

    fn remember(&mut self, key: &str, page: Remembered) {
        self.uses += 1;
        if self.pages.len() >= CAPACITY && !self.pages.contains_key(key) {
            let unused = self.pages.iter().min_by_key(|(_, kept)| kept.last_use).map(|(key, _)| key.clone());
            unused.map(|key| self.pages.remove(&key));
        }
        self.pages.insert(key.to_owned(), Kept { page, last_use: self.uses });
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::{CAPACITY, Memory, Remembered};
    use crate::job_search::Results;

    fn page() -> Remembered {
        Remembered {
            version: "6f9619ff-8b86-4d11-b42d-00c04fc964ff".parse().unwrap(),
            results: Rc::new(Results { jobs: Vec::new(), total: None, has_more: false }),
        }
    }

    #[test]
    fn the_page_that_was_unused_for_the_longest_makes_room() {
        let mut isolate_cache = Memory::default();
        for number in 0..CAPACITY {
            isolate_cache.remember(&number.to_string(), page());
        }
        assert!(isolate_cache.recall("0").is_some());
        isolate_cache.remember("new", page());
        isolate_cache.remember("new", page());

        assert_eq!(isolate_cache.pages.len(), CAPACITY);
        assert!(isolate_cache.recall("0").is_some());
        assert!(isolate_cache.recall("1").is_none());
        assert!(isolate_cache.recall("2").is_some());
    }
}

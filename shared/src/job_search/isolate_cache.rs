//! Pages that this isolate has had in its hands lately, so that the database need not send them again. Whether a page
//! is still good, the database decides at every request; what is kept here is the bulk of it.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use super::Results;
use crate::ids::SearchVersion;

/// A page has at most 50 jobs of about a kilobyte, so these are some 13 MB of an isolate's 128.
const CAPACITY: usize = 256;

thread_local! {
    /// An isolate has one thread. No borrow is held across an `await`.
    static PAGES: RefCell<PageCache> = RefCell::new(PageCache::default());
}

/// A fetched page and which fetch it came from.
#[derive(Debug, Clone)]
pub(super) struct CachedPage {
    pub(super) version: SearchVersion,
    pub(super) results: Rc<Results>,
}

/// The page under this key, if this isolate has it.
pub(super) fn get(key: &str) -> Option<CachedPage> {
    PAGES.with_borrow_mut(|cache| cache.get(key))
}

/// Keeps a page in place of an older one.
pub(super) fn put(key: &str, page: CachedPage) {
    PAGES.with_borrow_mut(|cache| cache.put(key, page));
}

#[derive(Default)]
struct PageCache {
    pages: HashMap<String, Entry>,
    /// Counts the uses, to tell which page has gone unused for the longest.
    uses: u64,
}

struct Entry {
    page: CachedPage,
    last_use: u64,
}

impl PageCache {
    fn get(&mut self, key: &str) -> Option<CachedPage> {
        let entry = self.pages.get_mut(key)?;
        self.uses += 1;
        entry.last_use = self.uses;
        Some(entry.page.clone())
    }

    fn put(&mut self, key: &str, page: CachedPage) {
        self.uses += 1;
        if self.pages.len() >= CAPACITY && !self.pages.contains_key(key) {
            let unused = self.pages.iter().min_by_key(|(_, entry)| entry.last_use).map(|(key, _)| key.clone());
            unused.map(|key| self.pages.remove(&key));
        }
        self.pages.insert(key.to_owned(), Entry { page, last_use: self.uses });
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::{CAPACITY, CachedPage, PageCache, get, put};
    use crate::job_search::Results;

    fn page() -> CachedPage {
        CachedPage {
            version: "6f9619ff-8b86-4d11-b42d-00c04fc964ff".parse().unwrap(),
            results: Rc::new(Results { jobs: Vec::new(), total: None, has_more: false }),
        }
    }

    #[test]
    fn a_page_that_was_kept_is_there_again() {
        assert!(get("a key of this test").is_none());
        put("a key of this test", page());
        assert_eq!(get("a key of this test").map(|kept| kept.version), Some(page().version));
    }

    #[test]
    fn the_page_that_was_unused_for_the_longest_makes_room() {
        let mut cache = PageCache::default();
        for number in 0..CAPACITY {
            cache.put(&number.to_string(), page());
        }
        assert!(cache.get("0").is_some());
        cache.put("new", page());
        cache.put("new", page());

        assert_eq!(cache.pages.len(), CAPACITY);
        assert!(cache.get("0").is_some());
        assert!(cache.get("1").is_none());
        assert!(cache.get("2").is_some());
    }
}

//! From page to page of one query. Pure: pages in, places of pages out.

use std::collections::HashSet;

use shared::vendors::jsearch::{Next, Page};

/// A walk through the pages of a query.
#[derive(Debug)]
pub(crate) struct Walk {
    pages_left: u32,
    found: HashSet<String>,
    visited: HashSet<Next>,
    is_at_the_end: bool,
    all_was_readable: bool,
}

impl Walk {
    /// Along this many pages at most.
    pub(crate) fn new(pages: u32) -> Self {
        Self {
            pages_left: pages,
            found: HashSet::new(),
            visited: HashSet::new(),
            is_at_the_end: false,
            all_was_readable: true,
        }
    }

    /// Where to go after this page. Nowhere when there is no further page, when it leads back, when the page had nothing
    /// that was not on an earlier one, or when there were enough pages (docs/vendors/jsearch.md#search-response).
    pub(crate) fn after(&mut self, page: &Page) -> Option<Next> {
        self.pages_left = self.pages_left.saturating_sub(1);
        let is_empty = page.postings.is_empty() && page.unreadable == 0;
        self.is_at_the_end = page.next.is_none() || is_empty;
        self.all_was_readable &= page.unreadable == 0;
        let found_before = self.found.len();
        self.found.extend(page.postings.iter().map(|posting| posting.external_id.clone()));
        let is_news = self.found.len() > found_before;
        let next = page.next.clone().filter(|_| is_news && self.pages_left > 0)?;
        self.visited.insert(next.clone()).then_some(next)
    }

    /// Whether what was not met is not there: the last page of all was fetched, not only the last that was wanted or that
    /// had news, and no posting was one that could not be read.
    pub(crate) fn has_seen_everything(&self) -> bool {
        self.is_at_the_end && self.all_was_readable
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::vendors::jsearch::{Next, Page};

    use super::Walk;

    fn page(ids: &[&str], cursor: Option<&str>) -> Page {
        let jobs: Vec<Value> = ids.iter().map(|id| json!({ "job_id": id, "job_title": "Nurse" })).collect();
        let answer = json!({ "status": "OK", "data": { "jobs": jobs, "cursor": cursor } });
        Page::parse(answer.to_string().as_bytes(), None).unwrap()
    }

    fn cursor(text: &str) -> Next {
        Next::Cursor(text.to_owned())
    }

    #[test]
    fn it_goes_on_while_there_is_something_new() {
        let mut walk = Walk::new(9);
        assert_eq!(walk.after(&page(&["a", "b"], Some("1"))), Some(cursor("1")));
        assert_eq!(walk.after(&page(&["b", "c"], Some("2"))), Some(cursor("2")));
        assert_eq!(walk.after(&page(&["c", "a"], Some("3"))), None, "nothing new");
    }

    #[test]
    fn it_ends_with_the_pages() {
        assert_eq!(Walk::new(9).after(&page(&["a"], None)), None);
        assert_eq!(Walk::new(9).after(&page(&[], Some("1"))), None);
        assert_eq!(Walk::new(1).after(&page(&["a"], Some("1"))), None);
        let mut walk = Walk::new(2);
        assert_eq!(walk.after(&page(&["a"], Some("1"))), Some(cursor("1")));
        assert_eq!(walk.after(&page(&["b"], Some("2"))), None);
    }

    #[test]
    fn it_does_not_go_round_in_circles() {
        let mut walk = Walk::new(9);
        assert_eq!(walk.after(&page(&["a"], Some("1"))), Some(cursor("1")));
        assert_eq!(walk.after(&page(&["b"], Some("1"))), None);
    }

    #[test]
    fn only_the_real_end_tells_that_something_is_not_there() {
        let walked = |pages: u32, walked: &[Page]| {
            let mut walk = Walk::new(pages);
            for page in walked {
                let _ = walk.after(page);
            }
            walk.has_seen_everything()
        };
        let unreadable = json!({ "status": "OK", "data": { "jobs": [{ "job_id": "a" }], "cursor": null } });
        let unreadable = Page::parse(unreadable.to_string().as_bytes(), None).unwrap();

        assert!(
            walked(2, &[page(&["a"], Some("1")), page(&["b"], None)]),
            "no further page, though the last one wanted"
        );
        assert!(walked(9, &[page(&["a"], Some("1")), page(&[], Some("2"))]), "an empty page");
        assert!(!walked(2, &[page(&["a"], Some("1")), page(&["b"], Some("2"))]), "cut off");
        assert!(!walked(9, &[page(&["a"], Some("1")), page(&["a"], Some("2"))]), "nothing new");
        assert!(!walked(9, &[page(&["a"], Some("1")), page(&["b"], Some("1"))]), "in a circle");
        assert!(!walked(9, &[unreadable]), "which one it was is not known");
        assert!(!walked(9, &[]));
    }
}

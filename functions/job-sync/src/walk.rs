//! From page to page of one query. Pure: pages in, places of pages out.

use std::collections::HashSet;

use shared::vendors::jsearch::{Next, Page};

/// A walk through the pages of a query.
#[derive(Debug)]
pub(crate) struct Walk {
    pages_left: u32,
    found: HashSet<String>,
    visited: HashSet<Next>,
}

impl Walk {
    /// Along this many pages at most.
    pub(crate) fn new(pages: u32) -> Self {
        Self { pages_left: pages, found: HashSet::new(), visited: HashSet::new() }
    }

    /// Where to go after this page. Nowhere when there is no further page, when it leads back, when the page had nothing
    /// that was not on an earlier one, or when there were enough pages (docs/vendors/jsearch.md#search-response).
    pub(crate) fn after(&mut self, page: &Page) -> Option<Next> {
        self.pages_left = self.pages_left.saturating_sub(1);
        let found_before = self.found.len();
        self.found.extend(page.postings.iter().map(|posting| posting.external_id.clone()));
        let is_news = self.found.len() > found_before;
        let next = page.next.clone().filter(|_| is_news && self.pages_left > 0)?;
        self.visited.insert(next.clone()).then_some(next)
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
}

//! Which tests are likely to notice a mutant, by their names: a test's name says what it promises.

use std::collections::{BTreeMap, BTreeSet};

/// The tests whose names have most in common with a text, the best first. A word counts the less, the more names have it.
pub fn likely<'tests>(text: &str, tests: &[&'tests str], most: usize) -> Vec<&'tests str> {
    let wanted = words(text);
    let mut names_with: BTreeMap<String, u32> = BTreeMap::new();
    for word in tests.iter().flat_map(|test| words(test)) {
        *names_with.entry(word).or_default() += 1;
    }
    let worth =
        |test: &str| -> f64 { words(test).intersection(&wanted).map(|word| 1.0 / f64::from(names_with[word])).sum() };
    let mut likely: Vec<(f64, &str)> =
        tests.iter().map(|test| (worth(test), *test)).filter(|(worth, _)| *worth > 0.0).collect();
    likely.sort_by(|one, other| other.0.total_cmp(&one.0));
    likely.into_iter().take(most).map(|(_, test)| test).collect()
}

/// How many words two names have in common.
pub fn resemblance(one: &str, other: &str) -> usize {
    words(one).intersection(&words(other)).count()
}

/// The words of a name or a text, without their plural.
fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() > 2);
    words.map(|word| word.to_ascii_lowercase().trim_end_matches('s').to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{likely, resemblance};

    #[test]
    fn a_rare_word_in_common_counts_more_than_a_frequent_one() {
        let tests =
            ["apply::an_application_is_sent", "apply::an_application_waits", "apply::excluded_companies_are_refused"];

        let text = "private.claim_application_of: `unnest(excluded_companies)` taken away";

        assert_eq!(likely(text, &tests, 2), [tests[2], tests[0]]);
        assert!(likely("nothing of it", &tests, 2).is_empty());
    }

    #[test]
    fn names_resemble_each_other_by_their_words() {
        assert_eq!(resemblance("account_deletion", "public.delete_account"), 1);
        assert_eq!(resemblance("resumes", "public.make_resume_primary"), 1);
        assert_eq!(resemblance("apply", "private.functions_of"), 0);
    }
}

//! `Retry-After`, the header in which a server says when to try again.

use std::time::{Duration, SystemTime};

use crate::headers::Headers;

/// The response headers that [`retry_after`] reads.
pub const RETRY_AFTER: [&str; 2] = ["retry-after", "date"];

/// How long the sender of these headers asks us to wait: seconds, or a date in any of the forms that a recipient has to
/// accept (RFC 9110 §10.2.3 and §5.6.7). A date is compared with the response's own `Date`, so that it does not matter
/// how far the clocks are apart. `None` if there is no header, or something else in it.
#[must_use]
pub fn retry_after(headers: &Headers) -> Option<Duration> {
    let value = headers.get("retry-after")?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let (then, answered) = (date(value)?, date(headers.get("date")?.trim())?);
    Some(then.saturating_sub(answered))
}

/// The time since 1970.
fn date(text: &str) -> Option<Duration> {
    httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::retry_after;
    use crate::headers::Headers;

    fn asked(value: &str, date: Option<&str>) -> Option<u64> {
        let headers = [("Retry-After", Some(value)), ("Date", date)];
        let headers = headers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        retry_after(&headers.collect()).as_ref().map(Duration::as_secs)
    }

    #[test]
    fn seconds_are_taken_as_they_are() {
        assert_eq!(asked("120", None), Some(120));
        assert_eq!(asked(" 0 ", None), Some(0));
    }

    #[test]
    fn a_date_is_waited_for_in_each_of_its_three_forms() {
        for date in ["Sun, 06 Nov 1994 08:51:37 GMT", "Sunday, 06-Nov-94 08:51:37 GMT", "Sun Nov  6 08:51:37 1994"] {
            assert_eq!(asked(date, Some("Sun, 06 Nov 1994 08:49:37 GMT")), Some(120), "{date}");
        }
    }

    #[test]
    fn a_date_that_has_passed_is_now() {
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:36 GMT", Some("Sun, 06 Nov 1994 08:49:37 GMT")), Some(0));
    }

    #[test]
    fn anything_else_says_nothing() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for value in ["", "soon", "-1", "1.5", "99999999999999999999", "Sun, 06 Nov 1994", "2026-11-20T10:00:00Z"] {
            assert_eq!(asked(value, date), None, "{value}");
        }
        assert_eq!(asked("Sun, 06 Nov 1994 08:51:37 GMT", None), None, "nobody knows from when");
        assert_eq!(retry_after(&Headers::default()), None);
    }
}

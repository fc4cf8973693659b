//! Points in time as JSearch writes them.

/// Seconds since 1970 for `2026-08-19T12:00:00.000Z`, with or without the fraction; none for anything else.
pub(super) fn seconds_of_iso_8601(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let time = time.split_once('.').map_or(time, |(seconds, _)| seconds);
    let [hour, minute, second] = numbers(time, ':')?;
    let is_time = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    is_time.then(|| days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Seconds that can be the date of a posting: from 2000 to 2100.
pub(super) fn plausible(seconds: i64) -> Option<i64> {
    (946_684_800..4_102_444_800).contains(&seconds).then_some(seconds)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let is_number = |part: &&str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<i64> =
        text.split(separator).map(|part| Some(part).filter(is_number)?.parse().ok()).collect::<Option<_>>()?;
    parts.try_into().ok()
}

/// In the Gregorian calendar, counted in years that begin in March, so that the leap day is a year's last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::{plausible, seconds_of_iso_8601};

    #[test]
    fn dates_are_read_as_recorded() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T00:00:00.000Z", 951_782_400),
            ("2026-08-19T12:00:00.000Z", 1_787_140_800),
            ("2027-01-01T00:00:00Z", 1_798_761_600),
        ] {
            assert_eq!(seconds_of_iso_8601(text), Some(seconds), "{text}");
        }
        for text in [
            "",
            "2026-08-19",
            "2026-13-19T12:00:00Z",
            "2026-08-19T25:00:00Z",
            "vor 5 Stunden",
            "2026-08-19T12:00:00+02:00",
        ] {
            assert_eq!(seconds_of_iso_8601(text), None, "{text}");
        }
    }

    #[test]
    fn milliseconds_and_nonsense_are_no_date_of_a_posting() {
        assert_eq!(plausible(1_787_140_800), Some(1_787_140_800));
        for seconds in [0, -1, 1_787_140_800_000, i64::MAX] {
            assert_eq!(plausible(seconds), None);
        }
    }
}

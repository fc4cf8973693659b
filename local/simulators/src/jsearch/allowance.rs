//! How many requests are allowed.

/// A plan's allowance for the month; none for a plan without an end.
#[derive(Default)]
pub(super) struct Allowance {
    remaining: Option<u32>,
}

/// What the headers say of a plan without an end.
const BOUNDLESS: u32 = 10_000;

/// Until the month is over.
const RESET_SECONDS: u32 = 864_000;

impl Allowance {
    pub fn set(&mut self, remaining: Option<u32>) {
        self.remaining = remaining;
    }

    /// Whether one more request is allowed, which then counts.
    pub fn take(&mut self) -> bool {
        match &mut self.remaining {
            Some(0) => false,
            Some(remaining) => {
                *remaining -= 1;
                true
            }
            None => true,
        }
    }

    pub fn headers(&self, is_spent: bool) -> [(&'static str, u32); 3] {
        let remaining = if is_spent { 0 } else { self.remaining.unwrap_or(BOUNDLESS) };
        [
            ("x-ratelimit-requests-limit", BOUNDLESS),
            ("x-ratelimit-requests-remaining", remaining),
            ("x-ratelimit-requests-reset", RESET_SECONDS),
        ]
    }
}

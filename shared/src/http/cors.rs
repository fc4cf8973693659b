//! Cross-origin rules, as supabase-js and Expo's web build need them (docs/vendors/supabase.md#calls-from-supabase-js).

/// `ALLOWED_ORIGINS`: the web origins that may call the functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// `*`, the default: the functions use no cookies, so an origin by itself gives no rights.
    Any,
    /// Exact origins.
    Listed(Vec<String>),
}

/// What supabase-js may send, and our own two.
const REQUEST_HEADERS: &str = "authorization, x-client-info, apikey, content-type, x-retry-count, x-region, \
     traceparent, tracestate, baggage, x-request-id, idempotency-key";
const RESPONSE_HEADERS: &str = "x-request-id, server-timing, retry-after, www-authenticate, x-cache, age";

impl AllowedOrigins {
    /// Reads the comma-separated setting; absent, empty or `*` allows any origin.
    #[must_use]
    pub fn parse(setting: Option<&str>) -> Self {
        let origins: Vec<String> = setting
            .unwrap_or_default()
            .split(',')
            .map(|origin| origin.trim().trim_end_matches('/').to_owned())
            .filter(|origin| !origin.is_empty())
            .collect();
        if origins.is_empty() || origins.iter().any(|origin| origin == "*") { Self::Any } else { Self::Listed(origins) }
    }

    /// The headers for the response to a request from `origin`. They go on every response, errors
    /// included: without them a browser shows a network failure in place of the problem.
    #[must_use]
    pub fn headers(&self, origin: Option<&str>) -> Vec<(&'static str, String)> {
        let mut headers = vec![("access-control-expose-headers", RESPONSE_HEADERS.to_owned())];
        match self {
            Self::Any => headers.push(("access-control-allow-origin", "*".to_owned())),
            Self::Listed(origins) => {
                headers.push(("vary", "Origin".to_owned()));
                if let Some(origin) = origin.filter(|origin| origins.iter().any(|listed| listed == origin)) {
                    headers.push(("access-control-allow-origin", origin.to_owned()));
                }
            }
        }
        headers
    }

    /// The further headers of the response to `OPTIONS`, for a function that takes these methods.
    #[must_use]
    pub fn preflight_headers(methods: &str) -> Vec<(&'static str, String)> {
        vec![
            ("access-control-allow-methods", methods.to_owned()),
            ("access-control-allow-headers", REQUEST_HEADERS.to_owned()),
            ("access-control-max-age", "86400".to_owned()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::AllowedOrigins;

    fn allowed(setting: Option<&str>, origin: Option<&str>) -> Option<String> {
        AllowedOrigins::parse(setting)
            .headers(origin)
            .into_iter()
            .find(|(name, _)| *name == "access-control-allow-origin")
            .map(|(_, value)| value)
    }

    #[test]
    fn any_origin_is_allowed_unless_some_are_listed() {
        assert_eq!(allowed(None, Some("https://a.example")).as_deref(), Some("*"));
        assert_eq!(allowed(Some(" "), None).as_deref(), Some("*"));
        assert_eq!(allowed(Some("https://a.example, *"), None).as_deref(), Some("*"));
    }

    #[test]
    fn a_preflight_allows_what_supabase_js_sends_and_is_kept_for_a_day() {
        let headers = AllowedOrigins::preflight_headers("POST, OPTIONS");
        assert_eq!(
            headers,
            [
                ("access-control-allow-methods", "POST, OPTIONS".to_owned()),
                (
                    "access-control-allow-headers",
                    "authorization, x-client-info, apikey, content-type, x-retry-count, x-region, traceparent, tracestate, \
                     baggage, x-request-id, idempotency-key"
                        .to_owned()
                ),
                ("access-control-max-age", "86400".to_owned()),
            ]
        );
    }

    #[test]
    fn a_listed_origin_is_named_and_others_are_not() {
        let setting = Some("https://a.example, https://b.example/");
        assert_eq!(allowed(setting, Some("https://b.example")).as_deref(), Some("https://b.example"));
        assert_eq!(allowed(setting, Some("https://b.example.evil")), None);
        assert_eq!(allowed(setting, None), None);
    }
}

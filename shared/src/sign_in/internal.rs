//! Functions that only the backend itself calls.

use crate::{config::Supabase, headers::Headers, problem::Problem, secret::Secret};

/// A caller that showed the service-role key: another function of ours, or an operator.
#[derive(Debug, Clone, Copy)]
pub struct InternalCaller(());

/// Lets in whoever presents the service-role key, as the bearer or, like a key of the new kind, in
/// `apikey` (docs/vendors/supabase.md#keys).
///
/// # Errors
/// [`Problem::ServiceKeyRequired`] for everybody else.
pub fn internal_caller(headers: &Headers, supabase: &Supabase) -> Result<InternalCaller, Problem> {
    let bearer = headers.get("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let presented = [bearer, headers.get("apikey")].into_iter().flatten();
    // Compared in constant time, see `Secret`.
    let is_the_key =
        presented.map(|key| Secret::new(key) == supabase.service_role_key).fold(false, |any, this| any | this);
    if is_the_key { Ok(InternalCaller(())) } else { Err(Problem::ServiceKeyRequired) }
}

#[cfg(test)]
mod tests {
    use super::internal_caller;
    use crate::{
        config::{Project, Supabase},
        headers::Headers,
        secret::Secret,
    };

    fn asked_with(headers: &[(&str, &str)]) -> bool {
        let project =
            Project { url: "https://project.supabase.example/".parse().unwrap(), anon_key: Secret::new("eyJanon") };
        let supabase = Supabase { project, service_role_key: Secret::new("eyJservice") };
        let headers: Headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        internal_caller(&headers, &supabase).is_ok()
    }

    #[test]
    fn only_the_service_role_key_lets_in() {
        assert!(asked_with(&[("authorization", "Bearer eyJservice")]));
        assert!(asked_with(&[("apikey", "eyJservice")]));
        assert!(asked_with(&[("apikey", "eyJanon"), ("authorization", "Bearer eyJservice")]));
        assert!(
            asked_with(&[("apikey", "eyJservice"), ("authorization", "Bearer eyJservice")]),
            "as a key of the old kind"
        );
        for headers in [
            &[][..],
            &[("authorization", "Bearer eyJanon")],
            &[("authorization", "eyJservice")],
            &[("authorization", "Bearer eyJservice ")],
            &[("apikey", "eyJservicE"), ("authorization", "Bearer ")],
            &[("apikey", "")],
        ] {
            assert!(!asked_with(headers), "{headers:?}");
        }
    }
}

//! Why a token is refused.

/// The reasons, each with a code of its own, all with status 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenProblem {
    /// There is no bearer token.
    #[error("sign in: the request carries no token")]
    Missing,
    /// Not a JWT of the expected form, or larger than any of Clerk's.
    #[error("the token is malformed")]
    Malformed,
    /// Not an algorithm of the token's issuer: Clerk signs with RS256 alone, Supabase Auth with ES256, or with HS256
    /// where the project's secret is set. `none` is never accepted.
    #[error("the token's algorithm is not accepted")]
    AlgorithmRefused,
    /// Signed with a key that is not among the issuer's.
    #[error("the token's key is not known")]
    KeyUnknown,
    /// The signature does not match the content.
    #[error("the token's signature is not valid")]
    SignatureInvalid,
    /// `exp` has passed.
    #[error("the token has expired; ask for a fresh one")]
    Expired,
    /// `nbf` or `iat` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// From another Clerk instance or Supabase project.
    #[error("the token comes from another issuer")]
    IssuerRefused,
    /// Issued for another front end.
    #[error("the token was made for another application")]
    PartyRefused,
    /// A machine's or a template's token, or a sign-in that is not finished.
    #[error("the token is not one of a signed-in person")]
    KindRefused,
}

impl TokenProblem {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "token_missing",
            Self::Malformed => "token_malformed",
            Self::AlgorithmRefused => "token_algorithm_refused",
            Self::KeyUnknown => "token_key_unknown",
            Self::SignatureInvalid => "token_signature_invalid",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::IssuerRefused => "token_issuer_refused",
            Self::PartyRefused => "token_party_refused",
            Self::KindRefused => "token_kind_refused",
        }
    }

    /// The value of `WWW-Authenticate` (RFC 6750 §3: no error when no token was sent).
    #[must_use]
    pub fn challenge(self) -> String {
        match self {
            Self::Missing => "Bearer".to_owned(),
            problem => format!("Bearer error=\"invalid_token\", error_description=\"{problem}\""),
        }
    }
}

//! The signature algorithms that tokens may use.

/// One of RFC 7518 §3.1. Which one a token may use is decided by its issuer, never by the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: Clerk, always.
    Rs256,
    /// ECDSA on P-256 with SHA-256: Supabase Auth with signing keys.
    Es256,
    /// HMAC with SHA-256: Supabase Auth with the project's secret.
    Hs256,
}

impl Algorithm {
    /// The value of `alg`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
        }
    }

    /// The algorithm of this exact name.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Rs256, Self::Es256, Self::Hs256].into_iter().find(|algorithm| algorithm.name() == name)
    }
}

//! Who may issue tokens, with which algorithms, and what a person's token of theirs looks like.

use uuid::Uuid;

use super::{
    algorithm::Algorithm,
    claims::{Header, PersonClaims},
};
use crate::{problem::TokenProblem, sign_in::SignIn};

/// An issuer of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Issuer {
    /// The Clerk instance.
    Clerk,
    /// The project's own Supabase Auth, where it is configured.
    SupabaseAuth,
}

/// `cat` of Clerk's tokens for machines, and of those from a template, which are minted for others.
const REFUSED_CATEGORIES: [&str; 2] = ["cl_B7d4PD333AAA", "cl_B7d4PD222AAA"];

impl Issuer {
    /// The issuer that a token names, compared to the letter. It decides which keys are tried, so it
    /// is looked at before the signature; the signature then proves it.
    pub(super) fn named(name: Option<&str>, settings: &SignIn) -> Result<Self, TokenProblem> {
        match name {
            Some(name) if name == settings.clerk.issuer => Ok(Self::Clerk),
            Some(name) if name == settings.supabase_auth.issuer && settings.supabase_auth.is_configured() => {
                Ok(Self::SupabaseAuth)
            }
            _ => Err(TokenProblem::IssuerRefused),
        }
    }

    /// Whether this issuer's keys belong to that algorithm: no key is ever used with another family.
    pub(super) fn uses(self, algorithm: Algorithm, settings: &SignIn) -> bool {
        match (self, algorithm) {
            (Self::Clerk, Algorithm::Rs256) => true,
            (Self::SupabaseAuth, Algorithm::Es256) => settings.supabase_auth.jwks_url.is_some(),
            (Self::SupabaseAuth, Algorithm::Hs256) => settings.supabase_auth.secret.is_some(),
            _ => false,
        }
    }

    /// Whether the header is that of a person's token.
    pub(super) fn check_header(self, header: &Header) -> Result<(), TokenProblem> {
        match (self, header.cat.as_deref()) {
            (Self::Clerk, Some(category)) if REFUSED_CATEGORIES.contains(&category) => Err(TokenProblem::KindRefused),
            _ => Ok(()),
        }
    }

    /// Whether a verified token is that of a person who finished signing in, and not that of a machine.
    pub(super) fn check_person(self, said: &PersonClaims, settings: &SignIn) -> Result<(), TokenProblem> {
        let subject = said.sub.as_deref().ok_or(TokenProblem::KindRefused)?;
        let is_person = match self {
            Self::Clerk => {
                check_party(said.azp.as_deref(), &settings.clerk.authorized_parties)?;
                subject.starts_with("user_") && said.sts.as_deref() != Some("pending")
            }
            Self::SupabaseAuth => {
                let authenticated = Some("authenticated");
                Uuid::try_parse(subject).is_ok()
                    && said.role.as_deref() == authenticated
                    && said.aud.as_ref().and_then(serde_json::Value::as_str) == authenticated
            }
        };
        if is_person { Ok(()) } else { Err(TokenProblem::KindRefused) }
    }
}

/// Native apps have no `azp`, so its absence is accepted; a foreign one never is.
fn check_party(party: Option<&str>, authorized: &[String]) -> Result<(), TokenProblem> {
    match party {
        Some(party) if !authorized.is_empty() && !authorized.iter().any(|listed| listed == party) => {
            Err(TokenProblem::PartyRefused)
        }
        _ => Ok(()),
    }
}

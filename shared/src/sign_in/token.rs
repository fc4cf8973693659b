//! One Clerk session token: what it says, and whether to believe it.

use jwt_compact::{Algorithm as _, AlgorithmExt as _, Token, UntrustedToken, ValidationError, alg::Rsa};
use serde::{Deserialize, de::IgnoredAny};

use super::{TokenProblem, keys::PublicKey};
use crate::{clock::UnixTime, config::Clerk};

/// Looked at before anything is decoded: four times what fits into Clerk's cookie.
const MAXIMUM_LENGTH: usize = 16 * 1024;
/// How far the clocks may be apart, in seconds.
const LEEWAY: i64 = 5;
/// `cat` of tokens for machines, and of tokens from a template, which are minted for others.
const REFUSED_CATEGORIES: [&str; 2] = ["cl_B7d4PD333AAA", "cl_B7d4PD222AAA"];

/// A token whose form is right; nothing it says is believed yet.
pub(super) struct UncheckedToken<'a> {
    token: UntrustedToken<'a, Header>,
    key_id: String,
}

/// What a verified token says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// `sub`: `user_…`.
    pub(super) subject: String,
    /// `exp`.
    pub(super) expires_at: UnixTime,
}

/// Where a key could be fetched from (`jku`, `x5u`, `x5c`, `jwk`) is not even read.
#[derive(Clone, Deserialize)]
struct Header {
    cat: Option<String>,
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    azp: Option<String>,
    sts: Option<String>,
}

impl<'a> UncheckedToken<'a> {
    /// Reads the form, the algorithm and the key id.
    pub(super) fn parse(text: &'a str) -> Result<Self, TokenProblem> {
        if text.len() > MAXIMUM_LENGTH {
            return Err(TokenProblem::Malformed);
        }
        let token: UntrustedToken<'a, Header> = text.try_into().map_err(|_| TokenProblem::Malformed)?;
        if token.algorithm() != Rsa::rs256().name() {
            return Err(TokenProblem::AlgorithmRefused);
        }
        let header = token.header();
        // RFC 7515 §4.1.11: an extension that must be understood and is not.
        if header.other_fields.crit.is_some() || header.token_type.as_deref().is_some_and(|kind| kind != "JWT") {
            return Err(TokenProblem::Malformed);
        }
        if header.other_fields.cat.as_deref().is_some_and(|cat| REFUSED_CATEGORIES.contains(&cat)) {
            return Err(TokenProblem::KindRefused);
        }
        let key_id = header.key_id.clone().ok_or(TokenProblem::Malformed)?;
        Ok(Self { token, key_id })
    }

    /// The id of the key it claims to be signed with.
    pub(super) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Checks the signature, and only then what the token says.
    pub(super) fn verify(&self, key: &PublicKey, clerk: &Clerk, now: UnixTime) -> Result<Session, TokenProblem> {
        let token: Token<Claims, Header> =
            Rsa::rs256().validator(key).validate(&self.token).map_err(|error| match error {
                ValidationError::MalformedClaims(_) => TokenProblem::Malformed,
                _ => TokenProblem::SignatureInvalid,
            })?;
        let claims = token.claims();
        let said = &claims.custom;

        if said.iss.as_deref() != Some(clerk.issuer.as_str()) {
            return Err(TokenProblem::IssuerRefused);
        }
        check_party(said.azp.as_deref(), &clerk.authorized_parties)?;

        let now = i64::try_from(now.seconds()).unwrap_or(i64::MAX);
        let expires_at = claims.expiration.ok_or(TokenProblem::Malformed)?.timestamp();
        if expires_at <= now - LEEWAY {
            return Err(TokenProblem::Expired);
        }
        let starts = [claims.not_before, claims.issued_at];
        if starts.into_iter().flatten().any(|start| start.timestamp() > now + LEEWAY) {
            return Err(TokenProblem::NotYetValid);
        }

        let subject = said.sub.clone().ok_or(TokenProblem::KindRefused)?;
        if !subject.starts_with("user_") || said.sts.as_deref() == Some("pending") {
            return Err(TokenProblem::KindRefused);
        }
        let expires_at = u64::try_from(expires_at).map_err(|_| TokenProblem::Expired)?;
        Ok(Session { subject, expires_at: UnixTime::from_seconds(expires_at) })
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

#[cfg(test)]
mod tests {
    use jwt_compact::{
        AlgorithmExt as _,
        alg::{Hs256, Hs256Key, Rsa, RsaPrivateKey},
    };
    use serde_json::{Value, json};

    use super::{Session, UncheckedToken};
    use crate::{
        clock::UnixTime,
        config::Clerk,
        sign_in::{
            TokenProblem,
            keys::{PublicKey, tests::key_pair},
        },
    };

    const NOW: u64 = 1_800_000_000;

    struct Instance {
        private: RsaPrivateKey,
        public: PublicKey,
        clerk: Clerk,
    }

    impl Instance {
        fn new() -> Self {
            let (private, public) = key_pair();
            let clerk = Clerk {
                issuer: "https://clerk.example".to_owned(),
                jwks_url: "https://clerk.example/jwks".parse().unwrap(),
                authorized_parties: vec!["https://app.example".to_owned()],
            };
            Self { private, public, clerk }
        }

        fn sign(&self, header: Value, claims: Value) -> String {
            let header: jwt_compact::Header<Value> = serde_json::from_value(header).unwrap();
            let claims: jwt_compact::Claims<Value> = serde_json::from_value(claims).unwrap();
            Rsa::rs256().token(&header, &claims, &self.private).unwrap()
        }

        fn verify(&self, token: &str) -> Result<Session, TokenProblem> {
            UncheckedToken::parse(token)?.verify(&self.public, &self.clerk, UnixTime::from_seconds(NOW))
        }

        fn verify_claims(&self, change: &Value) -> Result<Session, TokenProblem> {
            self.verify(&self.sign(header(), changed(claims(), change)))
        }
    }

    fn header() -> Value {
        json!({ "kid": "ins_1", "typ": "JWT", "cat": "cl_B7d4PD111AAA" })
    }

    fn claims() -> Value {
        json!({
            "iss": "https://clerk.example", "sub": "user_1", "sid": "sess_1", "v": 2, "sts": "active",
            "azp": "https://app.example", "iat": NOW, "nbf": NOW - 10, "exp": NOW + 60,
        })
    }

    /// `null` takes a member away.
    fn changed(mut object: Value, change: &Value) -> Value {
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                object.as_object_mut().unwrap().remove(name);
            } else {
                object[name] = value.clone();
            }
        }
        object
    }

    #[test]
    fn a_session_token_is_accepted() {
        let session = Instance::new().verify_claims(&json!({})).unwrap();
        assert_eq!(session, Session { subject: "user_1".to_owned(), expires_at: UnixTime::from_seconds(NOW + 60) });
    }

    #[test]
    fn times_are_checked_with_five_seconds_of_leeway() {
        let instance = Instance::new();
        let verify = |change: Value| instance.verify_claims(&change).map(|_| ());
        assert_eq!(verify(json!({ "exp": NOW - 4 })), Ok(()));
        assert_eq!(verify(json!({ "exp": NOW - 5 })), Err(TokenProblem::Expired));
        assert_eq!(verify(json!({ "exp": null })), Err(TokenProblem::Malformed));
        assert_eq!(verify(json!({ "nbf": NOW + 5 })), Ok(()));
        assert_eq!(verify(json!({ "nbf": NOW + 6 })), Err(TokenProblem::NotYetValid));
        assert_eq!(verify(json!({ "iat": NOW + 6 })), Err(TokenProblem::NotYetValid));
        assert_eq!(verify(json!({ "nbf": null, "iat": null })), Ok(()));
    }

    #[test]
    fn issuer_and_party_are_compared_to_the_letter() {
        let instance = Instance::new();
        let verify = |change: Value| instance.verify_claims(&change).map(|_| ());
        assert_eq!(verify(json!({ "iss": "https://clerk.example/" })), Err(TokenProblem::IssuerRefused));
        assert_eq!(verify(json!({ "iss": null })), Err(TokenProblem::IssuerRefused));
        assert_eq!(verify(json!({ "azp": "https://evil.app.example" })), Err(TokenProblem::PartyRefused));
        assert_eq!(verify(json!({ "azp": "" })), Err(TokenProblem::PartyRefused));
        assert_eq!(verify(json!({ "azp": null })), Ok(()));
    }

    #[test]
    fn only_a_person_who_finished_signing_in_is_one() {
        let instance = Instance::new();
        let verify = |change: Value| instance.verify_claims(&change).map(|_| ());
        for change in
            [json!({ "sub": "mch_1" }), json!({ "sub": "" }), json!({ "sub": null }), json!({ "sts": "pending" })]
        {
            assert_eq!(verify(change.clone()), Err(TokenProblem::KindRefused), "{change}");
        }
        for category in super::REFUSED_CATEGORIES {
            let token = instance.sign(changed(header(), &json!({ "cat": category })), claims());
            assert_eq!(instance.verify(&token), Err(TokenProblem::KindRefused));
        }
        assert_eq!(verify(json!({ "sts": null, "v": null })), Ok(()), "older tokens have neither");
    }

    #[test]
    fn a_signature_of_another_key_or_over_other_content_is_refused() {
        let instance = Instance::new();
        let foreign = Instance::new().sign(header(), claims());
        assert_eq!(instance.verify(&foreign), Err(TokenProblem::SignatureInvalid));

        let token = instance.sign(header(), claims());
        let other = instance.sign(header(), changed(claims(), &json!({ "sub": "user_2" })));
        let (signed, _) = token.rsplit_once('.').unwrap();
        let (_, signature) = other.rsplit_once('.').unwrap();
        assert_eq!(instance.verify(&format!("{signed}.{signature}")), Err(TokenProblem::SignatureInvalid));
        assert_eq!(instance.verify(&format!("{signed}.")), Err(TokenProblem::SignatureInvalid));
    }

    #[test]
    fn only_rs256_is_an_algorithm() {
        let instance = Instance::new();
        let secret = Hs256Key::new(b"-----BEGIN PUBLIC KEY-----");
        let header: jwt_compact::Header<Value> = serde_json::from_value(header()).unwrap();
        let claims: jwt_compact::Claims<Value> = serde_json::from_value(claims()).unwrap();
        let hs256 = Hs256.token(&header, &claims, &secret).unwrap();
        assert_eq!(instance.verify(&hs256), Err(TokenProblem::AlgorithmRefused));

        let ps256 = Rsa::ps256().token(&header, &claims, &instance.private).unwrap();
        assert_eq!(instance.verify(&ps256), Err(TokenProblem::AlgorithmRefused));

        // {"alg":"none","kid":"ins_1"} and {"alg":"nOnE","kid":"ins_1"}
        for header in ["eyJhbGciOiJub25lIiwia2lkIjoiaW5zXzEifQ", "eyJhbGciOiJuT25FIiwia2lkIjoiaW5zXzEifQ"] {
            let (_, rest) = hs256.split_once('.').unwrap();
            let (claims, _) = rest.split_once('.').unwrap();
            assert_eq!(instance.verify(&format!("{header}.{claims}.")), Err(TokenProblem::AlgorithmRefused));
        }
    }

    #[test]
    fn a_malformed_token_is_refused_before_any_key_is_looked_for() {
        let instance = Instance::new();
        let good = instance.sign(header(), claims());
        let without_key_id = instance.sign(changed(header(), &json!({ "kid": null })), claims());
        let critical = instance.sign(changed(header(), &json!({ "crit": ["b64"] })), claims());
        let other_type = instance.sign(changed(header(), &json!({ "typ": "at+jwt" })), claims());
        for token in
            ["", ".", "..", "a.b.c", &format!("{good}.x"), &"a".repeat(20_000), &without_key_id, &critical, &other_type]
        {
            let problem = UncheckedToken::parse(token).err();
            assert_eq!(problem, Some(TokenProblem::Malformed), "{}", &token[..token.len().min(40)]);
        }
    }
}

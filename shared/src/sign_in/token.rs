//! One token: its claims, and whether to believe them.

use jwt_compact::{
    Algorithm as _, AlgorithmSignature as _, Claims, UntrustedToken,
    alg::{Hs256, Hs256Key, Hs256Signature},
};

use super::{
    algorithm::Algorithm,
    claims::{Header, PersonClaims},
    issuer::Issuer,
    public_key::PublicKey,
};
use crate::{clock::UnixTime, problem::TokenProblem, secret::Secret, sign_in::SignIn};

/// Looked at before anything is decoded: four times what fits into Clerk's cookie.
const MAXIMUM_LENGTH: usize = 16 * 1024;
/// How far the clocks may be apart, in seconds.
const LEEWAY: i64 = 5;
/// HMAC with SHA-256, in bytes.
const HS256_SIGNATURE_LENGTH: usize = 32;

/// A token whose form is right, from an issuer that exists; no other claim is believed yet.
pub(super) struct UncheckedToken<'a> {
    token: UntrustedToken<'a, Header>,
    claims: Claims<PersonClaims>,
    /// Header and claims as they were sent: what the signature is over.
    signed: &'a [u8],
    issuer: Issuer,
    algorithm: Algorithm,
}

impl<'a> UncheckedToken<'a> {
    /// Reads the form, the algorithm and the issuer.
    pub(super) fn parse(text: &'a str, settings: &SignIn) -> Result<Self, TokenProblem> {
        if text.len() > MAXIMUM_LENGTH {
            return Err(TokenProblem::Malformed);
        }
        let token: UntrustedToken<'a, Header> = text.try_into().map_err(|_| TokenProblem::Malformed)?;
        let (signed, _) = text.rsplit_once('.').ok_or(TokenProblem::Malformed)?;
        let algorithm = Algorithm::named(token.algorithm()).ok_or(TokenProblem::AlgorithmRefused)?;
        // RFC 7515 §4.1.11: an extension that must be understood and is not.
        let header = token.header();
        if header.other_fields.crit.is_some() || header.token_type.as_deref().is_some_and(|kind| kind != "JWT") {
            return Err(TokenProblem::Malformed);
        }
        let claims: Claims<PersonClaims> = token.deserialize_claims_unchecked().map_err(|_| TokenProblem::Malformed)?;
        let issuer = Issuer::named(claims.custom.iss.as_deref(), settings)?;
        if !issuer.uses(algorithm, settings) {
            return Err(TokenProblem::AlgorithmRefused);
        }
        issuer.check_header(&header.other_fields)?;
        Ok(Self { claims, signed: signed.as_bytes(), issuer, algorithm, token })
    }

    /// The issuer that it claims.
    pub(super) fn issuer(&self) -> Issuer {
        self.issuer
    }

    /// How it is signed: one of the issuer's algorithms.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The id of the key that it claims to be signed with.
    pub(super) fn key_id(&self) -> Result<&str, TokenProblem> {
        self.token.header().key_id.as_deref().ok_or(TokenProblem::Malformed)
    }

    /// Checks the signature with a public key.
    pub(super) async fn verify(&self, key: &PublicKey) -> Result<(), TokenProblem> {
        let is_genuine = key.verify(self.signed, self.token.signature_bytes()).await;
        if is_genuine { Ok(()) } else { Err(TokenProblem::SignatureInvalid) }
    }

    /// Checks the signature with a shared secret.
    pub(super) fn verify_with_secret(&self, secret: &Secret) -> Result<(), TokenProblem> {
        let key = Hs256Key::new(secret.expose().as_bytes());
        let signature = self.token.signature_bytes();
        // The length is checked here, because jwt-compact panics on another one.
        let is_genuine = signature.len() == HS256_SIGNATURE_LENGTH
            && Hs256Signature::try_from_slice(signature)
                .is_ok_and(|signature| Hs256.verify_signature(&signature, &key, self.signed));
        if is_genuine { Ok(()) } else { Err(TokenProblem::SignatureInvalid) }
    }

    /// Checks the claims of a token whose signature has been checked. Returns when it expires.
    pub(super) fn check_person(&self, settings: &SignIn, now: UnixTime) -> Result<UnixTime, TokenProblem> {
        let now = i64::try_from(now.seconds()).unwrap_or(i64::MAX);
        let expires_at = self.claims.expiration.ok_or(TokenProblem::Malformed)?.timestamp();
        if expires_at <= now - LEEWAY {
            return Err(TokenProblem::Expired);
        }
        let starts = [self.claims.not_before, self.claims.issued_at];
        if starts.into_iter().flatten().any(|start| start.timestamp() > now + LEEWAY) {
            return Err(TokenProblem::NotYetValid);
        }
        let said = &self.claims.custom;
        self.issuer.check_person(said, settings)?;
        u64::try_from(expires_at).map(UnixTime::from_seconds).map_err(|_| TokenProblem::Expired)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use jwt_compact::{
        AlgorithmExt as _,
        alg::{Es256, Hs256, Hs256Key, ModulusBits, Rsa, RsaPrivateKey},
        jwk::JsonWebKey,
    };
    use serde_json::{Value, json};

    use super::UncheckedToken;
    use crate::{
        clock::UnixTime,
        config::Environment,
        problem::TokenProblem,
        secret::Secret,
        sign_in::{SignIn, algorithm::Algorithm, public_key::PublicKey},
        testing::block_on,
    };

    const NOW: u64 = 1_800_000_000;
    const SECRET: &str = "a secret of the project with more than forty characters";

    fn settings() -> SignIn {
        let environment = Environment::new(|name| {
            let value = match name {
                "CLERK_ISSUER" => "https://clerk.example",
                "CLERK_AUTHORIZED_PARTIES" => "https://app.example",
                "SUPABASE_URL" => "https://project.supabase.example",
                "SUPABASE_JWKS_URL" => "https://project.supabase.example/auth/v1/.well-known/jwks.json",
                "SUPABASE_JWT_SECRET" => SECRET,
                _ => return None,
            };
            Some(value.to_owned())
        });
        SignIn::read(&environment).unwrap()
    }

    /// A Clerk instance, or somebody who claims to be one.
    struct Instance {
        private: RsaPrivateKey,
        public: PublicKey,
        settings: SignIn,
    }

    /// Making a key takes a second, so most tests share this one.
    static CLERK: LazyLock<Instance> = LazyLock::new(Instance::new);

    impl Instance {
        fn new() -> Self {
            let (private, public) = Rsa::generate(&mut rand_core::OsRng, ModulusBits::TwoKibibytes).unwrap();
            let public = serde_json::to_value(JsonWebKey::from(&public.into_inner())).unwrap();
            let public = block_on(PublicKey::import(&public, Algorithm::Rs256)).unwrap();
            Self { private: private.into_inner(), public, settings: settings() }
        }

        fn sign(&self, header: Value, claims: Value) -> String {
            let header: jwt_compact::Header<Value> = serde_json::from_value(header).unwrap();
            let claims: jwt_compact::Claims<Value> = serde_json::from_value(claims).unwrap();
            Rsa::rs256().token(&header, &claims, &self.private).unwrap()
        }

        fn verify(&self, token: &str) -> Result<UnixTime, TokenProblem> {
            let token = UncheckedToken::parse(token, &self.settings)?;
            token.key_id()?;
            block_on(token.verify(&self.public))?;
            token.check_person(&self.settings, UnixTime::from_seconds(NOW))
        }

        fn verify_claims(&self, change: &Value) -> Result<UnixTime, TokenProblem> {
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
        assert_eq!(CLERK.verify_claims(&json!({})), Ok(UnixTime::from_seconds(NOW + 60)));
    }

    #[test]
    fn times_are_checked_with_five_seconds_of_leeway() {
        let instance = &*CLERK;
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
        let instance = &*CLERK;
        let verify = |change: Value| instance.verify_claims(&change).map(|_| ());
        assert_eq!(verify(json!({ "iss": "https://clerk.example/" })), Err(TokenProblem::IssuerRefused));
        assert_eq!(verify(json!({ "iss": null })), Err(TokenProblem::IssuerRefused));
        assert_eq!(verify(json!({ "azp": "https://evil.app.example" })), Err(TokenProblem::PartyRefused));
        assert_eq!(verify(json!({ "azp": "" })), Err(TokenProblem::PartyRefused));
        assert_eq!(verify(json!({ "azp": null })), Ok(()));
    }

    #[test]
    fn only_a_person_who_finished_signing_in_is_one() {
        let instance = &*CLERK;
        let verify = |change: Value| instance.verify_claims(&change).map(|_| ());
        for change in
            [json!({ "sub": "mch_1" }), json!({ "sub": "" }), json!({ "sub": null }), json!({ "sts": "pending" })]
        {
            assert_eq!(verify(change.clone()), Err(TokenProblem::KindRefused), "{change}");
        }
        for category in ["cl_B7d4PD333AAA", "cl_B7d4PD222AAA"] {
            let token = instance.sign(changed(header(), &json!({ "cat": category })), claims());
            assert_eq!(instance.verify(&token), Err(TokenProblem::KindRefused));
        }
        assert_eq!(verify(json!({ "sts": null, "v": null })), Ok(()), "older tokens have neither");
    }

    #[test]
    fn a_signature_of_another_key_or_over_other_content_is_refused() {
        let instance = &*CLERK;
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
        let instance = &*CLERK;
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
    fn a_malformed_token_is_refused() {
        let instance = &*CLERK;
        let good = instance.sign(header(), claims());
        let without_key_id = instance.sign(changed(header(), &json!({ "kid": null })), claims());
        let critical = instance.sign(changed(header(), &json!({ "crit": ["b64"] })), claims());
        let other_type = instance.sign(changed(header(), &json!({ "typ": "at+jwt" })), claims());
        for token in
            ["", ".", "..", "a.b.c", &format!("{good}.x"), &"a".repeat(20_000), &without_key_id, &critical, &other_type]
        {
            assert_eq!(instance.verify(token), Err(TokenProblem::Malformed), "{}", &token[..token.len().min(40)]);
        }
    }

    /// A token of exactly this length. What fills it stands in the claims, and what base64 leaves over in the header.
    fn of_length(length: usize) -> String {
        let token = |header: usize, claims: usize| {
            let header = json!({ "kid": "k".repeat(header) });
            let claims = changed(supabase_claims(), &json!({ "filled_with": "x".repeat(claims) }));
            let header: jwt_compact::Header<Value> = serde_json::from_value(header).unwrap();
            let claims: jwt_compact::Claims<Value> = serde_json::from_value(claims).unwrap();
            Hs256.token(&header, &claims, &Hs256Key::new(SECRET.as_bytes())).unwrap()
        };
        let about = (length - token(3, 0).len()) / 4 * 3;
        let sizes = (1..=3).flat_map(|header| (about - 3..=about + 3).map(move |claims| (header, claims)));
        sizes.map(|(header, claims)| token(header, claims)).find(|token| token.len() == length).unwrap()
    }

    #[test]
    fn a_token_at_the_limit_is_read_and_one_byte_more_is_not() {
        let settings = settings();
        let read = |length: usize| UncheckedToken::parse(&of_length(length), &settings).err();
        assert_eq!(read(16 * 1024), None);
        assert_eq!(read(16 * 1024 + 1), Some(TokenProblem::Malformed));
    }

    fn supabase_claims() -> Value {
        json!({
            "iss": "https://project.supabase.example/auth/v1", "sub": "6f9619ff-8b86-4d11-b42d-00c04fc964ff",
            "aud": "authenticated", "role": "authenticated", "iat": NOW, "exp": NOW + 3600,
        })
    }

    fn verify_supabase(change: &Value, secret: &str) -> Result<UnixTime, TokenProblem> {
        let header: jwt_compact::Header<Value> = serde_json::from_value(json!({ "typ": "JWT" })).unwrap();
        let claims: jwt_compact::Claims<Value> = serde_json::from_value(changed(supabase_claims(), change)).unwrap();
        let token = Hs256.token(&header, &claims, &Hs256Key::new(secret.as_bytes())).unwrap();
        let settings = settings();
        let token = UncheckedToken::parse(&token, &settings)?;
        assert_eq!(token.algorithm(), Algorithm::Hs256);
        token.verify_with_secret(&Secret::new(SECRET))?;
        token.check_person(&settings, UnixTime::from_seconds(NOW))
    }

    #[test]
    fn a_person_of_supabase_auth_is_accepted_with_the_projects_secret() {
        assert!(verify_supabase(&json!({}), SECRET).is_ok());
        assert_eq!(verify_supabase(&json!({}), "another secret"), Err(TokenProblem::SignatureInvalid));
        for change in [
            json!({ "sub": "user_1" }),
            json!({ "sub": null }),
            json!({ "aud": "anon" }),
            json!({ "aud": null }),
            json!({ "role": "service_role" }),
            json!({ "role": null }),
        ] {
            assert_eq!(verify_supabase(&change, SECRET), Err(TokenProblem::KindRefused), "{change}");
        }
        // The project's API keys are signed with the same secret.
        assert_eq!(verify_supabase(&json!({ "iss": "supabase" }), SECRET), Err(TokenProblem::IssuerRefused));
        assert_eq!(verify_supabase(&json!({ "exp": NOW - 5 }), SECRET), Err(TokenProblem::Expired));
    }

    #[test]
    fn a_person_of_supabase_auth_is_accepted_with_the_projects_signing_key() {
        type SigningKey = <Es256 as jwt_compact::Algorithm>::SigningKey;
        let private: JsonWebKey = serde_json::from_value(json!({
            "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
        }))
        .unwrap();
        let public = serde_json::to_value(private.to_verifying_key()).unwrap();
        let public = block_on(PublicKey::import(&public, Algorithm::Es256)).unwrap();
        let header: jwt_compact::Header<Value> = serde_json::from_value(json!({ "kid": "k" })).unwrap();
        let claims: jwt_compact::Claims<Value> = serde_json::from_value(supabase_claims()).unwrap();
        let token = Es256.token(&header, &claims, &SigningKey::try_from(&private).unwrap()).unwrap();

        let settings = settings();
        let unchecked = UncheckedToken::parse(&token, &settings).unwrap();
        assert_eq!(block_on(unchecked.verify(&public)), Ok(()));
        assert!(unchecked.check_person(&settings, UnixTime::from_seconds(NOW)).is_ok());

        // The same key never checks a token of another family, and no issuer uses another's algorithm.
        assert_eq!(block_on(unchecked.verify(&CLERK.public)), Err(TokenProblem::SignatureInvalid));
        let instance = &*CLERK;
        let from_supabase = json!({ "iss": "https://project.supabase.example/auth/v1" });
        assert_eq!(instance.verify_claims(&from_supabase), Err(TokenProblem::AlgorithmRefused));
    }

    #[test]
    fn supabase_auth_is_refused_unless_configured() {
        let environment = Environment::new(|name| match name {
            "CLERK_ISSUER" => Some("https://clerk.example".to_owned()),
            "SUPABASE_URL" => Some("https://project.supabase.example".to_owned()),
            _ => None,
        });
        let settings = SignIn::read(&environment).unwrap();
        let header: jwt_compact::Header<Value> = serde_json::from_value(json!({})).unwrap();
        let claims: jwt_compact::Claims<Value> = serde_json::from_value(supabase_claims()).unwrap();
        let token = Hs256.token(&header, &claims, &Hs256Key::new(SECRET.as_bytes())).unwrap();
        let problem = UncheckedToken::parse(&token, &settings).err();
        assert_eq!(problem, Some(TokenProblem::IssuerRefused));
    }

    #[test]
    fn a_shared_secrets_signature_of_another_length_is_refused() {
        let header = jwt_compact::Header::<Value>::new(json!({}));
        let claims = jwt_compact::Claims::new(json!({ "iss": "https://project.supabase.example/auth/v1" }));
        let token = Hs256.token(&header, &claims, &Hs256Key::new(SECRET.as_bytes())).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        for signature in ["", "c2ln", &signature[..40], &format!("{signature}AAAA"), &signature.repeat(4)] {
            let text = format!("{signed}.{signature}");
            let settings = settings();
            let token = UncheckedToken::parse(&text, &settings).unwrap();
            let refused = token.verify_with_secret(&Secret::new(SECRET));
            assert_eq!(refused, Err(TokenProblem::SignatureInvalid), "{signature}");
        }
    }
}

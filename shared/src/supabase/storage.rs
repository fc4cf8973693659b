//! Supabase Storage: links that let somebody without an account fetch one file for a while, and
//! folders that are emptied when their person is gone.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use url::Url;

use crate::{
    clock::UnixTime,
    config::{Project, Supabase},
    outgoing::{Failure, Request, Response, Upstream},
    problem::{Problem, TokenProblem},
    sign_in::{Person, ServiceRole},
};

/// The bucket of résumés.
pub const RESUMES: &str = "resumes";
/// The bucket of cover letters.
pub const COVER_LETTERS: &str = "cover_letters";

/// As many files are listed or removed in one call.
const AT_ONCE: usize = 1000;

/// So often at most a folder is listed while it is emptied. A Worker may make a thousand calls.
const LISTS: usize = 200;

/// The file store as one caller may use it. It has no `Debug`: there are secrets in it.
pub struct Storage<'a> {
    project: &'a Project,
    upstream: &'a Upstream,
    credentials: Vec<(&'static str, String)>,
}

impl<'a> Storage<'a> {
    /// As the person: its policies decide which files they may sign.
    #[must_use]
    pub fn of(person: &Person, project: &'a Project, upstream: &'a Upstream) -> Self {
        Self { project, upstream, credentials: person.headers(project) }
    }

    /// Around the policies, for when no person is present.
    #[must_use]
    pub fn as_service_role(_role: ServiceRole, supabase: &'a Supabase, upstream: &'a Upstream) -> Self {
        Self { project: &supabase.project, upstream, credentials: supabase.service_headers() }
    }

    /// An address that fetches the file until it expires; with a `file_name` it is downloaded under
    /// that name (docs/vendors/supabase.md#storage). None when there is no such file for this person.
    ///
    /// # Errors
    /// [`Problem::StorageTimedOut`] and [`Problem::StorageFailed`]; [`Problem::Unauthenticated`] when the person's token
    /// expired on its way, by the file store's clock.
    pub async fn sign(
        &self,
        bucket: &str,
        path: &str,
        file_name: Option<&str>,
        valid_for: Duration,
    ) -> Result<Option<Url>, Problem> {
        let request = json!({ "expiresIn": valid_for.as_secs() }).to_string();
        let response = self.send(Request::post_json(self.object_url("sign", bucket, path)?, request)).await?;
        if response.is_success() {
            let signed: Signed = response.json().map_err(|_| Problem::StorageFailed)?;
            return self.absolute(&signed, bucket, path, file_name).map(Some);
        }
        // Storage returns 400 for almost everything; the real status is in the body.
        match response.json::<Refusal>() {
            Ok(Refusal { status_code, .. }) if matches!(status_code.as_str(), "400" | "404") => Ok(None),
            Ok(refusal) if refusal.is_about_an_expired_token() => Err(TokenProblem::Expired.into()),
            _ => Err(Problem::StorageFailed),
        }
    }

    /// Removes every file below a folder, and returns how many there were. What an attempt that broke
    /// off has removed stays removed, so that the next one goes on from there.
    ///
    /// # Errors
    /// [`Problem::StorageTimedOut`] and [`Problem::StorageFailed`], the latter also when there are more
    /// files than one attempt can remove.
    pub async fn empty_folder(&self, bucket: &str, folder: &str) -> Result<usize, Problem> {
        let mut removed = 0;
        let mut folders = vec![folder.to_owned()];
        for _ in 0..LISTS {
            let Some(folder) = folders.last() else { return Ok(removed) };
            let entries = self.list(bucket, folder).await?;
            let path = |entry: &Entry| format!("{folder}/{}", entry.name);
            let files: Vec<String> = entries.iter().filter(|entry| entry.id.is_some()).map(path).collect();
            let within: Vec<String> = entries.iter().filter(|entry| entry.id.is_none()).map(path).collect();
            if entries.is_empty() {
                folders.pop();
            } else if !files.is_empty() {
                removed += self.remove(bucket, &files).await?;
            }
            // A folder is there as long as there are files in it, so this one is listed again after those.
            folders.extend(within);
        }
        Err(Problem::StorageFailed)
    }

    async fn list(&self, bucket: &str, folder: &str) -> Result<Vec<Entry>, Problem> {
        let request = json!({ "prefix": folder, "limit": AT_ONCE, "offset": 0 }).to_string();
        let response = self.send(Request::post_json(self.url(&["list", bucket])?, request)).await?;
        response.is_success().then(|| response.json().ok()).flatten().ok_or(Problem::StorageFailed)
    }

    /// Storage leaves out in silence what it does not remove. If that is all of it, it would be
    /// listed again for ever.
    async fn remove(&self, bucket: &str, paths: &[String]) -> Result<usize, Problem> {
        let request = json!({ "prefixes": paths }).to_string();
        let response = self.send(Request::delete_json(self.url(&[bucket])?, request)).await?;
        let removed: Option<Vec<IgnoredAny>> = response.is_success().then(|| response.json().ok()).flatten();
        removed.map(|removed| removed.len()).filter(|count| *count > 0).ok_or(Problem::StorageFailed)
    }

    async fn send(&self, request: Request) -> Result<Response, Problem> {
        let request = request.headers(self.credentials.iter().cloned());
        self.upstream.send("storage", request).await.map_err(|failure| match failure {
            Failure::TimedOut => Problem::StorageTimedOut,
            Failure::Unreachable | Failure::TooLong => Problem::StorageFailed,
        })
    }

    fn object_url(&self, verb: &str, bucket: &str, path: &str) -> Result<Url, Problem> {
        let segments: Vec<&str> = [verb, bucket].into_iter().chain(path.split('/')).collect();
        self.url(&segments)
    }

    /// Each segment is percent-encoded by the URL type, so a path cannot leave its bucket.
    fn url(&self, segments: &[&str]) -> Result<Url, Problem> {
        let mut url = self.project.url.clone();
        url.path_segments_mut()
            .map_err(|()| Problem::internal("SUPABASE_URL cannot carry a path"))?
            .pop_if_empty()
            .extend(["storage", "v1", "object"])
            .extend(segments);
        Ok(url)
    }

    /// The path in the response is decoded text, so only its token is taken over and the path built anew. The text may
    /// hold a question mark itself; behind the last one is the token.
    fn absolute(&self, signed: &Signed, bucket: &str, path: &str, file_name: Option<&str>) -> Result<Url, Problem> {
        let query = signed.signed_url.rsplit_once('?').map(|(_, query)| query).unwrap_or_default();
        let token = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token");
        let (_, token) = token.ok_or(Problem::StorageFailed)?;
        let mut url = self.object_url("sign", bucket, path)?;
        url.query_pairs_mut().append_pair("token", &token);
        if let Some(file_name) = file_name {
            url.query_pairs_mut().append_pair("download", file_name);
        }
        Ok(url)
    }
}

#[derive(Deserialize)]
struct Signed {
    #[serde(rename = "signedURL")]
    signed_url: String,
}

/// When a signed address stops working, as the token in it says: the file store's clock decides that, and ours may be
/// another. None for a token of a form that is not known.
#[must_use]
pub fn expiry_of(signed_url: &Url) -> Option<UnixTime> {
    let (_, token) = signed_url.query_pairs().find(|(name, _)| name == "token")?;
    let claims = token.split('.').nth(1)?;
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    Some(UnixTime::from_seconds(claims.exp))
}

#[derive(Deserialize)]
struct Claims {
    exp: u64,
}

/// A file, or a folder within the one that was listed.
#[derive(Deserialize)]
struct Entry {
    name: String,
    /// Folders have none.
    id: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "statusCode")]
    status_code: String,
    message: Option<String>,
}

impl Refusal {
    /// The same status is returned for every token that is not accepted. That it is over is said in words alone: the name
    /// of the claim, or `jwt expired` by older servers.
    fn is_about_an_expired_token(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default();
        matches!(self.status_code.as_str(), "401" | "403")
            && (message.contains("\"exp\"") || message.contains("expired"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::{Signed, Storage, expiry_of};
    use crate::{
        clock::UnixTime,
        config::{Project, Supabase},
        outgoing::Failure,
        secret::Secret,
        testing::{Machine, block_on, environment, service_role},
    };

    /// The link that Storage makes of a file in this way, or the code of the problem.
    fn linked(machine: &Machine) -> Result<Option<String>, &'static str> {
        let project = Project::read(&environment(&[])).unwrap();
        let (person, upstream) = (machine.person(), machine.upstream());
        let storage = Storage::of(&person, &project, &upstream);
        let signed = block_on(storage.sign("resumes", "u/cv.pdf", None, Duration::from_mins(5)));
        signed.map(|url| url.map(String::from)).map_err(|problem| problem.kind().code)
    }

    #[test]
    fn a_file_is_signed_as_the_person_or_is_not_there() {
        let machine = Machine::new().responds("/sign/resumes/u/cv.pdf", 200, json!({ "signedURL": "/x?token=abc" }));
        let link = "https://project.supabase.example/storage/v1/object/sign/resumes/u/cv.pdf?token=abc";
        assert_eq!(linked(&machine), Ok(Some(link.to_owned())));
        assert_eq!(machine.calls(), ["cv.pdf as the person"]);
        assert_eq!(machine.sent()[0].body, json!({ "expiresIn": 300 }));

        let refusal = |status: &str, message: &str| json!({ "statusCode": status, "error": "no", "message": message });
        for (status, body, answer) in [
            (400, refusal("404", "Object not found"), Ok(None)),
            (400, refusal("400", "Invalid key"), Ok(None)),
            (400, refusal("403", r#""exp" claim timestamp check failed"#), Err("token_expired")),
            (400, refusal("401", "jwt expired"), Err("token_expired")),
            (400, refusal("403", "signature verification failed"), Err("storage_failed")),
            (400, refusal("500", "it expired"), Err("storage_failed")),
            (502, json!("<html>"), Err("storage_failed")),
            (200, json!({}), Err("storage_failed")),
            (200, json!({ "signedURL": "/x" }), Err("storage_failed")),
        ] {
            let machine = Machine::new().responds("/u/cv.pdf", status, body.clone());
            assert_eq!(linked(&machine), answer, "{status} {body}");
        }
        for (failure, code) in [(Failure::TimedOut, "storage_timed_out"), (Failure::Unreachable, "storage_failed")] {
            assert_eq!(linked(&Machine::new().fails("/u/cv.pdf", failure)), Err(code));
        }
    }

    fn emptied(machine: &Machine) -> Result<usize, &'static str> {
        let supabase = Supabase::read(&environment(&[])).unwrap();
        let upstream = machine.upstream();
        let storage = Storage::as_service_role(service_role(), &supabase, &upstream);
        block_on(storage.empty_folder("resumes", "u")).map_err(|problem| problem.kind().code)
    }

    fn lists(machine: Machine, entries: &[(&str, bool)]) -> Machine {
        let entry = |(name, is_file): &(&str, bool)| json!({ "name": name, "id": is_file.then_some("6f96") });
        machine.responds("/list/resumes", 200, entries.iter().map(entry).collect::<Value>())
    }

    #[test]
    fn a_folder_is_emptied_with_all_that_is_below_it() {
        let (files, folders) = ([("a.pdf", true), ("b.pdf", true), ("old", false)], [("old", false)]);
        let machine = lists(Machine::new(), &files).responds("/object/resumes", 200, json!([{}, {}]));
        let machine = lists(machine, &[("c.pdf", true)]).responds("/object/resumes", 200, json!([{}]));
        let machine = lists(lists(lists(machine, &[]), &folders), &[]);
        let machine = lists(machine, &[]);
        assert_eq!(emptied(&machine), Ok(3));
        let listed: Vec<Value> = machine.bodies("list/resumes").iter().map(|body| body["prefix"].clone()).collect();
        assert_eq!(listed, ["u", "u/old", "u/old", "u", "u/old", "u"]);
        let removed: Vec<Value> =
            machine.bodies("object/resumes").iter().map(|body| body["prefixes"].clone()).collect();
        assert_eq!(removed, [json!(["u/a.pdf", "u/b.pdf"]), json!(["u/old/c.pdf"])]);
    }

    #[test]
    fn a_folder_that_is_not_emptied_is_not_listed_for_ever() {
        for (status, removed) in [(200, json!([])), (200, json!("<html>")), (500, json!([{}]))] {
            let machine = lists(Machine::new(), &[("a.pdf", true)]).responds("/object/resumes", status, removed);
            assert_eq!(emptied(&machine), Err("storage_failed"));
        }
        let endless = |machine| lists(machine, &[("a.pdf", true)]).responds("/object/resumes", 200, json!([{}]));
        let machine = (0..200).fold(Machine::new(), |machine, _| endless(machine));
        assert_eq!(emptied(&machine), Err("storage_failed"));
        assert_eq!(emptied(&Machine::new().responds("/list/resumes", 500, json!([]))), Err("storage_failed"));
        assert_eq!(emptied(&Machine::new().fails("/list/resumes", Failure::TimedOut)), Err("storage_timed_out"));
    }

    #[test]
    fn when_a_link_ends_stands_in_its_token() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"url":"resumes/u/cv.pdf","iat":1795876537,"exp":1795877137}"#);
        for (token, expected) in [
            (format!("e30.{claims}.c2ln"), Some(UnixTime::from_seconds(1_795_877_137))),
            ("e30.e30.c2ln".to_owned(), None),
            ("e30.!.c2ln".to_owned(), None),
            ("opaque".to_owned(), None),
        ] {
            let link = format!("https://project.supabase.example/storage/v1/object/sign/r/u/cv.pdf?token={token}");
            assert_eq!(expiry_of(&link.parse().unwrap()), expected, "{token}");
        }
        assert_eq!(expiry_of(&"https://project.supabase.example/a".parse().unwrap()), None);
    }

    #[test]
    fn the_signed_address_is_absolute_and_encoded() {
        let project = Project { url: "https://project.supabase.example/".parse().unwrap(), anon_key: Secret::new("a") };
        let upstream = Machine::new().upstream();
        let person = Machine::new().person();
        let storage = Storage::of(&person, &project, &upstream);
        let signed = Signed { signed_url: "/object/sign/resumes/u/my cv.pdf?token=abc.def".to_owned() };
        let url = storage.absolute(&signed, "resumes", "u/my cv.pdf", Some("Ada_Lovelace.pdf")).unwrap();
        assert_eq!(
            url.as_str(),
            "https://project.supabase.example/storage/v1/object/sign/resumes/u/my%20cv.pdf?token=abc.def&download=Ada_Lovelace.pdf"
        );
    }

    #[test]
    fn every_character_that_a_name_may_have_is_encoded() {
        let project = Project { url: "https://project.supabase.example/".parse().unwrap(), anon_key: Secret::new("a") };
        let upstream = Machine::new().upstream();
        let person = Machine::new().person();
        let storage = Storage::of(&person, &project, &upstream);
        for (name, encoded) in [
            ("my cv?.pdf", "my%20cv%3F.pdf"),
            ("?", "%3F"),
            ("a?token=no&x=?b", "a%3Ftoken=no&x=%3Fb"),
            ("a_!.*'() &$=@;:+,?-b", "a_!.*'()%20&$=@;:+,%3F-b"),
        ] {
            let path = format!("u/{name}");
            let signed = Signed { signed_url: format!("/object/sign/resumes/{path}?token=abc.def") };
            let url = storage.absolute(&signed, "resumes", &path, None).unwrap();
            assert_eq!(url.path(), format!("/storage/v1/object/sign/resumes/u/{encoded}"));
            assert_eq!(url.query(), Some("token=abc.def"), "{url}");
        }
        let unsigned = Signed { signed_url: "/object/sign/resumes/u/my cv?.pdf".to_owned() };
        assert!(storage.absolute(&unsigned, "resumes", "u/my cv?.pdf", None).is_err());
    }

    #[test]
    fn a_path_cannot_leave_its_bucket() {
        let project = Project { url: "https://project.supabase.example/".parse().unwrap(), anon_key: Secret::new("a") };
        let upstream = Machine::new().upstream();
        let person = Machine::new().person();
        let url = Storage::of(&person, &project, &upstream).object_url("sign", "resumes", "../../x?y#z").unwrap();
        assert!(url.path().starts_with("/storage/v1/object/sign/resumes/"), "{url}");
        assert!(url.query().is_none() && url.fragment().is_none());
    }
}

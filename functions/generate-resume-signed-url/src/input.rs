//! What a caller may ask for.

use shared::{
    http::Incoming,
    problem::Problem,
    supabase::{COVER_LETTERS, RESUMES},
};

/// The lifetimes that may be asked for, in seconds, and the one that is not asked for.
const LIFETIMES: std::ops::RangeInclusive<u64> = 60..=3600;
const DEFAULT_LIFETIME: u64 = 600;

/// The longest path in bytes, as the file store keeps it.
const MAXIMUM_LENGTH: usize = 1024;

/// A file and how long its link is to last.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) bucket: &'static str,
    pub(crate) path: String,
    /// Seconds.
    pub(crate) expires_in: u64,
}

impl Input {
    /// Reads the body.
    ///
    /// # Errors
    /// [`Problem::InvalidInput`], and [`Problem::PathNotAllowed`] for a bucket or a path that no
    /// file of a person can have.
    pub(crate) fn read(incoming: &Incoming) -> Result<Self, Problem> {
        let mut fields = incoming.fields()?;
        let path: Option<String> = fields.required("resume_path_in_storage", "the path of a file in its bucket");
        let expires_in = fields.optional("expires_in", "a whole number of seconds").unwrap_or(DEFAULT_LIFETIME);
        if !LIFETIMES.contains(&expires_in) {
            fields.refuse("expires_in", "must be 60 to 3600 seconds");
        }
        let bucket: Option<String> = fields.optional("bucket", "the name of a bucket");
        let path = fields.finish(path)?;

        let bucket = match bucket.as_deref() {
            None | Some(RESUMES) => RESUMES,
            Some(COVER_LETTERS) => COVER_LETTERS,
            Some(_) => return Err(Problem::PathNotAllowed),
        };
        if !is_plain(&path) {
            return Err(Problem::PathNotAllowed);
        }
        Ok(Self { bucket, path, expires_in })
    }
}

/// Only what the file store itself accepts in a key (docs/vendors/supabase.md#storage), and no segment that
/// anybody on the way might fold: empty, `.` or `..`. Encoded slashes and backslashes, control
/// characters and look-alikes from other scripts are none of these characters. A signed link in place of a path is
/// refused too: as a name it would only be unknown.
fn is_plain(path: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_/!.*'() &$=@;:+,?-".contains(&byte);
    path.len() <= MAXIMUM_LENGTH
        && path.bytes().all(is_allowed)
        && path.contains('/')
        && !path.contains("?token=")
        && path.split('/').all(|segment| !matches!(segment.trim(), "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use shared::{
        http::{Incoming, Method},
        problem::Problem,
    };

    use super::Input;

    fn read(body: &str) -> Result<Input, Problem> {
        Input::read(&Incoming {
            method: Method::Post,
            url: "https://api.example.com/".parse().unwrap(),
            headers: [("content-type".to_owned(), "application/json".to_owned())].into_iter().collect(),
            body: body.as_bytes().to_vec(),
        })
    }

    fn with_path(path: &str) -> Result<Input, Problem> {
        read(&format!(r#"{{"resume_path_in_storage":"{path}"}}"#))
    }

    #[test]
    fn a_path_is_enough() {
        let input = with_path("u/cv 2 (final).pdf").unwrap();
        assert_eq!(input, Input { bucket: "resumes", path: "u/cv 2 (final).pdf".to_owned(), expires_in: 600 });
    }

    #[test]
    fn every_character_that_a_stored_name_may_have_is_accepted() {
        for path in ["u/what now?.pdf", "u/?", "u/a?b=c&d", "u/a_!.*'() &$=@;:+,?-b/c"] {
            assert_eq!(with_path(path).unwrap().path, path);
        }
    }

    #[test]
    fn lifetime_and_bucket_can_be_chosen_within_limits() {
        let body = r#"{"resume_path_in_storage":"u/a.pdf","expires_in":3600,"bucket":"cover_letters"}"#;
        let input = read(body).unwrap();
        assert_eq!((input.bucket, input.expires_in), ("cover_letters", 3600));
        for expires_in in ["59", "3601", "-1", "600.5", "\"600\"", "1e99"] {
            let body = format!(r#"{{"resume_path_in_storage":"u/a.pdf","expires_in":{expires_in}}}"#);
            assert!(matches!(read(&body), Err(Problem::InvalidInput(_))), "{expires_in}");
        }
        for bucket in ["avatars", "Resumes", "resumes/", "../resumes", ""] {
            let body = format!(r#"{{"resume_path_in_storage":"u/a.pdf","bucket":"{bucket}"}}"#);
            assert!(matches!(read(&body), Err(Problem::PathNotAllowed)), "{bucket}");
        }
    }

    #[test]
    fn a_path_that_could_mean_another_one_is_refused() {
        for path in [
            "",
            "a.pdf",
            "/u/a.pdf",
            "u/",
            "u//a.pdf",
            "u/./a.pdf",
            "u/../v/a.pdf",
            "u/.. /v/a.pdf",
            "..",
            "u/%2e%2e/v/a.pdf",
            "u%2fa.pdf",
            "u/a.pdf?token=x",
            "u/a.pdf#x",
            "u\\\\..\\\\v\\\\a.pdf",
            "u/a\\u0000.pdf",
            "u/a\\n.pdf",
            "u∕a.pdf",
            "u／a.pdf",
            "u/‥/a.pdf",
            "ü/a.pdf",
        ] {
            assert!(matches!(with_path(path), Err(Problem::PathNotAllowed)), "{path}");
        }
        assert!(with_path(&format!("u/{}", "a".repeat(1022))).is_ok());
        assert!(matches!(with_path(&format!("u/{}", "a".repeat(1023))), Err(Problem::PathNotAllowed)));
    }
}

//! What Clerk says of a person (docs/vendors/clerk.md#events), as far as it concerns us.

use serde::Deserialize;
use shared::{http::Incoming, problem::Problem, supabase::rpc::accounts::AccountDetails};

/// News of one account.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// `user.created`
    Created(Person),
    /// `user.updated`
    Updated(Person),
    /// `user.deleted`
    Deleted {
        /// `user_…`
        clerk_user_id: String,
    },
}

/// What we take over of a person.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) clerk_user_id: String,
    /// Milliseconds, by Clerk's clock: which of two events is the newer one.
    pub(crate) updated_at: i64,
    /// An unverified address or number might be anybody's, so it counts as none until Clerk says otherwise. A username
    /// is no name to apply for a job with.
    pub(crate) details: AccountDetails,
}

impl Event {
    /// Reads the body. None for a kind of event that does not concern us; new ones may appear at
    /// any time.
    ///
    /// # Errors
    /// [`Problem::UnsupportedMediaType`], and [`Problem::InvalidInput`] naming what is odd.
    pub(crate) fn read(incoming: &Incoming) -> Result<Option<Self>, Problem> {
        let envelope: Envelope = incoming.json()?;
        Ok(match envelope.kind.as_str() {
            "user.created" => Some(Self::Created(Person::read(incoming)?)),
            "user.updated" => Some(Self::Updated(Person::read(incoming)?)),
            "user.deleted" => {
                let said: PersonClaims<Deleted> = incoming.json()?;
                Some(Self::Deleted { clerk_user_id: check_id(said.data.id)? })
            }
            _ => None,
        })
    }

    /// The event's type in Clerk's words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Created(_) => "user.created",
            Self::Updated(_) => "user.updated",
            Self::Deleted { .. } => "user.deleted",
        }
    }

    /// Whom it is about.
    pub(crate) fn clerk_user_id(&self) -> &str {
        match self {
            Self::Created(person) | Self::Updated(person) => &person.clerk_user_id,
            Self::Deleted { clerk_user_id } => clerk_user_id,
        }
    }

    /// What it says of them, unless they are gone.
    pub(crate) fn person(&self) -> Option<&Person> {
        match self {
            Self::Created(person) | Self::Updated(person) => Some(person),
            Self::Deleted { .. } => None,
        }
    }
}

impl Person {
    fn read(incoming: &Incoming) -> Result<Self, Problem> {
        let said: PersonClaims<User> = incoming.json()?;
        let user = said.data;
        if user.updated_at < 0 {
            return Err(Problem::invalid("data.updated_at", "must be a time in milliseconds"));
        }
        let emails = user.email_addresses.unwrap_or_default();
        let phones = user.phone_numbers.unwrap_or_default();
        let full_name = [user.first_name, user.last_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Ok(Self {
            clerk_user_id: check_id(user.id)?,
            updated_at: user.updated_at,
            details: AccountDetails {
                email: verified(&emails, user.primary_email_address_id.as_deref()),
                phone_number: verified(&phones, user.primary_phone_number_id.as_deref()),
                full_name: storable(full_name.trim()),
            },
        })
    }
}

/// The entry with this id, which need not be the first one.
fn verified(contacts: &[Contact], primary: Option<&str>) -> Option<String> {
    let contact = contacts.iter().find(|contact| Some(contact.id.as_str()) == primary)?;
    let is_verified = contact.verification.as_ref().is_some_and(|verification| verification.status == "verified");
    if is_verified { storable(&contact.value) } else { None }
}

/// PostgreSQL keeps no text with a NUL in it.
fn storable(text: &str) -> Option<String> {
    let text = text.replace('\0', "");
    (!text.is_empty()).then_some(text)
}

/// The longest id that is taken seriously, in bytes; real ones have about 32.
const LONGEST_ID: usize = 255;

fn check_id(id: String) -> Result<String, Problem> {
    let is_sensible = id.strip_prefix("user_").is_some_and(|rest| !rest.is_empty())
        && id.len() <= LONGEST_ID
        && id.bytes().all(|byte| byte.is_ascii_graphic());
    if is_sensible { Ok(id) } else { Err(Problem::invalid("data.id", "must be the id of a Clerk user, user_…")) }
}

/// Read first, without `data`: what an event of another kind has in there does not matter.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct PersonClaims<T> {
    data: T,
}

#[derive(Deserialize)]
struct Deleted {
    id: String,
}

#[derive(Deserialize)]
struct User {
    id: String,
    updated_at: i64,
    email_addresses: Option<Vec<Contact>>,
    primary_email_address_id: Option<String>,
    phone_numbers: Option<Vec<Contact>>,
    primary_phone_number_id: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

#[derive(Deserialize)]
struct Contact {
    id: String,
    #[serde(rename = "email_address", alias = "phone_number")]
    value: String,
    verification: Option<Verification>,
}

#[derive(Deserialize)]
struct Verification {
    status: String,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::{
        http::{Incoming, Method},
        problem::Problem,
        supabase::rpc::accounts::AccountDetails,
    };

    use super::{Event, Person};

    fn read(body: &str) -> Result<Option<Event>, Problem> {
        Event::read(&Incoming {
            method: Method::Post,
            url: "https://api.example.com/functions/v1/clerk-webhook-handler".parse().unwrap(),
            headers: [("content-type".to_owned(), "application/json".to_owned())].into_iter().collect(),
            body: body.as_bytes().to_vec(),
        })
    }

    fn user() -> Value {
        json!({
            "id": "user_2lab", "object": "user", "updated_at": 1_795_166_034_000_i64, "created_at": 1,
            "first_name": "Ada", "last_name": "Lovelace", "username": "countess",
            "primary_email_address_id": "idn_2", "primary_phone_number_id": "idn_4",
            "email_addresses": [
                { "id": "idn_1", "email_address": "first@x.example", "verification": { "status": "verified" }, "linked_to": [] },
                { "id": "idn_2", "email_address": "ada@x.example", "verification": { "status": "verified", "strategy": "email_code" } },
            ],
            "phone_numbers": [
                { "id": "idn_4", "phone_number": "+442079460958", "verification": { "status": "verified" } },
            ],
            "unsafe_metadata": { "anything": [{ "role": "admin" }] },
        })
    }

    fn person(change: impl Fn(&mut Value)) -> Person {
        let mut user = user();
        change(&mut user);
        match read(&json!({ "type": "user.updated", "object": "event", "data": user }).to_string()).unwrap() {
            Some(Event::Updated(person)) => person,
            other => panic!("expected an update, got {other:?}"),
        }
    }

    #[test]
    fn the_primary_address_is_found_by_its_id() {
        let person = person(|_| {});
        assert_eq!(
            person,
            Person {
                clerk_user_id: "user_2lab".to_owned(),
                updated_at: 1_795_166_034_000,
                details: AccountDetails {
                    email: Some("ada@x.example".to_owned()),
                    phone_number: Some("+442079460958".to_owned()),
                    full_name: Some("Ada Lovelace".to_owned()),
                },
            }
        );
    }

    #[test]
    fn a_person_may_have_no_address_no_number_and_no_name() {
        for nothing in [Value::Null, json!([])] {
            let person = person(|user| {
                for field in ["email_addresses", "phone_numbers"] {
                    user[field] = nothing.clone();
                }
                for field in ["primary_email_address_id", "primary_phone_number_id", "first_name", "last_name"] {
                    user[field] = Value::Null;
                }
            });
            assert_eq!(person.details, AccountDetails { email: None, phone_number: None, full_name: None });
        }
        let without = person(|user| {
            *user = json!({ "id": "user_2lab", "updated_at": 7 });
        });
        assert_eq!((without.details.email, without.updated_at), (None, 7));
    }

    #[test]
    fn an_unverified_address_counts_as_none() {
        for verification in [Value::Null, json!({ "status": "unverified" }), json!({ "status": "expired" })] {
            let person = person(|user| {
                user["email_addresses"][1]["verification"] = verification.clone();
                user["phone_numbers"][0]["verification"] = verification.clone();
            });
            assert_eq!((person.details.email, person.details.phone_number), (None, None), "{verification}");
        }
        assert_eq!(person(|user| user["primary_email_address_id"] = json!("idn_9")).details.email, None);
    }

    #[test]
    fn one_name_is_a_name() {
        assert_eq!(person(|user| user["first_name"] = Value::Null).details.full_name.as_deref(), Some("Lovelace"));
        assert_eq!(person(|user| user["last_name"] = json!("")).details.full_name.as_deref(), Some("Ada"));
        assert_eq!(person(|user| user["last_name"] = json!("\u{0}L")).details.full_name.as_deref(), Some("Ada L"));
    }

    #[test]
    fn what_a_person_writes_into_their_metadata_does_not_break_the_event() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        for odd in [r#""\ud800""#, r#""\u0000""#, "1e999", deep.as_str()] {
            let body =
                format!(r#"{{"type":"user.created","data":{{"id":"user_1","updated_at":1,"unsafe_metadata":{odd}}}}}"#);
            assert!(matches!(read(&body), Ok(Some(Event::Created(_)))), "{}", &odd[..odd.len().min(20)]);
        }
    }

    #[test]
    fn of_a_deletion_the_id_is_enough() {
        let event =
            read(r#"{"type":"user.deleted","data":{"id":"user_2lab","object":"user","deleted":true}}"#).unwrap();
        assert_eq!(event, Some(Event::Deleted { clerk_user_id: "user_2lab".to_owned() }));
    }

    #[test]
    fn an_id_has_255_characters_at_most_and_time_begins_at_zero() {
        let created = |id: &str, updated_at: i64| {
            read(&json!({ "type": "user.created", "data": { "id": id, "updated_at": updated_at } }).to_string())
        };
        for (length, expected) in [(1, true), (250, true), (251, false)] {
            let id = format!("user_{}", "a".repeat(length));
            assert_eq!(created(&id, 1).is_ok(), expected, "{length}");
            let deleted = read(&json!({ "type": "user.deleted", "data": { "id": id } }).to_string());
            assert_eq!(deleted.is_ok(), expected, "{length}");
        }
        assert!(created("user_1", 0).is_ok() && created("user_1", -1).is_err());
    }

    #[test]
    fn other_events_are_nobodys_business() {
        for body in [
            r#"{"type":"session.created","data":{"id":"sess_1"}}"#,
            r#"{"type":"user.createdAtNight","data":null}"#,
            r#"{"type":""}"#,
        ] {
            assert_eq!(read(body).unwrap(), None, "{body}");
        }
    }

    #[test]
    fn a_body_of_another_shape_is_refused() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"user.created"}"#,
            r#"{"type":"user.created","data":null}"#,
            r#"{"type":"user.created","data":{"id":"user_1"}}"#,
            r#"{"type":"user.created","data":{"id":"user_1","updated_at":"now"}}"#,
            r#"{"type":"user.created","data":{"id":"user_1","updated_at":-1}}"#,
            r#"{"type":"user.created","data":{"id":"user_1","updated_at":1,"email_addresses":"a@b"}}"#,
            r#"{"type":"user.created","data":{"id":"org_1","updated_at":1}}"#,
            r#"{"type":"user.deleted","data":{"id":"user_"}}"#,
            r#"{"type":"user.deleted","data":{"id":"user_\u0000"}}"#,
            r#"{"type":"user.deleted","data":{"id":null}}"#,
        ] {
            assert!(matches!(read(body), Err(Problem::InvalidInput(_))), "{body}");
        }
    }
}

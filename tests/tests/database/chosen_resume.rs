//! Which résumé a run sends, and under which name.

use serde_json::{Value, json};
use tests::{Person, Stack};
use uuid::Uuid;

/// What there is to choose from. A path is in the person's own folder, `~` in that of somebody else.
#[derive(Debug, Default, Clone, Copy)]
struct Choices<'a> {
    /// The person's choice for this application.
    chosen: Option<&'a str>,
    /// What an earlier run has recorded there, although nothing was chosen.
    recorded: Option<&'a str>,
    /// The person's list, as path and name.
    listed: &'a [(&'a str, &'a str)],
    /// The name of the one in the list that is primary.
    primary: Option<&'a str>,
    /// What the profile shows, as path and name.
    profile: Option<(&'a str, &'a str)>,
}

struct Folders<'a> {
    own: &'a Person,
    other: &'a Person,
}

impl Folders<'_> {
    fn path(&self, of: &str) -> String {
        match of.strip_prefix('~') {
            Some(name) => format!("{}/{name}", self.other.user_id),
            None => format!("{}/{of}", self.own.user_id),
        }
    }
}

/// Claims a new application and returns the path and the name that the run is told, or why there is none.
async fn sent(stack: &Stack, folders: &Folders<'_>, choices: Choices<'_>) -> Result<(String, String), String> {
    let person = folders.own;
    let path = |of: Option<&str>| of.map(|of| folders.path(of));
    let database = stack.database();
    database.query("delete from public.resumes where user_id = $1", &[&person.user_id]).await;
    for (file, name) in choices.listed {
        let sql = "insert into public.resumes (user_id, file_url, file_name, is_primary, uploaded_at)
                   values ($1, $2, $3, $4, clock_timestamp())";
        let is_primary = choices.primary == Some(*name);
        database.query(sql, &[&person.user_id, &folders.path(file), name, &is_primary]).await;
    }
    let profile = "update public.users set current_resume_url = $2, current_resume_filename = $3 where id = $1";
    let name = choices.profile.map(|(_, name)| name);
    database.query(profile, &[&person.user_id, &path(choices.profile.map(|(file, _)| file)), &name]).await;
    let application = person.draft_application().await;
    let used =
        "update public.applications set resume_url_used = coalesce($2, $3), resume_url_recorded = $3 where id = $1";
    database.query(used, &[&application, &path(choices.chosen), &path(choices.recorded)]).await;

    let claim = person.caller().await.rpc("claim_application", &json!({ "p_application_id": application })).await;

    if claim.status != 200 {
        return Err(claim.code().to_owned());
    }
    let release = json!({
        "p_application_id": application, "p_submission_id": claim.json["submission_id"], "p_outcome": "released",
        "p_reason": "a_test",
    });
    stack.service().rpc("record_submission_failure", &release).await.expect_status(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Ok((text(&claim.json["resume_path"]), text(&claim.json["resume_filename"])))
}

#[tokio::test]
async fn the_choice_for_the_application_comes_first_then_the_primary_one_then_the_profiles_then_the_last() {
    let stack = Stack::get().await;
    let (ada, eve) = (stack.new_person().await, stack.new_person().await);
    let folders = Folders { own: &ada, other: &eve };
    let listed: &[(&str, &str)] = &[("a.pdf", "A of Ada.pdf"), ("b.pdf", "B of Ada.pdf")];
    let all = Choices {
        chosen: Some("a.pdf"),
        recorded: Some("last.pdf"),
        listed,
        primary: Some("B of Ada.pdf"),
        profile: Some(("p.pdf", "P of Ada.pdf")),
    };
    for (choices, expected) in [
        (all, Ok(("a.pdf", "A of Ada.pdf"))),
        (Choices { chosen: None, ..all }, Ok(("b.pdf", "B of Ada.pdf"))),
        (Choices { chosen: None, primary: None, ..all }, Ok(("p.pdf", "P of Ada.pdf"))),
        (Choices { chosen: None, primary: None, profile: None, ..all }, Ok(("last.pdf", "last.pdf"))),
        (Choices::default(), Err("resume_missing")),
        // What somebody chose stands, also where it cannot be sent: nothing else goes in its place.
        (Choices { chosen: Some("~a.pdf"), ..all }, Err("resume_missing")),
        (Choices { chosen: None, listed: &[("~b.pdf", "B")], primary: Some("B"), ..all }, Err("resume_missing")),
        (Choices { chosen: None, primary: None, profile: Some(("~p.pdf", "P")), ..all }, Err("resume_missing")),
        (Choices { recorded: Some("~last.pdf"), ..Choices::default() }, Err("resume_missing")),
        // Names: that of the list, whichever is primary; that of the profile for its own file alone; the file's own.
        (Choices { chosen: Some("c.pdf"), ..all }, Ok(("c.pdf", "c.pdf"))),
        (Choices { chosen: Some("p.pdf"), ..all }, Ok(("p.pdf", "P of Ada.pdf"))),
        (
            Choices {
                listed: &[("b.pdf", "Primary.pdf"), ("b.pdf", "Newer.pdf")],
                primary: None,
                chosen: Some("b.pdf"),
                ..all
            },
            Ok(("b.pdf", "Newer.pdf")),
        ),
        (
            Choices {
                listed: &[("b.pdf", "Primary.pdf"), ("b.pdf", "Newer.pdf")],
                primary: Some("Primary.pdf"),
                chosen: Some("b.pdf"),
                ..all
            },
            Ok(("b.pdf", "Primary.pdf")),
        ),
        (Choices { profile: Some(("a.pdf", "Of the profile.pdf")), ..all }, Ok(("a.pdf", "A of Ada.pdf"))),
    ] {
        let expected = expected.map(|(file, name)| (folders.path(file), name.to_owned())).map_err(str::to_owned);
        assert_eq!(sent(&stack, &folders, choices).await, expected, "{choices:?}");
    }
}

#[tokio::test]
async fn a_name_is_that_of_the_persons_own_list() {
    let stack = Stack::get().await;
    let (ada, eve) = (stack.new_person().await, stack.new_person().await);
    let folders = Folders { own: &ada, other: &eve };
    // Somebody else may list the same path; it opens nothing to them and names nothing here.
    let path = folders.path("p.pdf");
    let listed = json!({ "file_url": path, "file_name": "By Eve.pdf", "version_name": Uuid::new_v4() });
    eve.caller().await.insert("resumes", &listed).await.expect_status(201);

    let choices = Choices { profile: Some(("p.pdf", "By Ada.pdf")), ..Choices::default() };

    assert_eq!(sent(&stack, &folders, choices).await, Ok((path, "By Ada.pdf".to_owned())));
}

//! Which queries are to be synced.

use shared::{http::Incoming, problem::Problem};

use crate::queries::NamedQuery;

/// Those that are named, or all. A call without a body means all.
pub(crate) fn read<'a>(incoming: &Incoming, queries: &'a [NamedQuery]) -> Result<Vec<&'a NamedQuery>, Problem> {
    if incoming.body.is_empty() {
        return Ok(queries.iter().collect());
    }
    let mut fields = incoming.fields()?;
    let Some(names) = fields.optional::<Vec<String>>("queries", "an array of names") else {
        return fields.finish(Some(queries.iter().collect()));
    };
    let is_known = |name: &String| queries.iter().any(|query| query.name == *name);
    if names.is_empty() || !names.iter().all(is_known) {
        let known: Vec<_> = queries.iter().map(|query| query.name.as_str()).collect();
        fields.refuse("queries", format!("must be some of {}", known.join(", ")));
    }
    fields.finish(Some(queries.iter().filter(|query| names.contains(&query.name)).collect()))
}

#[cfg(test)]
mod tests {
    use shared::{
        http::{Incoming, Method},
        problem::Problem,
    };

    use super::read;
    use crate::queries::parse;

    fn chosen(body: &str) -> Result<Vec<String>, Problem> {
        let queries = r#"[{"name":"a","query":"nurse","country":"gb"},{"name":"b","query":"cook","country":"fr"}]"#;
        let incoming = Incoming {
            method: Method::Post,
            url: "https://service-binding/functions/v1/job-sync".parse().unwrap(),
            headers: [("content-type".to_owned(), "application/json".to_owned())].into_iter().collect(),
            body: body.as_bytes().to_vec(),
        };
        read(&incoming, &parse(queries).unwrap()).map(|chosen| chosen.iter().map(|query| query.name.clone()).collect())
    }

    #[test]
    fn all_queries_are_meant_unless_some_are_named() {
        for body in ["", "{}", r#"{"queries":null}"#, r#"{"queries":["b","a","b"]}"#] {
            assert_eq!(chosen(body).unwrap(), ["a", "b"], "{body}");
        }
        assert_eq!(chosen(r#"{"queries":["b"]}"#).unwrap(), ["b"]);
    }

    #[test]
    fn a_name_that_is_not_configured_is_refused_with_those_that_are() {
        for body in [r#"{"queries":["c"]}"#, r#"{"queries":[]}"#, r#"{"queries":["a","c"]}"#] {
            let Err(Problem::InvalidInput(errors)) = chosen(body) else { panic!("{body}") };
            assert_eq!((errors[0].field, errors[0].message.as_str()), ("queries", "must be some of a, b"), "{body}");
        }
        for body in [r#"{"queries":"a"}"#, r#"{"queries":[1]}"#, "[]", "null"] {
            assert!(matches!(chosen(body), Err(Problem::InvalidInput(_))), "{body}");
        }
    }
}

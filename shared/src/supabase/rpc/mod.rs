//! The SQL functions that the backend calls, each as a type: its name, its arguments, what it returns, and whether the
//! same call may be made twice. [`Database::call`](super::Database::call) takes nothing else.
//!
//! A file for each domain. What is to be decided about a returned value is for whoever calls.

pub mod accounts;
pub mod alerts;
pub mod applications;
pub mod circuit_breakers;
pub mod notices;
pub mod push;
pub mod queue;
pub mod search;
pub mod sync;

use serde::{Serialize, de::DeserializeOwned};

/// A call of an SQL function. Serialises to the JSON object of its arguments.
///
/// Only the macro `rpc!` implements it, so that every call is in [`all`].
pub trait Rpc: Serialize + sealed::Sealed {
    /// The function's name in the schema `public`.
    const NAME: &'static str;
    /// Whether the client repeats the call while the database is unavailable.
    const REPEAT: Repeat;
    /// What the function returns.
    type Answer: DeserializeOwned;
}

mod sealed {
    /// Keeps other crates, and what does not go through the macro, from implementing [`super::Rpc`].
    pub trait Sealed {}
}

/// What a second, identical call does when it is not known whether the first one arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// The same as one call does. The client tries again while the database is unavailable.
    Harmless,
    /// Something else, such as a second lease. There is one attempt.
    NotHarmless,
    /// No harm, but whoever caused the call comes again without being asked: a vendor's webhook, the next attempt at a
    /// background job, the next scheduled run. There is one attempt here.
    LeftToCaller,
}

/// An SQL function as the backend knows it: for the test that compares it with the database.
#[derive(Debug, Clone, Copy)]
pub struct Signature {
    /// The function's name in the schema `public`.
    pub name: &'static str,
    /// The names of the arguments, all of which are sent in every call.
    pub arguments: &'static [&'static str],
}

/// Every SQL function that the backend calls.
#[must_use]
pub fn all() -> Vec<Signature> {
    [
        accounts::SIGNATURES,
        alerts::SIGNATURES,
        applications::SIGNATURES,
        circuit_breakers::SIGNATURES,
        notices::SIGNATURES,
        push::SIGNATURES,
        queue::SIGNATURES,
        search::SIGNATURES,
        sync::SIGNATURES,
    ]
    .concat()
}

/// Defines the calls of one file, and the list of their signatures. A field is sent as the argument of the same name
/// with `p_` before it, or as what `as` says.
macro_rules! rpc {
    ($(
        $(#[$about:meta])*
        pub struct $call:ident $(<$lifetime:lifetime>)? {
            $($(#[$meaning:meta])* pub $field:ident: $type:ty $(as $argument:literal)?),* $(,)?
        }
        const NAME = $name:literal;
        $(#[$reason:meta])*
        const REPEAT = $repeat:expr;
        type Answer = $answer:ty;
    )+) => {
        $(
            $(#[$about])*
            pub struct $call $(<$lifetime>)? {
                $($(#[$meaning])* pub $field: $type),*
            }

            impl $(<$lifetime>)? crate::supabase::rpc::Rpc for $call $(<$lifetime>)? {
                const NAME: &'static str = $name;
                $(#[$reason])*
                const REPEAT: crate::supabase::rpc::Repeat = $repeat;
                type Answer = $answer;
            }

            impl $(<$lifetime>)? crate::supabase::rpc::sealed::Sealed for $call $(<$lifetime>)? {}

            impl $(<$lifetime>)? serde::Serialize for $call $(<$lifetime>)? {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let arguments: &[&str] = &[$(rpc!(@argument $field $(as $argument)?)),*];
                    let call = serde::Serializer::serialize_struct(serializer, $name, arguments.len())?;
                    $(
                        let mut call = call;
                        let argument = rpc!(@argument $field $(as $argument)?);
                        serde::ser::SerializeStruct::serialize_field(&mut call, argument, &self.$field)?;
                    )*
                    serde::ser::SerializeStruct::end(call)
                }
            }
        )+

        pub(super) const SIGNATURES: &[crate::supabase::rpc::Signature] = &[
            $(crate::supabase::rpc::Signature {
                name: $name,
                arguments: &[$(rpc!(@argument $field $(as $argument)?)),*],
            }),+
        ];
    };
    (@argument $field:ident) => { concat!("p_", stringify!($field)) };
    (@argument $field:ident as $argument:literal) => { $argument };
}
use rpc;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::all;

    #[test]
    fn every_call_is_in_the_list_once() {
        let names: Vec<&str> = all().iter().map(|signature| signature.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let mut written = 0;
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/supabase/rpc")).unwrap() {
            written += std::fs::read_to_string(entry.unwrap().path()).unwrap().matches("\n    const NAME = \"").count();
        }
        assert_eq!(names.len(), written);
    }
}

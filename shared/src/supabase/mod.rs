//! The Supabase project: its database through `PostgREST`, and its file store.

mod client;
mod storage;

pub use client::Database;
pub use storage::{COVER_LETTERS, RESUMES, Storage};

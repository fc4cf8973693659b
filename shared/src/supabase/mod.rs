//! The Supabase project: its database through `PostgREST`, SQL function by SQL function, and its file store.

mod client;
pub mod rpc;
mod storage;

pub use client::Database;
pub use storage::{COVER_LETTERS, RESUMES, Storage, expiry_of};

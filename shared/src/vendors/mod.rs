//! The services of others: one folder each, with its client, wire types, settings and faults.

pub mod adzuna;
pub mod expo;
pub mod jsearch;
pub mod skyvern;
pub mod svix;

//! The simulators obey the vendors' contracts. Where they do not, every other test proves less than it says.

mod adzuna;
mod clerk;
mod expo;
mod faults;
mod gateway;
mod jsearch;
mod receiver;
mod skyvern_runs;
mod skyvern_webhooks;
mod storage_files;
mod storage_links;

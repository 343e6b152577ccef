//! What people, chats and pagers are told, from plans that the core made: word for word, within every limit, and valid
//! against the consumers' schemas.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod fixture;
mod limits;
mod schemas;
mod wording;

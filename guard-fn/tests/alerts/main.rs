//! What people, chats and pagers are told, from plans that the core made: word for word, within every limit, and valid
//! against the consumers' schemas.

mod fixture;
mod limits;
mod metrics;
mod schemas;
mod wording;

//! What people read: the header, a log of the minutes in which something happens, and a summary.

pub mod layout;
pub mod phrase;
pub mod summary;
pub mod terminal;

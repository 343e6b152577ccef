//! The texts for people: a replay's first screen, its timeline, and the alert as it would arrive.

pub mod compare;
pub mod customers;
pub mod document;
pub mod field;
pub mod html;
pub mod layout;
pub mod phrase;
pub mod replay;
pub mod scorecard;
pub mod spark;
pub mod sweep;

//! See suite/.

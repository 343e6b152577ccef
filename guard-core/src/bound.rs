//! bound.

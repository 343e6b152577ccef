//! exposure.

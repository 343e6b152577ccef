//! Feeds bytes to the reader of inventories. What must hold is
//! `simulator/tests/readers/promise.rs`; how to run it, CONTRIBUTING.md.

#![no_main]

#[path = "../../simulator/tests/readers/promise.rs"]
#[allow(dead_code, reason = "each target asks for one promise")]
mod promise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| promise::inventory(bytes));

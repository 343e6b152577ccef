//! A replay needs as much memory for a hundred times the invocations.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test's own helpers may fail it")]

use std::fs;

use guard_core::pricing::PriceTable;
use simulator::load::Source;
use simulator::run::run;
use simulator::world::Cast;

/// The most memory this process ever held, in KiB ("proc_pid_status(5)", read 2026-11).
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn invocations(rps: u32) -> u64 {
    let text = format!(
        "schema = 1\ntitle = \"memory\"\nstart = \"2026-11-02T00:00:00Z\"\nminutes = 180\n\
         [[function]]\nname = \"f\"\nduration = {{ mean_ms = 100 }}\n\
         [[traffic]]\nname = \"t\"\nfunction = \"f\"\nrate = {{ law = \"constant\", rps = {rps} }}\n\
         [policy]\narmed = true\n[[policy.budget]]\nname = \"month\"\nperiod = \"month\"\nusd = 100000\nmode = \"cap\"\n"
    );
    let loaded = Source::of_text("memory", &text).ready(&[]).unwrap();
    let terms = loaded.request(1).terms(true, Cast::Everyone, Some(180));
    let run = run(&terms, PriceTable::embedded(), |_| ());
    run.traffic.iter().map(|one| one.tally.attempts).sum()
}

#[test]
fn memory_does_not_grow_with_the_number_of_invocations() {
    let few = invocations(20);
    let before = peak_kib();
    let many = invocations(2000);
    let after = peak_kib();
    assert!(many > 90 * few, "{few} {many}");
    assert!(after - before < 4096, "{before} KiB, then {after} KiB");
    assert!(after < 64 * 1024, "{after} KiB");
}

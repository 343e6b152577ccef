//! What happens to a file while it is being written: on a full disk and in a kill half way, the file is the old one byte
//! for byte, or is not there.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test's own helpers may fail it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const SCENARIO: &str = r#"
schema = 1
title = "A quarter of an hour"
start = "2026-11-04T06:00:00Z"
minutes = 15
recovery_minutes = 0
history_days = 0

[[function]]
name = "api"
duration = { constant_ms = 200 }

[[traffic]]
name = "customers"
function = "api"
rate = { law = "constant", rps = 2 }

[policy]
"#;

/// The largest file that a command may write, in blocks of 512 bytes: less than any of these tables and pages.
const BLOCKS: u32 = 1;

/// Runs with a limit on the size of files. A write beyond it is an error where the signal is ignored, as on a full disk;
/// where it is not, the system kills the process in the middle of the write.
fn limited(args: &[&str], is_killed: bool) -> Output {
    let ignore = if is_killed { "" } else { "trap '' XFSZ; " };
    let script = format!("ulimit -c 0; {ignore}ulimit -f {BLOCKS}; exec \"$@\"");
    Command::new("sh")
        .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_dowsim")])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn directory(test: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("half_written").join(test);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn names_in(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Every command that writes a file, and the file.
fn commands(directory: &Path) -> Vec<(Vec<String>, PathBuf)> {
    let path = |name: &str| directory.join(name).display().to_string();
    fs::write(path("own.toml"), SCENARIO).unwrap();
    let row = |minute: u32| format!("1998-04-30 {:02}:{:02}:00,7\n", minute / 60, minute % 60);
    let rows: String = (0..120).map(row).collect();
    fs::write(path("site.csv"), format!("period,count\n{rows}")).unwrap();
    let shard = ["sweep", &path("own.toml"), "--seeds", "8", "--out", &path("shard.csv")];
    let made = Command::new(env!("CARGO_BIN_EXE_dowsim")).args(shard).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let sizes = "--duration-ms 50 --memory-mb 128 --force --out";
    [
        (format!("replay {} --html", path("own.toml")), "page.html"),
        (format!("replay {} --csv", path("own.toml")), "rows.csv"),
        (format!("trace import {} {sizes}", path("site.csv")), "import.csv"),
        (format!("trace cut {} --minutes 0..100 {sizes}", path("site.csv")), "cut.csv"),
        (format!("sweep --merge {} --out", path("shard.csv")), "merged.csv"),
    ]
    .into_iter()
    .map(|(command, name)| {
        let words = command.split(' ').map(str::to_owned).chain([path(name)]);
        (words.collect(), directory.join(name))
    })
    .collect()
}

/// A file that is there already.
const OLD: &[u8] = b"old\n";

#[test]
fn a_full_disk_leaves_the_old_file_and_nothing_beside_it() {
    let directory = directory("full");
    for (args, path) in commands(&directory) {
        fs::write(&path, OLD).unwrap();
        let names = names_in(&directory);
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = limited(&words, false);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(4), "{args:?}: {told}");
        assert!(told.starts_with(&format!("dowsim: {}: cannot be written: ", path.display())), "{told}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert_eq!(fs::read(&path).unwrap(), OLD, "{args:?}");
        assert_eq!(names_in(&directory), names, "{args:?}");
    }
}

#[test]
fn a_kill_in_the_middle_of_a_write_leaves_the_old_file() {
    let directory = directory("killed");
    for (args, path) in commands(&directory) {
        fs::write(&path, OLD).unwrap();
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = limited(&words, true);
        assert_eq!(output.status.code(), None, "{args:?} was not killed: {output:?}");
        assert_eq!(fs::read(&path).unwrap(), OLD, "{args:?}");
    }
}

/// A sweep's table is the one file that grows case by case: what is there after a kill is gone on with.
#[test]
fn a_sweep_that_was_killed_in_the_middle_of_a_row_ends_with_the_bytes_of_one_that_was_not() {
    let directory = directory("resumed");
    let path = |name: &str| directory.join(name).display().to_string();
    fs::write(path("own.toml"), SCENARIO).unwrap();
    let sweep =
        |name: &str| ["sweep", &path("own.toml"), "--seeds", "8", "--out", &path(name)].map(str::to_owned);
    let whole = |args: &[String]| {
        let done = Command::new(env!("CARGO_BIN_EXE_dowsim")).args(args).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    whole(&sweep("whole.csv"));
    let args = sweep("killed.csv");
    let killed = limited(&args.iter().map(String::as_str).collect::<Vec<_>>(), true);
    assert_eq!(killed.status.code(), None, "{killed:?}");
    let half = fs::read(path("killed.csv")).unwrap();
    assert!(!half.ends_with(b"\n"), "a row was cut off");
    whole(&args);
    assert_eq!(fs::read(path("killed.csv")).unwrap(), fs::read(path("whole.csv")).unwrap());
}

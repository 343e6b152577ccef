//! Exit codes: part of the command line's contract, so each has a name and a number that stays.

use std::process::ExitCode as ProcessExitCode;

/// How a run of `dowsim` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// Everything asked for was done. A reader that closes the pipe early counts as served.
    Ok = 0,
    /// The program contradicts itself: a defect.
    Internal = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// A trace, policy or inventory was read and is not valid; the message names file and place.
    BadInput = 3,
    /// A file cannot be opened or read.
    Unreadable = 4,
    /// An expectation of the command line does not hold.
    Unexpected = 5,
}

/// What `--help` prints about them.
pub const HELP: &str = "Exit codes:\n  0  done\n  1  internal error\n  2  wrong usage\n  3  invalid trace, scenario, policy or inventory\n  4  unreadable file\n  5  an expectation does not hold";

impl From<ExitCode> for ProcessExitCode {
    fn from(code: ExitCode) -> Self {
        ProcessExitCode::from(code as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_code_with_its_number() {
        let numbers: Vec<u8> = HELP.lines().skip(1).map(|line| line.trim().as_bytes()[0] - b'0').collect();
        let codes = [
            ExitCode::Ok,
            ExitCode::Internal,
            ExitCode::Usage,
            ExitCode::BadInput,
            ExitCode::Unreadable,
            ExitCode::Unexpected,
        ];
        assert_eq!(numbers, codes.map(|code| code as u8));
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    }
}

//! How the command line ends.

use std::process::Termination;

/// The exit codes of `guard-fn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// 0: done, and all is well.
    Success = 0,
    /// 1: the command failed for a reason that is not the caller's.
    Internal = 1,
    /// 2: the command line could not be understood. The number is clap's.
    Usage = 2,
    /// 3: a policy is not valid.
    PolicyInvalid = 3,
    /// 4: a file could not be read; other files may be invalid besides.
    CannotRead = 4,
    /// 5: something that was asked for could not be read or written: AWS, or the memory.
    Unavailable = 5,
    /// 6: an operator's order cannot be carried out.
    Refused = 6,
}

impl Termination for ExitCode {
    fn report(self) -> std::process::ExitCode {
        std::process::ExitCode::from(self as u8)
    }
}

//! The table that `import` and `cut` write.
use flate2::Compression;
use flate2::write::GzEncoder;

use super::TargetArgs;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::write_whole;
use crate::trace::{Trace, canonical};

/// Refuses a target that is there, unless told to write over it.
pub(super) fn refuse_to_overwrite(target: &TargetArgs) -> Result<(), Failure> {
    if target.force || !target.out.exists() {
        return Ok(());
    }
    let problem = format!("{}: the file exists; --force writes over it", target.out.display());
    Err(Failure::new(ExitCode::Usage, problem))
}

/// Writes the table, packed where its name asks for it.
pub(super) fn write(target: &TargetArgs, trace: &Trace) -> Result<(), Failure> {
    refuse_to_overwrite(target)?;
    let is_packed = target.out.extension().is_some_and(|extension| extension == "gz");
    write_whole(&target.out, |out| {
        if is_packed {
            let mut packed = GzEncoder::new(out, Compression::default());
            canonical::write(trace, &mut packed)?;
            packed.finish()?.flush()
        } else {
            canonical::write(trace, out)
        }
    })
}

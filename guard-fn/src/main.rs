//! The guard's executable: inside Lambda it answers invocations, elsewhere it is a command line. Everything else is in
//! the library.

use guard_fn::exit_code::ExitCode;
use guard_fn::streams::Streams;
use guard_fn::{cli, service};

fn main() -> ExitCode {
    if service::is_lambda() {
        service::run()
    } else {
        cli::run(std::env::args_os(), &mut Streams::standard())
    }
}

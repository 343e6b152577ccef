//! The guard's executable: everything is in the library.

fn main() -> guard_fn::exit_code::ExitCode {
    guard_fn::cli::run(std::env::args_os(), &mut guard_fn::cli::Streams::standard())
}

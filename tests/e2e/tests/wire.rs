//! The guard as a process and everything that it says on the wire, against a stub of AWS: by the hundred, which an
//! emulator is too slow for.

mod doors;
mod iam;
mod life;
mod minute;
mod permissions;
mod schedules;
mod screens;
mod tls;

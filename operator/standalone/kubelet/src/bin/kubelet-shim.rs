//! The process between the kubelet and a container, for the tests and the example of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubelet::shim::main()
}

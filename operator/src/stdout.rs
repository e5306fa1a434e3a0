//! Standard output, which may be a pipe that nobody reads to the end: `flynn-operator manifests | head` is no failure.

use std::io::Write;

/// Prints text as it is.
pub(crate) fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    // A reader that is gone wants no more.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Prints text as a line.
pub(crate) fn print_line(text: &str) {
    print(&format!("{text}\n"));
}

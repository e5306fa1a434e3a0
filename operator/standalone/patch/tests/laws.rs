//! Laws that hold for every object and every order of writes.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic")]

mod laws {
    mod examples;
    mod generate;
    mod patches;
    mod sharing;
}

//! The verbs against a real store, from inside the process.

mod api;
mod deletions;
mod lists;
mod logs;
mod paths;
mod watches;
mod writes;

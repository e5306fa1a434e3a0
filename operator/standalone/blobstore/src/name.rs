//! Names of objects: cleaned paths of any bytes, and the directories that they seem to be in.
//!
//! A name is cleaned as Flynn's blobstore does it: repeated slashes count once, `.` is nothing, `..` takes a step back and never leaves the
//! root. There are no directories on the disk: one is there as long as a name begins with it.

use std::borrow::Borrow;
use std::fmt;

/// The name of an object: it begins with a slash, does not end with one, and has no empty step.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Vec<u8>);

/// What the names in a directory begin with: it begins and ends with a slash.
#[derive(Clone, PartialEq, Eq)]
pub struct Directory(Vec<u8>);

impl Name {
    /// The name that a path means; the root is none.
    pub fn new(path: impl AsRef<[u8]>) -> Option<Self> {
        let cleaned = clean(path.as_ref());
        (!cleaned.is_empty()).then_some(Self(cleaned))
    }

    /// The name, byte for byte.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What the names below this one begin with.
    #[must_use]
    pub fn directory(&self) -> Directory {
        Directory([&self.0[..], b"/"].concat())
    }
}

impl Directory {
    /// The directory that a path means, with or without a slash at its end.
    pub fn new(path: impl AsRef<[u8]>) -> Self {
        let mut cleaned = clean(path.as_ref());
        cleaned.push(b'/');
        Self(cleaned)
    }

    /// The beginning of the names in it, byte for byte.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A slash before each step that is left; of the root, nothing.
fn clean(path: &[u8]) -> Vec<u8> {
    let mut steps: Vec<&[u8]> = Vec::new();
    for step in path.split(|byte| *byte == b'/') {
        match step {
            b"" | b"." => {}
            b".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.iter().flat_map(|step| [b"/", *step]).flatten().copied().collect()
}

/// So that names are found by their bytes: both compare alike.
impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_and_never_leave_the_root() {
        for (path, name) in [
            ("/a", "/a"),
            ("a", "/a"),
            ("//a//b/", "/a/b"),
            ("/a/./b/../c", "/a/c"),
            ("/../../etc/passwd", "/etc/passwd"),
            ("/...", "/..."),
        ] {
            assert_eq!(Name::new(path).unwrap().as_bytes(), name.as_bytes(), "{path}");
        }
        for root in ["", "/", "//", "/.", "/a/..", "../.."] {
            assert_eq!(Name::new(root), None, "{root}");
        }
    }

    #[test]
    fn a_directory_has_one_slash_at_its_end() {
        for (path, directory) in [("", "/"), ("/", "/"), ("/a", "/a/"), ("/a/", "/a/"), ("a//b", "/a/b/")] {
            assert_eq!(Directory::new(path).as_bytes(), directory.as_bytes(), "{path}");
        }
        assert_eq!(Name::new("/a").unwrap().directory(), Directory::new("/a"));
    }

    #[test]
    fn bytes_that_are_no_text_are_kept() {
        assert_eq!(Name::new(b"/\xff\0").unwrap().as_bytes(), b"/\xff\0");
    }
}

//! Finds and reads manifests: files, folders with everything below them, standard input.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why manifests cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file or folder cannot be read.
    #[error("{} cannot be read ({cause}): correct its name, or its permissions", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// The system's words.
        cause: io::Error,
    },
    /// There is nothing to read.
    #[error("no *.yaml, *.yml or *.json file was found: name a file or a folder that has some")]
    NoFiles,
}

/// The endings of a manifest's name.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// The text of a file, and what to call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Reads everything that is named, in the order of the arguments, and in a folder in the order of the names.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<Source>, Error> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            collect(path, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        return Err(Error::NoFiles);
    }
    files.into_iter().map(read_file).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let unreadable = |cause| Error::Read { path: folder.to_owned(), cause };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files)?;
        } else if is_manifest(&path) {
            files.push(path);
        }
    }
    Ok(())
}

// A kustomization is an instruction to kubectl, and the files it names are here anyway.
fn is_manifest(path: &Path) -> bool {
    let has_ending =
        path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| ENDINGS.contains(&ending));
    has_ending && path.file_stem().and_then(|stem| stem.to_str()) != Some("kustomization")
}

fn read_file(path: PathBuf) -> Result<Source, Error> {
    let is_stdin = path == Path::new("-");
    let text = if is_stdin { read_stdin() } else { std::fs::read_to_string(&path) };
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    match text {
        Ok(text) => Ok(Source { name, text }),
        Err(cause) => Err(Error::Read { path, cause }),
    }
}

fn read_stdin() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_with_everything_below_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["c.yml", "a.yaml", "b/x.json", "README.md", "kustomization.yaml"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let texts: Vec<_> =
            read(&[folder.path().to_owned()]).unwrap().into_iter().map(|source| source.text).collect();
        assert_eq!(texts, ["a.yaml", "b/x.json", "c.yml"]);
    }

    #[test]
    fn a_path_that_is_not_there_and_an_empty_folder_are_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(&[folder.path().join("no")]), Err(Error::Read { .. })));
        assert!(matches!(read(&[folder.path().to_owned()]), Err(Error::NoFiles)));
    }
}

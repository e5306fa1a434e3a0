//! From a command line to the file that is executed: found where a shell would find it, or an error that says where it was
//! looked for.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::shim::protocol::Launch;

/// Why there is nothing to execute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    /// The folder to run in is not there.
    #[error("workingDir {folder}: no such folder")]
    NoFolder {
        /// The folder.
        folder: String,
    },
    /// No folder of PATH has it.
    #[error("exec: {name:?}: executable file not found in $PATH ({path})")]
    NotInPath {
        /// The name.
        name: String,
        /// The value of PATH.
        path: String,
    },
    /// The file is not there.
    #[error("exec: {file:?}: no such file")]
    NoFile {
        /// The file.
        file: String,
    },
    /// The file may not be executed, or is a folder.
    #[error("exec: {file:?}: permission denied: the file is not executable (chmod +x makes it so)")]
    NotExecutable {
        /// The file.
        file: String,
    },
}

/// What to run, found. `words` is the program and its arguments.
pub(crate) fn launch(
    words: &[String],
    environment: Vec<(String, String)>,
    folder: PathBuf,
) -> Result<Launch, CommandError> {
    let (name, arguments) = words.split_first().expect("a command has at least the program");
    let path = environment.iter().find(|(name, _)| name == "PATH").map_or("", |(_, path)| path);
    let program = find(name, path, &folder)?;
    let (name, arguments) = (name.clone(), arguments.to_vec());
    Ok(Launch { program, name, arguments, environment, folder, cgroups: Vec::new() })
}

/// Another command with everything else as a container has it.
pub(crate) fn launch_inside(container: &Launch, words: &[String]) -> Result<Launch, CommandError> {
    let found = launch(words, container.environment.clone(), container.folder.clone())?;
    Ok(Launch { cgroups: container.cgroups.clone(), ..found })
}

fn find(name: &str, path: &str, folder: &Path) -> Result<PathBuf, CommandError> {
    if !folder.is_dir() {
        return Err(CommandError::NoFolder { folder: folder.display().to_string() });
    }
    if name.contains('/') {
        return executable(folder.join(name));
    }
    // As a shell does, the search goes on after a file that may not be executed, and that is only said in the end.
    let mut refused = None;
    for entry in path.split(':') {
        match executable(folder.join(entry).join(name)) {
            Ok(file) => return Ok(file),
            Err(error @ CommandError::NotExecutable { .. }) => refused = refused.or(Some(error)),
            Err(_) => {}
        }
    }
    Err(refused.unwrap_or_else(|| CommandError::NotInPath { name: name.to_owned(), path: path.to_owned() }))
}

fn executable(file: PathBuf) -> Result<PathBuf, CommandError> {
    match fs::metadata(&file) {
        Ok(metadata) if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 => Ok(file),
        Ok(_) => Err(CommandError::NotExecutable { file: file.display().to_string() }),
        Err(_) => Err(CommandError::NoFile { file: file.display().to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            for (name, mode) in
                [("first/tool", 0o644), ("second/tool", 0o755), ("run.sh", 0o755), ("notes", 0o644)]
            {
                let file = folder.path().join(name);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(&file, "").unwrap();
                fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            }
            Self(folder)
        }

        fn find(&self, name: &str, path: &str) -> Result<String, String> {
            let inside = |path: &Path| path.strip_prefix(self.0.path()).unwrap().display().to_string();
            let found = find(name, path, self.0.path()).map(|file| inside(&file));
            found.map_err(|error| error.to_string().replace(&format!("{}/", self.0.path().display()), ""))
        }
    }

    #[test]
    fn a_name_is_looked_for_in_path_and_a_path_in_the_folder() {
        let place = Place::new();
        assert_eq!(place.find("tool", "first:second").unwrap(), "second/tool");
        assert_eq!(place.find("./run.sh", "").unwrap(), "run.sh");
        assert_eq!(place.find("second/tool", "first").unwrap(), "second/tool");
    }

    #[test]
    fn an_error_says_where_it_was_looked_for() {
        let place = Place::new();
        let error = |name, path| place.find(name, path).unwrap_err();
        assert_eq!(error("shop", "/a:/b"), "exec: \"shop\": executable file not found in $PATH (/a:/b)");
        assert_eq!(error("./shop", ""), "exec: \"./shop\": no such file");
        let denied = "permission denied: the file is not executable (chmod +x makes it so)";
        assert_eq!(error("./notes", ""), format!("exec: \"./notes\": {denied}"));
        assert_eq!(error("tool", "first"), format!("exec: \"first/tool\": {denied}"));
        assert_eq!(error("./second", ""), format!("exec: \"./second\": {denied}"));
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = find("sh", "/bin", Path::new("/nowhere/at/all")).unwrap_err();
        assert_eq!(error.to_string(), "workingDir /nowhere/at/all: no such folder");
    }
}

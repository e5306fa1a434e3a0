//! The users file: who may come beside the admin.
//!
//! ```yaml
//! users:
//! - {name: ann, role: all, tokenSHA256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}
//! - {name: ci, role: namespace, namespaces: [shop], tokenSHA256: ...}
//! - {name: screen, role: read, token: a-token-of-16-characters-or-more}
//! ```
//! A user is one line, so that taking it out revokes him. A file with plain tokens must be private.

use std::collections::{BTreeSet, HashSet};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_saphyr::Spanned;
use thiserror::Error;

use super::token::Digest;
use super::{Role, Token};

/// A shorter token could be guessed.
const SHORTEST: usize = 16;

/// What is wrong with a users file.
#[derive(Debug, Error)]
pub enum UsersError {
    /// It cannot be read.
    #[error("the users file {} cannot be read", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It says something that is not understood.
    #[error("the users file {} is wrong in line {line}: {message}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// Where.
        line: u64,
        /// What.
        message: String,
    },
    /// It holds tokens, and others may read it.
    #[error(
        "the users file {} holds tokens and others may read it: chmod 600 it, or write tokenSHA256 instead",
        path.display()
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
}

/// One user of the file, checked.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) digest: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    #[serde(default)]
    users: Option<Vec<Spanned<Line>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    token: Option<Token>,
    #[serde(rename = "tokenSHA256")]
    token_sha256: Option<String>,
    role: RoleName,
    #[serde(default)]
    namespaces: BTreeSet<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum RoleName {
    Read,
    Namespace,
    All,
}

/// Reads the file; `admin` is a name that is taken.
pub(super) fn read(path: &Path, admin: &str) -> Result<Vec<Entry>, UsersError> {
    let unreadable = |source| UsersError::Read { path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let lines = lines(&text).map_err(|wrong| wrong.in_file(path))?;
    let holds_tokens = lines.iter().any(|line| line.value.token.is_some());
    if holds_tokens && is_exposed(&std::fs::metadata(path).map_err(unreadable)?) {
        return Err(UsersError::Exposed { path: path.to_owned() });
    }
    entries(lines, admin).map_err(|wrong| wrong.in_file(path))
}

fn is_exposed(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o077 != 0
}

/// What is wrong, before it is known in which file.
#[derive(Debug, PartialEq)]
struct Wrong {
    line: u64,
    message: String,
}

impl Wrong {
    fn in_file(self, path: &Path) -> UsersError {
        UsersError::Content { path: path.to_owned(), line: self.line, message: self.message }
    }
}

fn lines(text: &str) -> Result<Vec<Spanned<Line>>, Wrong> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    // A snippet of the file could show a token.
    let options = serde_saphyr::options! { with_snippet: false };
    let content: Content = serde_saphyr::from_str_with_options(text, options).map_err(|error| Wrong {
        line: error.location().map_or(0, |location| location.line()),
        message: error.to_string(),
    })?;
    Ok(content.users.unwrap_or_default())
}

fn entries(lines: Vec<Spanned<Line>>, admin: &str) -> Result<Vec<Entry>, Wrong> {
    let mut names = HashSet::from([admin.to_owned()]);
    let mut entries: Vec<Entry> = Vec::new();
    for line in lines {
        let at = line.referenced.line();
        let wrong = |message: String| Wrong { line: at, message };
        let entry = entry(line.value).map_err(wrong)?;
        if !names.insert(entry.name.clone()) {
            return Err(wrong(format!("the name {:?} is taken", entry.name)));
        }
        if entries.iter().any(|other| other.digest == entry.digest) {
            return Err(wrong(format!("{:?} has the same token as another user", entry.name)));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(line: Line) -> Result<Entry, String> {
    let Line { name, token, token_sha256, role, namespaces } = line;
    if name.is_empty() || name.starts_with("system:") {
        return Err(format!("{name:?} is no user's name: it is empty, or begins with system:"));
    }
    let digest = match (token, token_sha256) {
        (Some(token), None) if token.expose().len() < SHORTEST => {
            return Err(format!("the token of {name:?} has less than {SHORTEST} characters"));
        }
        (Some(token), None) => Digest::of(token.expose()),
        (None, Some(hash)) => Digest::from_hex(&hash)
            .ok_or_else(|| format!("tokenSHA256 of {name:?} is not 64 hexadecimal digits"))?,
        _ => return Err(format!("{name:?} needs either token or tokenSHA256")),
    };
    let role = match role {
        RoleName::Namespace if namespaces.is_empty() => {
            return Err(format!("{name:?} has the role namespace, but no namespaces"));
        }
        RoleName::Namespace => Role::Namespace(namespaces),
        RoleName::Read | RoleName::All if !namespaces.is_empty() => {
            return Err(format!("{name:?} has namespaces, which only the role namespace has"));
        }
        RoleName::Read => Role::Read,
        RoleName::All => Role::All,
    };
    Ok(Entry { name, role, digest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Entry>, Wrong> {
        entries(lines(text)?, "admin")
    }

    fn wrong(text: &str) -> (u64, String) {
        let Wrong { line, message } = parse(text).unwrap_err();
        (line, message)
    }

    #[test]
    fn a_file_names_users_tokens_roles_and_namespaces() {
        let users = parse(
            "users:
- {name: ann, role: all, tokenSHA256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b}
- {name: ci, role: namespace, namespaces: [shop, blog], token: 0123456789abcdef}
",
        );
        let namespaces = ["blog".to_owned(), "shop".to_owned()].into();
        let digest = Digest::of("0123456789abcdef");
        assert_eq!(
            users.unwrap(),
            [
                Entry { name: "ann".to_owned(), role: Role::All, digest: Digest::of("secret") },
                Entry { name: "ci".to_owned(), role: Role::Namespace(namespaces), digest },
            ]
        );
    }

    #[test]
    fn a_file_whose_last_user_went_has_none() {
        assert_eq!(parse("users:\n").unwrap(), []);
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let first = "users:\n- {name: a, role: all, token: aaaaaaaaaaaaaaaa}\n";
        let (line, message) = wrong(&format!("{first}- {{name: a, role: read, token: bbbbbbbbbbbbbbbb}}"));
        assert_eq!((line, message.as_str()), (3, "the name \"a\" is taken"));
        let (line, message) = wrong(&format!("{first}- {{name: b, role: king, token: bbbbbbbbbbbbbbbb}}"));
        assert_eq!(line, 3);
        assert!(message.contains("king"), "{message}");
        assert_eq!(wrong(&format!("{first}- name: b\n  rule: read\n")).0, 4);
        let (line, message) = wrong(&format!("{first}- {{name: b, role: read, token: aaaaaaaaaaaaaaaa}}"));
        assert_eq!((line, message.as_str()), (3, "\"b\" has the same token as another user"));
    }

    #[test]
    fn a_user_that_could_not_be_meant_is_refused() {
        for (line, expected) in [
            ("name: '', role: all, token: aaaaaaaaaaaaaaaa", "no user's name"),
            ("name: 'system:admin', role: all, token: aaaaaaaaaaaaaaaa", "no user's name"),
            ("name: admin, role: all, token: aaaaaaaaaaaaaaaa", "is taken"),
            ("name: a, role: all, token: short", "less than 16 characters"),
            ("name: a, role: all, tokenSHA256: abc", "64 hexadecimal digits"),
            ("name: a, role: all", "either token or tokenSHA256"),
            ("name: a, role: namespace, token: aaaaaaaaaaaaaaaa", "no namespaces"),
            ("name: a, role: read, namespaces: [x], token: aaaaaaaaaaaaaaaa", "only the role namespace"),
        ] {
            let (number, message) = wrong(&format!("users:\n- {{{line}}}\n"));
            assert_eq!(number, 2, "{line}");
            assert!(message.contains(expected), "{line}: {message}");
        }
    }

    #[test]
    fn plain_tokens_in_a_file_that_others_may_read_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.yaml");
        std::fs::write(&path, "users: [{name: a, role: all, token: aaaaaaaaaaaaaaaa}]").unwrap();
        let mode = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        mode(0o640);
        assert!(matches!(read(&path, "admin"), Err(UsersError::Exposed { .. })));
        mode(0o600);
        assert_eq!(read(&path, "admin").unwrap().len(), 1);
    }

    #[test]
    fn a_message_never_holds_a_token() {
        let text = "users:\n- {name: a, role: all, token: [very-secret-token]}\n";
        assert!(!wrong(text).1.contains("very-secret"), "{}", wrong(text).1);
        let text = "users:\n- {name: a, role: all, token: very-secret-token, token: very-secret-token}\n";
        assert!(!wrong(text).1.contains("very-secret"), "{}", wrong(text).1);
    }
}

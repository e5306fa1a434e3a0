//! Who may do what: a bearer token names a [`User`], whose role is a list of rules, as RBAC has them.
//!
//! ```text
//! token -> users -> User -> allows(Attributes) -> the request goes on, or `Attributes::refusal`
//!            ^
//!            +- the admin's token, and the users file (read again when it changes)
//! ```
//! What a user is told about his rights (`reviews`) is computed from the very rules that decide. No token is ever
//! in a message, a log or a `Debug` output.

mod attributes;
mod file;
mod kubeconfig;
mod reviews;
mod rules;
mod token;
mod users;

pub(crate) use attributes::{Attributes, ResourceAttributes, is_public};
pub use file::UsersError;
pub use kubeconfig::kubeconfig;
pub(crate) use reviews::{ReviewError, identity_review, review_access, review_rules};
pub use token::{Token, write_private};
pub use users::Users;

use std::collections::BTreeSet;

use schema::Catalog;

use self::rules::Rules;

/// Somebody whose token was right.
#[derive(Debug, PartialEq)]
pub struct User {
    name: String,
    role: Role,
    rules: Rules,
}

/// What a user may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// See everything except Secrets.
    Read,
    /// Everything in these namespaces; see what is in no namespace.
    Namespace(BTreeSet<String>),
    /// Everything.
    All,
}

impl User {
    /// A user of this role, among the kinds that are served.
    pub(crate) fn new(name: impl Into<String>, role: Role, catalog: &Catalog) -> Self {
        Self { name: name.into(), rules: Rules::of(&role, catalog), role }
    }

    /// The user's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The user's role.
    #[must_use]
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// The groups that Kubernetes would see this user in.
    pub(crate) fn groups(&self) -> &'static [&'static str] {
        match self.role {
            Role::All => &["system:masters", "system:authenticated"],
            Role::Read | Role::Namespace(_) => &["system:authenticated"],
        }
    }

    /// Whether the user may do this.
    pub(crate) fn allows(&self, attributes: &Attributes) -> bool {
        match attributes {
            Attributes::Resource(attributes) => self.rules.allow_resource(attributes),
            Attributes::Path { verb, path } => self.rules.allow_path(verb, path),
        }
    }
}

#[cfg(test)]
mod tests;

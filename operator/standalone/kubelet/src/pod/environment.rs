//! The environment of a container: from `envFrom`, then `env`, as Kubernetes puts it together, on top of a few variables of
//! the operator's own. Pure: what it refers to is an argument.
//!
//! `PORT` is the port of this machine that stands for the declared one, whatever the Pod says: a process that listened on
//! the declared one would meet the next process that does.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, EnvFromSource, EnvVar, EnvVarSource};

use super::expand::expand;
use super::field::Fields;
use super::port::{PodPorts, tcp};

/// What the process needs to find programs and to behave like one that the user started. Everything else of the operator's
/// environment is none of an app's business.
pub(crate) const INHERITED: [&str; 11] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
];

/// A Secret or a ConfigMap that a container refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reference {
    Secret(String),
    ConfigMap(String),
}

/// What is in those that exist.
pub(crate) type Contents = BTreeMap<Reference, BTreeMap<String, String>>;

/// What is not there, in the words that are shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Missing {
    #[error("{} \"{}\" not found", .0.kind().to_lowercase(), .0.name())]
    Object(Reference),
    #[error("couldn't find key {key} in {} {namespace}/{}", .object.kind(), .object.name())]
    Key { object: Reference, namespace: String, key: String },
    #[error("{0}")]
    Field(String),
}

impl Reference {
    fn kind(&self) -> &'static str {
        match self {
            Self::Secret(_) => "Secret",
            Self::ConfigMap(_) => "ConfigMap",
        }
    }

    pub(crate) fn name(&self) -> &str {
        let (Self::Secret(name) | Self::ConfigMap(name)) = self;
        name
    }
}

/// What a container refers to.
pub(crate) fn references(container: &Container) -> Vec<Reference> {
    let sources = container.env_from.iter().flatten().filter_map(|source| Some(whole(source)?.0));
    let variables = container.env.iter().flatten().filter_map(|variable| variable.value_from.as_ref());
    let mut references: Vec<Reference> =
        sources.chain(variables.filter_map(|from| Some(key(from)?.0))).collect();
    references.sort();
    references.dedup();
    references
}

/// The whole environment, in no order that matters.
pub(crate) fn environment(
    container: &Container,
    contents: &Contents,
    ports: &PodPorts,
    fields: &Fields,
    inherited: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Missing> {
    let mut variables = inherited.clone();
    variables.insert("HOSTNAME".into(), fields.hostname());
    for source in container.env_from.iter().flatten() {
        let Some((reference, optional)) = whole(source) else { continue };
        let Some(values) = contents.get(&reference) else {
            if optional {
                continue;
            }
            return Err(Missing::Object(reference));
        };
        let prefix = source.prefix.as_deref().unwrap_or_default();
        let named = values.iter().map(|(name, value)| (format!("{prefix}{name}"), value.clone()));
        variables.extend(named.filter(|(name, _)| is_name(name)));
    }
    let port = port(container, ports);
    variables.extend(port.clone());
    for variable in container.env.iter().flatten() {
        let value = match &port {
            Some((name, value)) if *name == variable.name => Some(value.clone()),
            _ => value(variable, contents, fields, &variables)?,
        };
        variables
            .extend(value.filter(|_| is_name(&variable.name)).map(|value| (variable.name.clone(), value)));
    }
    Ok(variables)
}

/// The variable that tells a process where to listen. Of several ports, it is the one whose number the Pod itself has put
/// in the variable, else the first.
fn port(container: &Container, ports: &PodPorts) -> Option<(String, String)> {
    let own = container.env.iter().flatten().find(|variable| variable.name == "PORT");
    let own = own.and_then(|variable| variable.value.as_deref()?.parse::<i32>().ok());
    let declared =
        tcp(container).find(|port| Some(port.container_port) == own).or_else(|| tcp(container).next())?;
    let declared = u16::try_from(declared.container_port).ok()?;
    Some(("PORT".into(), ports.of(declared).to_string()))
}

/// The port that `PORT` names.
pub(super) fn main_port(container: &Container, ports: &PodPorts) -> Option<u16> {
    port(container, ports)?.1.parse().ok()
}

fn value(
    variable: &EnvVar,
    contents: &Contents,
    fields: &Fields,
    before: &BTreeMap<String, String>,
) -> Result<Option<String>, Missing> {
    let Some(from) = &variable.value_from else {
        let text = variable.value.as_deref().unwrap_or_default();
        return Ok(Some(expand(text, |name| before.get(name).cloned())));
    };
    if let Some(field) = &from.field_ref {
        return fields.pod(&field.field_path).map(Some).map_err(Missing::Field);
    }
    if let Some(resource) = &from.resource_field_ref {
        return fields.resource(resource).map(Some).map_err(Missing::Field);
    }
    let Some((object, key, optional)) = key(from) else {
        return Err(Missing::Field(format!("the source of variable {} is not known here", variable.name)));
    };
    match contents.get(&object) {
        Some(values) if values.contains_key(key) => Ok(values.get(key).cloned()),
        _ if optional => Ok(None),
        None => Err(Missing::Object(object)),
        Some(_) => Err(Missing::Key { object, namespace: fields.namespace(), key: key.to_owned() }),
    }
}

fn whole(source: &EnvFromSource) -> Option<(Reference, bool)> {
    let secret = source.secret_ref.as_ref();
    let secret = secret.map(|from| (Reference::Secret(from.name.clone()), from.optional.unwrap_or_default()));
    let map = source.config_map_ref.as_ref();
    secret.or_else(|| {
        map.map(|from| (Reference::ConfigMap(from.name.clone()), from.optional.unwrap_or_default()))
    })
}

fn key(from: &EnvVarSource) -> Option<(Reference, &str, bool)> {
    if let Some(from) = &from.secret_key_ref {
        return Some((Reference::Secret(from.name.clone()), &from.key, from.optional.unwrap_or_default()));
    }
    let from = from.config_map_key_ref.as_ref()?;
    Some((Reference::ConfigMap(from.name.clone()), &from.key, from.optional.unwrap_or_default()))
}

/// What a process can be given as a name.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

#[cfg(test)]
mod tests;

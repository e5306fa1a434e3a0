//! The way of an object into the store, as pure steps: its place and identity, its defaults, who manages its fields, its
//! kind's own rules, and whether it is valid. What comes out is what is stored.

use jiff::Timestamp;
use schema::{FieldError, Resource};
use serde_json::{Map, Value};

use crate::request::Part;
use crate::status::{Cause, Failure, Result};
use crate::{meta, strategy};

/// A write: to what, by whom, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Write<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) part: Part,
    pub(crate) manager: &'a str,
    pub(crate) now: Timestamp,
}

/// Fields of the metadata that the server alone writes.
const SERVERS_OWN: [&str; 5] =
    ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"];

impl Write<'_> {
    /// The object that is stored for a new one. `uid` and `suffix` are random: the latter ends a generated name.
    pub(crate) fn create(&self, mut object: Value, uid: &str, suffix: &str) -> Result<Value> {
        self.begin(&mut object, uid, suffix);
        self.resource.drop_nulls(&mut object);
        let labels = TemplateLabels::of(&object);
        self.fit(&mut object);
        self.enter(self.managed(None, &object), labels)
    }

    /// The object that is stored for one that is applied and not there; its fields are managed already.
    pub(crate) fn create_applied(&self, mut object: Value, uid: &str) -> Result<Value> {
        self.begin(&mut object, uid, "");
        let labels = TemplateLabels::of(&object);
        self.fit(&mut object);
        self.enter(object, labels)
    }

    /// The object that is stored in place of the live one; none where nothing changes.
    pub(crate) fn update(&self, live: &Value, mut new: Value) -> Result<Option<Value>> {
        self.keep_identity(live, &mut new);
        self.resource.drop_nulls(&mut new);
        let labels = TemplateLabels::of(&new);
        self.fit(&mut new);
        let new = self.managed(Some(live), &new);
        self.finish(live, new, labels)
    }

    /// As [`Write::update`], of an object whose fields are managed already.
    pub(crate) fn update_applied(&self, live: &Value, mut new: Value) -> Result<Option<Value>> {
        self.keep_identity(live, &mut new);
        let labels = TemplateLabels::of(&new);
        self.fit(&mut new);
        self.finish(live, new, labels)
    }

    /// A question that is not stored, with who manages its fields.
    pub(crate) fn asked(&self, mut question: Value) -> Value {
        self.fit(&mut question);
        // The answer is nobody's.
        meta::set_field(&mut question, "status", Value::Null);
        self.managed(None, &question)
    }

    /// Now, as objects tell times.
    pub(crate) fn time(&self) -> String {
        time(self.now)
    }

    fn begin(&self, object: &mut Value, uid: &str, suffix: &str) {
        for field in SERVERS_OWN {
            meta::remove(object, field);
        }
        if meta::name(object).is_empty() && !meta::text(object, "generateName").is_empty() {
            // The longest name of an object that is a label, less the suffix.
            let base = meta::text(object, "generateName").chars().take(58).collect::<String>();
            meta::set(object, "name", format!("{base}{suffix}").into());
        }
        meta::set(object, "uid", uid.into());
        meta::set(object, "creationTimestamp", self.time().into());
        if strategy::is(self.resource, "", "namespaces") {
            let name = meta::name(object).to_owned();
            meta::label(object, "kubernetes.io/metadata.name", &name);
        }
    }

    /// What a write leaves out of these stays as it was; what it has otherwise, validation refuses, but for the last
    /// ones, on which nobody is asked.
    fn keep_identity(&self, live: &Value, new: &mut Value) {
        for field in ["uid", "deletionTimestamp", "deletionGracePeriodSeconds", "namespace"] {
            if new["metadata"][field].is_null()
                || meta::text(new, field).is_empty() && field != "deletionGracePeriodSeconds"
            {
                meta::copy(new, live, field);
            }
        }
        for field in ["creationTimestamp", "generation", "selfLink"] {
            meta::copy(new, live, field);
        }
    }

    fn fit(&self, object: &mut Value) {
        self.resource.default(object);
        self.resource.prune(object);
    }

    /// Who manages which fields after this write.
    fn managed(&self, live: Option<&Value>, new: &Value) -> Value {
        patch::update(&patch::Update {
            schema: &self.resource.schema,
            live,
            new,
            manager: self.manager,
            subresource: self.part.as_str(),
            api_version: &self.resource.api_version(),
            time: &self.time(),
            ignored: patch::reset_fields(self.resource, self.part.as_str()),
        })
    }

    fn enter(&self, mut object: Value, labels: TemplateLabels) -> Result<Value> {
        self.resource.allocate(&mut object, None);
        strategy::begin(self.resource, &mut object);
        self.check(&object, labels.shown(self.resource.validate(&object, None)))?;
        Ok(object)
    }

    fn finish(&self, live: &Value, mut new: Value, labels: TemplateLabels) -> Result<Option<Value>> {
        strategy::confine(self.resource, self.part, live, &mut new);
        if self.part == Part::Status {
            meta::copy(&mut new, live, "generation");
        } else {
            self.resource.allocate(&mut new, Some(live));
            strategy::count_generation(self.resource, live, &mut new);
        }
        let errors = match self.part {
            Part::Status => self.resource.validate_status(&new, live),
            _ => self.resource.validate(&new, Some(live)),
        };
        self.check(&new, labels.shown(errors))?;
        meta::copy(&mut new, live, "resourceVersion");
        let new = patch::keep_times(live, new);
        Ok((new != *live).then_some(new))
    }

    fn check(&self, object: &Value, errors: Vec<FieldError>) -> Result<()> {
        if errors.is_empty() {
            return Ok(());
        }
        let causes =
            errors.into_iter().map(|error| Cause::new(error.reason.as_str(), &error.field, error.detail));
        let causes = causes.collect::<Vec<_>>();
        Err(Failure::invalid(&self.resource.group, &self.resource.kind, meta::name(object), &causes))
    }
}

/// How the labels of a template came: an object that is stored does not tell none from an empty map of them, a refusal
/// does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TemplateLabels {
    Empty,
    Other,
}

impl TemplateLabels {
    fn of(object: &Value) -> Self {
        let labels = object.pointer("/spec/template/metadata/labels").and_then(Value::as_object);
        if labels.is_some_and(Map::is_empty) { Self::Empty } else { Self::Other }
    }

    fn shown(self, mut errors: Vec<FieldError>) -> Vec<FieldError> {
        let of_labels = errors.iter_mut().filter(|error| error.field == "spec.template.metadata.labels");
        for error in of_labels.filter(|_| self == Self::Empty) {
            error.detail = error.detail.replacen("Invalid value: null:", "Invalid value: {}:", 1);
        }
        errors
    }
}

/// RFC 3339 in UTC, whole seconds.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Puts an object where the URL says, or refuses one that says otherwise.
pub(crate) fn place(object: &mut Value, namespace: &str) -> Result<()> {
    match meta::namespace(object) {
        // A kind of the cluster: whatever the object says.
        _ if namespace.is_empty() => drop(meta::remove(object, "namespace")),
        "" => meta::set(object, "namespace", namespace.into()),
        other if other == namespace => {}
        _ => {
            let why = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Failure::bad_request(why));
        }
    }
    Ok(())
}

/// Refuses an object that has another name than the URL, or none.
pub(crate) fn named(object: &Value, name: &str) -> Result<()> {
    let why = match meta::name(object) {
        same if same == name => return Ok(()),
        "" => {
            format!("the name of the object ({name} based on URL) was undeterminable: name must be provided")
        }
        other => format!("the name of the object ({other}) does not match the name on the URL ({name})"),
    };
    Err(Failure::bad_request(why))
}

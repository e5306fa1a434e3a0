//! The verbs. Each file is one: it reads the options of the request, reads the store, asks the pure steps what the
//! object becomes, and commits that.

mod binding;
mod commit;
mod create;
mod delete;
mod get;
mod list;
mod log;
mod options;
mod patch;
mod patched;
mod render;
mod review;
mod scale;
mod update;
mod watch;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response};
use jiff::Timestamp;
use serde_json::Value;
use store::{Key, Object};

use crate::access::{Attributes, ResourceAttributes, User};
use crate::admission::Write;
use crate::answer::Body;
use crate::api::Api;
use crate::request::{Part, Request, Verb};
use crate::status::{Failure, Result};
use crate::wire;

/// A request that may be done, with all that its verb needs.
pub(crate) struct Call {
    pub(crate) api: Arc<Api>,
    pub(crate) user: Arc<User>,
    pub(crate) request: Request,
    pub(crate) content_type: String,
    pub(crate) user_agent: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What the client is told beside the answer.
    pub(crate) warnings: Vec<String>,
}

/// Does what the request asks for.
pub(crate) async fn serve(call: &mut Call) -> Result<Response<Body>> {
    match (call.request.verb, call.request.part) {
        (Verb::Get, Part::Log) => log::log(call).await,
        (Verb::Get, Part::Scale) => scale::get(call),
        (Verb::Update, Part::Scale) => scale::update(call).await,
        (Verb::Patch, Part::Scale) => scale::patch(call).await,
        (Verb::Get, _) => get::get(call),
        (Verb::List, _) => list::list(call),
        (Verb::Watch, _) => watch::watch(call),
        (Verb::Create, Part::Binding) => binding::create(call).await,
        (Verb::Create, _) if review::is_review(&call.request.resource) => review::create(call),
        (Verb::Create, _) => create::create(call).await,
        (Verb::Update, _) => update::update(call).await,
        (Verb::Patch, _) => patch::patch(call).await,
        (Verb::Delete, _) => delete::delete(call).await,
        (Verb::DeleteCollection, _) => delete::collection(call).await,
    }
}

impl Call {
    /// The key of the object that the request names.
    fn key(&self) -> Key {
        self.key_of(self.request.name())
    }

    fn key_of(&self, name: &str) -> Key {
        wire::key(&self.request.resource, self.request.namespace(), name)
    }

    /// The object that the request names, as it is now.
    fn live(&self) -> Result<Arc<Object>> {
        let live = self.api.store.get(&self.key());
        live.ok_or_else(|| Failure::not_found(&self.request.resource, self.request.name()))
    }

    fn value(&self, object: &Object) -> Value {
        wire::value(&self.request.resource, object)
    }

    /// The write that the request is, by `manager`, now.
    fn write<'a>(&'a self, manager: &'a str) -> Write<'a> {
        Write { resource: &self.request.resource, part: self.request.part, manager, now: Timestamp::now() }
    }

    /// Whose fields the written ones become: what the client says, or what its user agent begins with.
    fn manager(&self, options: &str) -> Result<String> {
        if let Some(manager) = self.request.query.text("fieldManager") {
            options::check_manager(options, manager)?;
            return Ok(manager.to_owned());
        }
        let agent = self.user_agent.split('/').next().unwrap_or_default();
        let agent = agent.chars().filter(|character| character.is_ascii_graphic() || *character == ' ');
        let agent = agent.take(128).collect::<String>();
        Ok(if agent.is_empty() { "unknown".to_owned() } else { agent })
    }

    /// Creating is another right than patching.
    fn may_create(&self) -> Result<()> {
        let request = &self.request;
        let attributes = Attributes::Resource(ResourceAttributes {
            verb: Verb::Create.as_str(),
            group: &request.resource.group,
            resource: &request.resource.plural,
            subresource: "",
            namespace: request.namespace(),
            name: request.name(),
        });
        if self.user.allows(&attributes) {
            return Ok(());
        }
        let (message, details) = attributes.refusal(&self.user);
        Err(Failure::refused(message, details))
    }
}

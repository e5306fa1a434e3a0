//! The kinds of edits: a number comes in; one API call goes out, and what its effect looks like to a client.

use anyhow::Result;
use crds::Route;
use e2e::pki::Leaf;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::platform::{NAMESPACE, Platform, SERVERS, TLS_HOST, slice};
use crate::population::{host, member, route};
use crate::probe::Wanted;

/// A kind of edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    /// A new Route with a host of its own.
    NewHost,
    /// Another Service in that Route.
    OtherService,
    /// That Route deleted.
    NoHost,
    /// Another address in the EndpointSlice of the Service that all Routes share.
    Endpoint,
    /// Another certificate in the Secret.
    Certificate,
}

/// One call, ready to be made, and how its effect is seen.
#[derive(Debug)]
pub(crate) struct Prepared {
    call: Call,
    /// The host to ask for.
    pub(crate) host: String,
    /// What is answered when it is so.
    pub(crate) wanted: Wanted,
}

#[derive(Debug)]
enum Call {
    Create(Box<Route>),
    Patch(String, Value),
    Delete(String),
    Endpoints(Value),
    Secret(Value),
}

impl Edit {
    /// In an order in which each finds what it needs.
    pub(crate) const ALL: [Self; 5] =
        [Self::NewHost, Self::OtherService, Self::NoHost, Self::Endpoint, Self::Certificate];

    /// What it is, for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NewHost => "new host (Route created)",
            Self::OtherService => "Route edited (other Service)",
            Self::NoHost => "host gone (Route deleted)",
            Self::Endpoint => "endpoint changed",
            Self::Certificate => "certificate swapped",
        }
    }

    /// Prepares the edit of this number.
    pub(crate) fn prepare(self, platform: &Platform, number: usize) -> Result<Prepared> {
        let name = format!("sample-{number}");
        let sample = host(&name);
        let (call, host, wanted) = match self {
            Self::NewHost => (Call::Create(Box::new(route(&name))), sample, Wanted::Server(SERVERS[0].0)),
            Self::OtherService => {
                let change = json!({"spec": {"service": {"name": "two"}}});
                (Call::Patch(name, change), sample, Wanted::Server(SERVERS[2].0))
            }
            Self::NoHost => (Call::Delete(name), sample, Wanted::Status(404)),
            Self::Endpoint => {
                // From `a` to `b` and back; the last of an even number of edits leaves `a`, which the first kind expects.
                let server = (number + 1) % 2;
                let change = json!({"endpoints": slice("one", server)["endpoints"]});
                (Call::Endpoints(change), host(&member(0)), Wanted::Server(SERVERS[server].0))
            }
            Self::Certificate => {
                let leaf = platform.authority.sign(&[TLS_HOST])?;
                (Call::Secret(secret(&leaf)), TLS_HOST.into(), Wanted::Leaf(leaf.der))
            }
        };
        Ok(Prepared { call, host, wanted })
    }
}

impl Prepared {
    /// Makes the call.
    pub(crate) async fn make(&self, platform: &Platform) -> Result<()> {
        let client = platform.client.clone();
        let (params, patch) = (PostParams::default(), PatchParams::default());
        let routes: Api<Route> = Api::namespaced(client.clone(), NAMESPACE);
        match &self.call {
            Call::Create(route) => routes.create(&params, route).await.map(drop)?,
            Call::Patch(name, change) => routes.patch(name, &patch, &Patch::Merge(change)).await.map(drop)?,
            Call::Delete(name) => routes.delete(name, &DeleteParams::default()).await.map(drop)?,
            Call::Endpoints(change) => {
                let slices: Api<EndpointSlice> = Api::namespaced(client, NAMESPACE);
                slices.patch("one", &patch, &Patch::Merge(change)).await.map(drop)?;
            }
            Call::Secret(change) => {
                let secrets: Api<Secret> = Api::namespaced(client, NAMESPACE);
                secrets.patch("tls", &patch, &Patch::Merge(change)).await.map(drop)?;
            }
        }
        Ok(())
    }
}

fn secret(leaf: &Leaf) -> Value {
    json!({"stringData": {"tls.crt": leaf.certificate, "tls.key": leaf.key}})
}

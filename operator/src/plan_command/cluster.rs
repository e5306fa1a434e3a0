//! Reads the objects of a cluster that a plan is made from, once, and writes nothing.

use std::fmt::Debug;

use crds::{App, Certificate, Cluster, Route, RouterNode};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::ListParams;
use kube::{Api, Client};
use plan::Object;

use super::{Error, Objects};
use crate::observe::Slim;
use crate::reason::root_cause;

const PAGE: u32 = 500;

/// Everything that the controller watches.
pub(super) async fn read(client: &Client) -> Result<Objects, Error> {
    let mut objects = Objects::new();
    list::<Cluster>(client, "", &mut objects).await?;
    list::<App>(client, "", &mut objects).await?;
    list::<Route>(client, "", &mut objects).await?;
    list::<Certificate>(client, "", &mut objects).await?;
    list::<RouterNode>(client, "", &mut objects).await?;
    list::<Namespace>(client, "", &mut objects).await?;
    list::<Service>(client, "", &mut objects).await?;
    list::<EndpointSlice>(client, "", &mut objects).await?;
    list::<Deployment>(client, "", &mut objects).await?;
    list::<Secret>(client, "type=kubernetes.io/tls", &mut objects).await?;
    Ok(objects)
}

async fn list<K: Slim + Debug>(client: &Client, fields: &str, objects: &mut Objects) -> Result<(), Error> {
    let api: Api<K> = Api::all(client.clone());
    let mut params = ListParams::default().fields(fields).limit(PAGE);
    loop {
        let page = api.list(&params).await;
        let page = page.map_err(|error| Error::List { kind: K::KIND, cause: root_cause(&error) })?;
        for mut object in page.items {
            object.meta_mut().managed_fields = None;
            let object: Object = object.into();
            objects.insert((object.kind(), object.key()), object);
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(()),
        }
    }
}

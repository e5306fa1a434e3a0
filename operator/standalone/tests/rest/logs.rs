//! Logs of containers.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use http::Method;
use serde_json::{Value, json};
use standalone::{Limits, LogError, LogOptions, LogStream, Logs, PodRef};

use crate::api::{Api, message};

const PODS: &str = "/api/v1/namespaces/default/pods";

/// Says what it was asked for.
struct Echo;

impl Logs for Echo {
    fn log(&self, pod: PodRef, options: LogOptions) -> BoxFuture<'_, Result<LogStream, LogError>> {
        async move {
            if options.previous {
                return Err(LogError::NotThere(format!("no previous {}", pod.container)));
            }
            let text = format!("{} {} {:?}\n", pod.name, pod.container, options.tail_lines);
            let lines = futures::stream::once(async move { Ok(Bytes::from(text)) });
            let lines: LogStream =
                if options.follow { lines.chain(futures::stream::pending()).boxed() } else { lines.boxed() };
            Ok(lines)
        }
        .boxed()
    }
}

async fn with_pod() -> Api {
    let api = Api::start_with(Limits::default(), Arc::new(Echo), None).await;
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "x"}]}});
    api.create(PODS, pod).await;
    api
}

#[tokio::test]
async fn a_log_is_that_of_the_only_container() {
    let api = with_pod().await;
    assert_eq!(api.get(&format!("{PODS}/p/log?tailLines=5")).await, Value::from("p c Some(5)\n"));
    let (code, status) = api.ask(Method::GET, &format!("{PODS}/p/log?previous=true"), None).await;
    assert_eq!((code, message(&status)), (400, "no previous c"));
    assert_eq!(api.ask(Method::GET, &format!("{PODS}/none/log"), None).await.0, 404);
}

#[tokio::test]
async fn a_followed_log_ends_when_the_server_stops() {
    let api = with_pod().await;
    let request = http::Request::builder().uri(format!("{PODS}/p/log?follow=true"));
    let response = api.send(request.body(Default::default()).expect("a request")).await;
    api.server.stop().await;
    let bytes = http_body_util::BodyExt::collect(response.into_body()).await.expect("infallible").to_bytes();
    assert!(bytes.is_empty() || bytes.starts_with(b"p c"), "{bytes:?}");
}

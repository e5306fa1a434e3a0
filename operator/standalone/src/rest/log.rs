//! GET of a container's log.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use http::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Call;
use crate::answer::{self, Body};
use crate::logs::{LogError, LogOptions, LogStream, PodRef};
use crate::meta;
use crate::query::Query;
use crate::status::{Cause, Failure, Result};

pub(super) async fn log(call: &Call) -> Result<Response<Body>> {
    let pod = call.value(&*call.live()?);
    let options = options(call.request.name(), &call.request.query, Timestamp::now())?;
    let pod = PodRef {
        namespace: call.request.namespace().to_owned(),
        name: call.request.name().to_owned(),
        uid: meta::uid(&pod).to_owned(),
        container: container(&pod, call.request.query.text("container"))?,
    };
    let follow = options.follow;
    let stream = call.api.logs.log(pod, options).await.map_err(refusal)?;
    let stream = if follow { until_end(call, stream)? } else { stream };
    // What is lost in the middle cannot be told any more: the stream ends.
    let bytes = stream
        .map_err(drop)
        .take_while(|bytes| std::future::ready(bytes.is_ok()))
        .filter_map(|bytes| async { bytes.ok() });
    Ok(answer::stream("text/plain", bytes))
}

/// A followed log counts as a watcher, and ends when the server stops or its user is no longer one.
fn until_end(call: &Call, stream: LogStream) -> Result<LogStream> {
    let permit =
        Arc::clone(&call.api.streams).try_acquire_owned().map_err(|_| Failure::too_many_requests())?;
    let watcher = call.api.metrics.watcher();
    let (api, user) = (Arc::clone(&call.api), Arc::clone(&call.user));
    let end = async move { api.end_of_stream(&user).await };
    let stream: futures::stream::BoxStream<'static, io::Result<Bytes>> =
        Box::pin(stream.take_until(Box::pin(end)));
    Ok(Box::pin(stream.inspect(move |_| {
        let _held = (&permit, &watcher);
    })))
}

fn options(pod: &str, query: &Query, now: Timestamp) -> Result<LogOptions> {
    let positive = |name: &str, least: i64| -> Result<Option<u64>> {
        let Some(number) = query.number(name)? else { return Ok(None) };
        if number >= least {
            return Ok(u64::try_from(number).ok());
        }
        let bound = if least == 0 { "greater than or equal to 0" } else { "greater than 0" };
        let message = format!("Invalid value: {number}: must be {bound}");
        Err(Failure::invalid("", "PodLogOptions", pod, &[Cause::new("FieldValueInvalid", name, message)]))
    };
    let since = positive("sinceSeconds", 1)?.and_then(|seconds| i64::try_from(seconds).ok());
    let since = match (since, query.text("sinceTime")) {
        (Some(_), Some(_)) => {
            let why = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified";
            return Err(Failure::invalid(
                "",
                "PodLogOptions",
                pod,
                &[Cause::new("FieldValueForbidden", "", why)],
            ));
        }
        (Some(seconds), None) => Some(now - SignedDuration::from_secs(seconds)),
        (None, Some(time)) => {
            Some(time.parse().map_err(|error| Failure::bad_request(format!("sinceTime: {error}")))?)
        }
        (None, None) => None,
    };
    Ok(LogOptions {
        follow: query.flag("follow"),
        previous: query.flag("previous"),
        timestamps: query.flag("timestamps"),
        tail_lines: positive("tailLines", 0)?,
        since,
        limit_bytes: positive("limitBytes", 1)?,
    })
}

/// The container that is meant: a Pod of several needs its name.
fn container(pod: &Value, wanted: Option<&str>) -> Result<String> {
    let names = |list: &str| {
        let containers = pod["spec"][list].as_array().into_iter().flatten();
        containers.filter_map(|container| container["name"].as_str()).collect::<Vec<_>>()
    };
    let (own, first) = (names("containers"), names("initContainers"));
    let name = meta::name(pod);
    match wanted {
        Some(wanted) if own.contains(&wanted) || first.contains(&wanted) => Ok(wanted.to_owned()),
        Some(wanted) => Err(Failure::bad_request(format!("container {wanted} is not valid for pod {name}"))),
        None if own.len() == 1 => Ok(own[0].to_owned()),
        None => {
            let choice = format!("choose one of: [{}]", own.join(" "));
            let initial = if first.is_empty() {
                String::new()
            } else {
                format!(" or one of the init containers: [{}]", first.join(" "))
            };
            let why = format!("a container name must be specified for pod {name}, {choice}{initial}");
            Err(Failure::bad_request(why))
        }
    }
}

fn refusal(error: LogError) -> Failure {
    match error {
        LogError::NotThere(_) => Failure::bad_request(error.to_string()),
        LogError::NoRunner => Failure::unavailable(error.to_string()),
        LogError::Unreadable(_) => Failure::internal(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_of_several_containers_needs_a_name() {
        let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
        assert_eq!(container(&pod, Some("b")).ok().as_deref(), Some("b"));
        let failure = container(&pod, None).expect_err("two");
        assert_eq!(
            failure.to_status()["message"],
            "a container name must be specified for pod p, choose one of: [a b]"
        );
        let failure = container(&pod, Some("c")).expect_err("none");
        assert_eq!(failure.to_status()["message"], "container c is not valid for pod p");
    }

    #[test]
    fn the_options_of_a_log_are_read() {
        let now = "2026-01-01T00:01:00Z".parse().expect("a time");
        let read = options("p", &Query::parse("follow=true&tailLines=5&sinceSeconds=60&limitBytes=9"), now)
            .expect("options");
        let since = Some("2026-01-01T00:00:00Z".parse().expect("a time"));
        let expected = LogOptions {
            follow: true,
            tail_lines: Some(5),
            since,
            limit_bytes: Some(9),
            ..LogOptions::default()
        };
        assert_eq!(read, expected);
        for query in ["tailLines=-1", "limitBytes=0", "sinceSeconds=5&sinceTime=2026-01-01T00:00:00Z"] {
            assert_eq!(
                options("p", &Query::parse(query), now).expect_err(query).code().as_u16(),
                422,
                "{query}"
            );
        }
    }
}

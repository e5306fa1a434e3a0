//! What the fields of a Route for HTTP do to traffic, declared with kubectl and met on every node.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use e2e::http::{Connection, Response};
use e2e::platform::{ADDITIONAL_PORT, CLUSTER, DOMAIN, SYSTEM, WAIT};
use e2e::{Backend, Call, Operator, Platform, Tenant, Trust, eventually, http, unique};
use http_body_util::Full;

/// An App with these replicas and a Route of these fields; returns the App's name and the Route's host.
async fn app_with(tenant: &Tenant, replicas: u8, fields: &str) -> Result<(String, String)> {
    let (app, _) =
        tenant.app("www", &format!("{{image: a, processes: {{web: {{replicas: {replicas}}}}}}}")).await?;
    let host = format!("{}.{DOMAIN}", unique("fields"));
    route(tenant, &app, &host, fields).await?;
    Ok((app, host))
}

async fn route(tenant: &Tenant, app: &str, host: &str, fields: &str) -> Result<()> {
    let spec = format!("{{app: {app}, http: {{host: {host}, {fields}}}}}");
    tenant.declare("route", "fields", &spec).await?;
    tenant.ready("route/fields").await
}

/// The server of an App's first replica.
async fn backend(platform: &Platform, tenant: &Tenant, app: &str) -> Result<Arc<Backend>> {
    Ok(first_replica(platform, tenant, app).await?.1)
}

/// The name of an App's first replica, and its server.
async fn first_replica(platform: &Platform, tenant: &Tenant, app: &str) -> Result<(String, Arc<Backend>)> {
    let label = format!("flynn.io/app={app}");
    let pod =
        tenant.kubectl.ok(&["get", "pods", "-l", &label, "-o", "jsonpath={.items[0].metadata.name}"]).await?;
    let backends = platform.bed().pods().backends(&tenant.namespace, &pod);
    Ok((pod, backends.into_iter().next().context("the Pod runs")?))
}

/// The Pods that twenty requests to a node meet.
async fn pods_met(platform: &Platform, node: &Operator, host: &str) -> Result<BTreeSet<String>> {
    let mut met = BTreeSet::new();
    for _ in 0..20 {
        let answer = platform.https(node, host, "/").await?;
        ensure!(answer.status == 200, "{}", answer.status);
        met.insert(pod(&answer));
    }
    Ok(met)
}

/// A request over HTTPS with a cookie, or with a body.
async fn ask(
    platform: &Platform,
    node: &Operator,
    host: &str,
    cookie: Option<&str>,
    body: Bytes,
) -> Result<Response> {
    let trust = Trust::Authority(platform.authority().pem());
    let request = ::http::Request::builder().method(if body.is_empty() { "GET" } else { "POST" }).uri("/");
    let request = request.header("host", host);
    let request = cookie.into_iter().fold(request, |request, cookie| request.header("cookie", cookie));
    Connection::open_tls(node.https()?, Some(host), trust).await?.send(request.body(Full::new(body))?).await
}

fn pod(answer: &Response) -> String {
    answer.text().lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_client_stays_with_a_replica_on_every_node() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("sticky").await?;
    let (_, host) = app_with(&tenant, 2, "sticky: true").await?;
    let system = Tenant::of(platform.bed(), SYSTEM).await?;
    let key = eventually("the routers share a key", WAIT, || async {
        let key = system.kubectl.field("secret/flynn-operator-router", ".data.cookieKey").await?;
        ensure!(!key.is_empty(), "it is empty");
        Ok(key)
    })
    .await?;
    // A cookie of one node is understood by the other once both have the key.
    eventually("ten requests to each node meet one replica", WAIT, || async {
        let first = ask(&platform, &platform.nodes()[0], &host, None, Bytes::new()).await?;
        let cookie = first.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        ensure!(cookie.starts_with("_backend="), "{:?}", first.headers);
        for node in platform.nodes() {
            for _ in 0..10 {
                let answer = ask(&platform, node, &host, Some(&cookie), Bytes::new()).await?;
                ensure!(pod(&answer) == pod(&first), "{} after {}", pod(&answer), pod(&first));
                ensure!(answer.header("set-cookie").is_empty(), "{:?}", answer.headers);
            }
        }
        Ok(())
    })
    .await?;
    for path in platform.written()? {
        let text = std::fs::read_to_string(&path)?;
        ensure!(!text.contains(&key), "{} has the key", path.display());
    }
    Ok(())
}

#[tokio::test]
async fn browsers_are_told_to_use_https() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("hsts").await?;
    let (_, host) = app_with(&tenant, 1, "hsts: {maxAgeSeconds: 31536000, includeSubdomains: true}").await?;
    for node in platform.nodes() {
        let answer = platform.https(node, &host, "/").await?;
        let told = answer.header("strict-transport-security");
        ensure!(told == "max-age=31536000; includeSubDomains", "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn clients_of_other_networks_are_refused() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("clients").await?;
    let (app, host) = app_with(&tenant, 1, "clients: [192.0.2.0/24]").await?;
    platform.serves(&host, "/", 403, "").await?;
    route(&tenant, &app, &host, "clients: [127.0.0.0/8]").await?;
    platform.serves(&host, "/", 200, "pod=").await
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("body").await?;
    let (_, host) = app_with(&tenant, 1, "maxBodyBytes: 1000").await?;
    for node in platform.nodes() {
        for (size, status) in [(1000, 200), (1001, 413)] {
            let answer = ask(&platform, node, &host, None, vec![b'x'; size].into()).await?;
            ensure!(answer.status == status, "{size} bytes: {}", answer.status);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_response_that_does_not_begin_in_time_is_given_up() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("timeout").await?;
    let (app, host) = app_with(&tenant, 1, "timeouts: {responseSeconds: 1}").await?;
    let backend = backend(&platform, &tenant, &app).await?;
    backend.hold();
    platform.serves(&host, "/", 503, "").await?;
    backend.release();
    platform.serves(&host, "/", 200, "pod=").await
}

#[tokio::test]
async fn an_endpoint_gets_no_more_requests_at_once_than_declared() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("load").await?;
    let (app, host) = app_with(&tenant, 1, "maxInFlightPerEndpoint: 1").await?;
    let backend = backend(&platform, &tenant, &app).await?;
    let node = &platform.nodes()[0];
    backend.hold();
    let before = backend.requests();
    let held = ask(&platform, node, &host, None, Bytes::new());
    let others = async {
        eventually("the first request is with the app", WAIT, || async {
            ensure!(backend.requests() > before, "not yet");
            Ok(())
        })
        .await?;
        let refused = platform.https(node, &host, "/").await?;
        backend.release();
        ensure!(refused.status == 503, "{}", refused.status);
        Ok(())
    };
    let (held, others) = tokio::join!(held, others);
    others?;
    ensure!(held?.status == 200);
    Ok(())
}

#[tokio::test]
async fn a_route_with_a_port_is_served_there_and_nowhere_else() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("additional").await?;
    let (app, host) = app_with(&tenant, 1, &format!("port: {ADDITIONAL_PORT}")).await?;
    for node in platform.nodes() {
        let there = SocketAddr::new(node.http()?.ip(), ADDITIONAL_PORT);
        let answer = http::get(there, &host, "/").await?;
        ensure!(answer.status == 200, "{}", answer.status);
        ensure!(http::get(node.http()?, &host, "/").await?.status == 404);
    }
    let spec = format!("{{app: {app}, http: {{host: {host}, port: 9}}}}");
    tenant.declare("route", "unheard", &spec).await?;
    let message = tenant.condition("route/unheard", "Programmed", "False NodeFault").await?;
    ensure!(message.contains("--additional-http-ports 9"), "{message}");
    Ok(())
}

#[tokio::test]
async fn the_routers_tell_on_the_status_host_how_they_are() -> Result<()> {
    let platform = Platform::shared().await?;
    let host = format!("status.{DOMAIN}");
    platform.serves(&host, "/", 200, "healthy").await?;
    for node in platform.nodes() {
        let plain = http::get(node.http()?, &host, "/").await?;
        ensure!(plain.status == 200, "{}: a load balancer follows no redirect", plain.status);
    }
    Ok(())
}

#[tokio::test]
async fn the_page_of_a_503_and_the_rule_for_browsers_are_the_clusters() -> Result<()> {
    let platform = Platform::alone().await?;
    let tenant = platform.tenant("page").await?;
    let host = format!("{}.{DOMAIN}", unique("page"));
    tenant
        .declare("route", "page", &format!("{{service: {{name: absent}}, http: {{host: {host}}}}}"))
        .await?;
    platform.serves(&host, "/", 503, "Service Unavailable").await?;
    let router = "  router: {unavailablePage: '<p>back soon</p>', hsts: {maxAgeSeconds: 60}}";
    platform.bed().kubectl("default").apply(&format!("{CLUSTER}{router}\n")).await?;
    let served = async {
        platform.serves(&host, "/", 503, "<p>back soon</p>").await?;
        platform.serves(&host, "/", 503, "max-age=60").await
    }
    .await;
    platform.bed().kubectl("default").apply(CLUSTER).await?;
    served?;
    platform.serves(&host, "/", 503, "Service Unavailable").await
}

#[tokio::test]
async fn an_app_that_speaks_http_2_takes_calls_with_trailers_and_clients_of_http_1() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("h2c").await?;
    let (_, host) = tenant.app("grpc", "{image: a, processes: {web: {protocol: H2C}}}").await?;
    let trust = Trust::Authority(platform.authority().pem());
    for node in platform.nodes() {
        let mut call = Call::begin(node.https()?, &host, "/call", trust).await?;
        for message in ["one", "two"] {
            call.say(message)?;
            ensure!(call.hear().await? == message, "each message is answered before the next one");
        }
        let trailers = call.end().await?;
        ensure!(trailers.get("grpc-status").is_some_and(|status| status == "0"), "{trailers:?}");
        let answer = platform.https(node, &host, "/").await?;
        // An absolute target is what a server of HTTP/2 sees, and only that.
        let seen = format!("path=http://{host}/");
        ensure!(answer.status == 200 && answer.text().contains(&seen), "{}", answer.text());
    }
    Ok(())
}

#[tokio::test]
async fn an_endpoint_that_fails_its_health_check_gets_no_requests_until_it_is_well_again() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("health").await?;
    let check = "healthCheck: {path: /health, intervalSeconds: 1, unhealthyAfter: 1}";
    let (app, host) = app_with(&tenant, 2, check).await?;
    let (name, backend) = first_replica(&platform, &tenant, &app).await?;
    let line = format!("pod={name}");
    for (well, replicas) in [(true, 2), (false, 1), (true, 2)] {
        backend.set_well(well);
        for node in platform.nodes() {
            eventually(&format!("{replicas} replicas get requests"), WAIT, || async {
                let met = pods_met(&platform, node, &host).await?;
                ensure!(met.len() == replicas && met.contains(&line) == well, "{met:?}");
                Ok(())
            })
            .await?;
        }
    }
    Ok(())
}

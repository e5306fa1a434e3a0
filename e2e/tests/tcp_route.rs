//! Routes for TCP: a port on every node, passed on byte for byte.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use e2e::platform::WAIT;
use e2e::{Platform, Tenant, eventually, http};

async fn app(tenant: &Tenant) -> Result<String> {
    Ok(tenant.app("db", "{image: a, processes: {web: {replicas: 1}}}").await?.0)
}

/// Waits until the App answers on this port of every node. It speaks HTTP, which is bytes as good as any.
async fn answers(platform: &Platform, port: u16, app: &str) -> Result<()> {
    for node in platform.nodes() {
        let address = SocketAddr::new(node.http()?.ip(), port);
        eventually(&format!("{app} answers on {address}"), WAIT, || async {
            let answer = http::get(address, "any.host", "/").await?.text();
            ensure!(answer.contains(&format!("pod={app}-")) && answer.contains("host=any.host"), "{answer}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

async fn port_of(tenant: &Tenant, route: &str) -> Result<u16> {
    tenant.ready(&format!("route/{route}")).await?;
    Ok(tenant.kubectl.field(&format!("route/{route}"), ".status.tcp.port").await?.parse()?)
}

#[tokio::test]
async fn a_route_without_a_port_is_given_one_and_keeps_it() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("tcp").await?;
    let app = app(&tenant).await?;
    for route in ["a", "b"] {
        tenant.declare("route", route, &format!("{{app: {app}, tcp: {{}}}}")).await?;
    }
    let (a, b) = (port_of(&tenant, "a").await?, port_of(&tenant, "b").await?);
    ensure!(a != b && (3000..=3500).contains(&a) && (3000..=3500).contains(&b), "{a} and {b}");
    answers(&platform, a, &app).await?;
    answers(&platform, b, &app).await?;
    tenant.declare("route", "a", &format!("{{app: {app}, tcp: {{clients: [127.0.0.0/8]}}}}")).await?;
    ensure!(port_of(&tenant, "a").await? == a);
    answers(&platform, a, &app).await
}

#[tokio::test]
async fn a_port_belongs_to_the_route_that_had_it_first() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("tcp-claim").await?;
    let (app, port) = (app(&tenant).await?, 21_432);
    let spec = format!("{{app: {app}, tcp: {{port: {port}}}}}");
    tenant.declare("route", "first", &spec).await?;
    tenant.ready("route/first").await?;
    answers(&platform, port, &app).await?;
    tenant.declare("route", "second", &spec).await?;
    let message = tenant.condition("route/second", "Accepted", "False PortClaimed").await?;
    ensure!(message.contains(&format!("{}/first", tenant.namespace)), "{message}");
    tenant.kubectl.ok(&["delete", "route", "first"]).await?;
    tenant.ready("route/second").await?;
    answers(&platform, port, &app).await
}

#[tokio::test]
async fn connections_of_other_networks_are_closed_and_a_route_that_goes_takes_its_port_along() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("tcp-net").await?;
    let (app, port) = (app(&tenant).await?, 21_433);
    let spec = |network: &str| format!("{{app: {app}, tcp: {{port: {port}, clients: [{network}]}}}}");
    tenant.declare("route", "db", &spec("192.0.2.0/24")).await?;
    tenant.ready("route/db").await?;
    for node in platform.nodes() {
        let address = SocketAddr::new(node.http()?.ip(), port);
        ensure!(http::get(address, "any.host", "/").await.is_err(), "{address} answers");
    }
    tenant.declare("route", "db", &spec("127.0.0.0/8")).await?;
    answers(&platform, port, &app).await?;
    tenant.kubectl.ok(&["delete", "route", "db"]).await?;
    for node in platform.nodes() {
        let address = SocketAddr::new(node.http()?.ip(), port);
        eventually(&format!("nobody listens on {address}"), WAIT, || async {
            ensure!(tokio::net::TcpStream::connect(address).await.is_err(), "somebody does");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_port_that_the_machine_does_not_give_is_told_and_taken_once_it_is_free() -> Result<()> {
    let platform = Platform::shared().await?;
    let tenant = platform.tenant("tcp-used").await?;
    let (app, port) = (app(&tenant).await?, 21_434);
    let in_the_way = tokio::net::TcpListener::bind((platform.nodes()[0].http()?.ip(), port)).await?;
    tenant.declare("route", "db", &format!("{{app: {app}, tcp: {{port: {port}}}}}")).await?;
    let message = tenant.condition("route/db", "Programmed", "False NodeFault").await?;
    ensure!(message.contains("node-a") && message.contains("in use"), "{message}");
    drop(in_the_way);
    tenant.ready("route/db").await?;
    answers(&platform, port, &app).await
}

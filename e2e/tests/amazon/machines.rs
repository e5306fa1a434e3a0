//! Played machines: what someone who has an Elastic IP finds there, and what health checkers make of it.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result, ensure};
use aws_sdk_route53::types::{HealthCheckConfig, HealthCheckType};
use e2e::amazon::Port;
use e2e::{Amazon, Backend, eventually, http, ports};

use crate::amazon::{Clients, WAIT, allocate};

/// An instance with an Elastic IP: its id, and the address.
async fn machine(amazon: &Amazon) -> Result<(String, IpAddr)> {
    let ec2 = Clients::of(amazon).ec2;
    let (instance, address) = (amazon.account.run("us-east-1a").await?, allocate(&ec2).await?);
    ec2.associate_address().instance_id(&instance).allocation_id(address).send().await?;
    let ip = amazon.account.address_of(&instance).await?.context("it has an address")?;
    Ok((instance, ip.into()))
}

async fn status(at: SocketAddr, path: &str) -> Result<u16> {
    Ok(http::get(at, "site.test", path).await?.status)
}

#[tokio::test]
async fn a_machine_answers_at_its_address_for_as_long_as_it_has_it() -> Result<()> {
    let amazon = Amazon::start().await?;
    let (instance, ip) = machine(&amazon).await?;
    let at = SocketAddr::new(ip, ports::free()?.port());
    amazon.machines.play(&instance, [Port::answering(at.port())]);
    amazon.machines.settle().await?;
    assert_eq!(status(at, "/.well-known/status").await?, 200);
    assert_eq!(status(at, "/").await?, 404);
    amazon.machines.sicken(&instance);
    assert_eq!(status(at, "/.well-known/status").await?, 503);
    amazon.machines.kill(&instance).await;
    ensure!(status(at, "/").await.is_err(), "a dead machine answers");
    amazon.machines.revive(&instance);
    amazon.machines.settle().await?;
    assert_eq!(status(at, "/.well-known/status").await?, 200);
    amazon.account.terminate(&instance).await?;
    amazon.machines.settle().await?;
    ensure!(status(at, "/").await.is_err(), "the address leads nowhere");
    Ok(())
}

#[tokio::test]
async fn a_machine_leads_to_its_own_servers_and_an_address_that_moves_to_anothers() -> Result<()> {
    let amazon = Amazon::start().await?;
    let ec2 = Clients::of(&amazon).ec2;
    let (first, ip) = machine(&amazon).await?;
    let second = amazon.account.run("us-east-1b").await?;
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let servers = [Backend::start(loopback, "first").await?, Backend::start(loopback, "second").await?];
    let at = SocketAddr::new(ip, ports::free()?.port());
    for (instance, server) in [&first, &second].into_iter().zip(&servers) {
        amazon.machines.play(instance, [Port::forwarding(at.port(), server.addr())]);
    }
    amazon.machines.settle().await?;
    ensure!(
        http::get(at, "site.test", "/").await?.text().contains("pod=first"),
        "the first one's server answers"
    );
    let address = amazon.account.addresses().await?.remove(0).allocation_id;
    let moved = ec2.associate_address().instance_id(&second).set_allocation_id(address);
    moved.allow_reassociation(true).send().await?;
    amazon.machines.settle().await?;
    ensure!(
        http::get(at, "site.test", "/").await?.text().contains("pod=second"),
        "the second one's server answers"
    );
    Ok(())
}

#[tokio::test]
async fn a_machine_answers_at_its_ipv6_address_too() -> Result<()> {
    let amazon = Amazon::start().await?;
    let instance = amazon.account.run("us-east-1a").await?;
    let at: SocketAddr = "[2001:db8:77::5]:80".parse()?;
    amazon.account.give_ipv6(&instance, &at.ip().to_string()).await?;
    let told = amazon.account.instance(&instance).await?;
    let told = told.network_interfaces()[0].ipv6_addresses()[0].ipv6_address().map(str::to_owned);
    assert_eq!(told, Some(at.ip().to_string()));
    amazon.machines.play(&instance, [Port::answering(at.port())]);
    amazon.machines.settle().await?;
    assert_eq!(status(at, "/.well-known/status").await?, 200);
    Ok(())
}

#[tokio::test]
async fn health_checkers_see_a_machine_die_and_come_back() -> Result<()> {
    let amazon = Amazon::start().await?;
    let route53 = Clients::of(&amazon).route53;
    let (instance, ip) = machine(&amazon).await?;
    let port = ports::free()?.port();
    amazon.machines.play(&instance, [Port::answering(port)]);
    let config = HealthCheckConfig::builder().r#type(HealthCheckType::Http).ip_address(ip.to_string());
    let config = config.port(port.into()).resource_path("/.well-known/status").build()?;
    let create = route53.create_health_check().caller_reference("1").health_check_config(config);
    let check = create.send().await?.health_check.context("it was made")?.id;
    let told = async |expected: &str| {
        eventually(expected, WAIT, || async {
            let status = route53.get_health_check_status().health_check_id(&check).send().await?;
            let first = status.health_check_observations().first().and_then(|seen| seen.status_report());
            let text = first.and_then(|report| report.status()).unwrap_or_default();
            ensure!(text.starts_with(expected), "it is {text:?}");
            Ok(())
        })
        .await
    };
    told("Success").await?;
    amazon.machines.kill(&instance).await;
    told("Failure").await?;
    amazon.machines.revive(&instance);
    told("Success").await
}

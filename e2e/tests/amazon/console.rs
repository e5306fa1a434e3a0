//! Orders to the doubles, as a person or a script gives them.

use std::collections::BTreeSet;
use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use e2e::amazon::{Console, Port};
use e2e::{Amazon, eventually, http, ports};

use crate::amazon::{Clients, WAIT, allocate};

#[tokio::test]
async fn orders_change_the_machines_and_tell_how_the_account_is() -> Result<()> {
    let amazon = Rc::new(Amazon::start().await?);
    let port = ports::free()?.port();
    let mut console = Console::new(Rc::clone(&amazon), [Port::answering(port)]);
    let instance = console.obey("run us-east-1a").await?.pop().context("it tells the instance")?;
    console.name("first", &instance);
    let ec2 = Clients::of(&amazon).ec2;
    let address = allocate(&ec2).await?;
    ec2.associate_address().instance_id(&instance).allocation_id(address).send().await?;
    let told = console.obey("addresses").await?.join("\n");
    let ip = told.strip_suffix(&format!(" {instance}")).with_context(|| told.clone())?;
    let at = format!("{ip}:{port}").parse()?;

    for (order, status) in [("revive first", 200), ("sicken all", 503), ("revive all", 200)] {
        console.obey(order).await?;
        eventually(order, WAIT, || async {
            let answer = http::get(at, ip, "/.well-known/status").await?;
            ensure!(answer.status == status, "{answer:?}");
            Ok(())
        })
        .await?;
    }
    console.obey("kill first").await?;
    ensure!(http::get(at, ip, "/.well-known/status").await.is_err(), "it has no power");

    let calls: BTreeSet<_> = console.obey("calls").await?.into_iter().collect();
    ensure!(calls.contains("    1 ec2:AssociateAddress"), "{calls:?}");
    ensure!(console.obey("calls").await?.is_empty(), "they are told once");
    console.obey("terminate first").await?;
    assert_eq!(console.obey("addresses").await?, [format!("{ip} -")]);
    Ok(())
}

#[tokio::test]
async fn dig_tells_what_the_name_server_answers_and_other_words_are_refused() -> Result<()> {
    let amazon = Rc::new(Amazon::start().await?);
    amazon.route53.create_zone("site.test")?;
    let mut console = Console::new(amazon, []);
    let answer = console.obey("dig site.test SOA").await?;
    ensure!(answer.len() == 1 && answer[0].contains("awsdns"), "{answer:?}");
    assert_eq!(console.obey("dig site.test").await?, [""; 0]);
    for order in ["reboot all", "dig", "kill i-0123456789abcdef0", "dig site.test NOTHING"] {
        ensure!(console.obey(order).await.is_err(), "{order}");
    }
    Ok(())
}

//! Orders to the doubles by a person or a script: a line of words comes in, is carried out, and lines of an answer go out.
//!
//! It is what the AWS console, the machine's power button and `dig` are to somebody who has real ones. Machines are named by
//! their instance ids, or by the names that were given to them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use aws_sdk_ec2::types::Address;
use hickory_proto::rr::RecordType;
use route53_double::query::ask;
use tokio::sync::mpsc;

use super::{Amazon, Port};

/// What can be said.
const WORDS: &str = "dig NAME [TYPE] | calls | addresses | enforce | run ZONE | kill, sicken, revive or terminate MACHINE or `all`";

/// The lines of standard input. A thread reads them, because a program that waits for one in its async runtime cannot end before
/// it comes.
#[must_use]
pub fn orders() -> mpsc::Receiver<String> {
    let (sender, orders) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut lines = std::io::stdin().lines().map_while(Result::ok);
        lines.all(|line| sender.blocking_send(line).is_ok())
    });
    orders
}

/// The hands of whoever plays with an account. Machines that it runs have the same ports as the first ones.
pub struct Console {
    amazon: Rc<Amazon>,
    ports: Vec<Port>,
    machines: BTreeSet<String>,
    names: BTreeMap<String, String>,
}

impl Console {
    /// For an account in which no machine is played yet.
    #[must_use]
    pub fn new(amazon: Rc<Amazon>, ports: impl IntoIterator<Item = Port>) -> Self {
        let ports = ports.into_iter().collect();
        Self { amazon, ports, machines: BTreeSet::new(), names: BTreeMap::new() }
    }

    /// Runs and plays a machine in an availability zone such as `us-east-1a`, and returns its instance id.
    ///
    /// # Errors
    /// When EC2 refuses.
    pub async fn run(&mut self, zone: &str) -> Result<String> {
        let instance = self.amazon.account.run(zone).await?;
        self.amazon.machines.play(&instance, self.ports.iter().copied());
        self.machines.insert(instance.clone());
        Ok(instance)
    }

    /// Has a machine answer to one more name.
    pub fn name(&mut self, name: &str, instance: &str) {
        self.names.insert(name.to_owned(), instance.to_owned());
    }

    /// Carries out one order.
    ///
    /// # Errors
    /// When it is none, or a double refuses.
    pub async fn obey(&mut self, line: &str) -> Result<Vec<String>> {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [] => Ok(Vec::new()),
            ["dig", name] => self.dig(name, "A").await,
            ["dig", name, kind] => self.dig(name, kind).await,
            ["calls"] => Ok(self.calls()),
            ["addresses"] => self.addresses().await,
            ["enforce"] => {
                self.amazon.heed_policies();
                Ok(Vec::new())
            }
            ["run", zone] => Ok(vec![self.run(zone).await?]),
            [verb @ ("kill" | "sicken" | "revive" | "terminate"), machine] => {
                self.change(verb, machine).await
            }
            _ => bail!("it is none of: {WORDS}"),
        }
    }

    /// What the name server of Route 53 answers, as `dig +short` prints it.
    async fn dig(&self, name: &str, kind: &str) -> Result<Vec<String>> {
        let kind: RecordType = kind.parse().ok().with_context(|| format!("no type is called {kind}"))?;
        let answer = ask(self.amazon.route53.dns(), name, kind).await?;
        Ok(answer.answers.iter().map(|record| record.data.to_string()).collect())
    }

    /// The calls by action since somebody last asked.
    fn calls(&self) -> Vec<String> {
        let calls = self.amazon.proxy.calls_by_action();
        self.amazon.proxy.forget_calls();
        calls.into_iter().map(|(action, count)| format!("{count:5} {action}")).collect()
    }

    /// Every Elastic IP, and the instance that has it.
    async fn addresses(&self) -> Result<Vec<String>> {
        let addresses = self.amazon.account.addresses().await?;
        let told = |address: &Address| {
            let of = |text: Option<&str>| text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned();
            format!("{} {}", of(address.public_ip()), of(address.instance_id()))
        };
        Ok(addresses.iter().map(told).collect())
    }

    async fn change(&mut self, verb: &str, machine: &str) -> Result<Vec<String>> {
        let machine = self.names.get(machine).map_or(machine, String::as_str);
        let chosen: BTreeSet<String> =
            self.machines.iter().filter(|id| machine == "all" || *id == machine).cloned().collect();
        if chosen.is_empty() {
            bail!("there is no machine {machine}");
        }
        for instance in &chosen {
            match verb {
                "kill" => self.amazon.machines.kill(instance).await,
                "sicken" => self.amazon.machines.sicken(instance),
                "revive" => self.amazon.machines.revive(instance),
                _ => {
                    self.amazon.account.terminate(instance).await?;
                    self.machines.remove(instance);
                }
            }
        }
        self.amazon.machines.settle().await?;
        Ok(Vec::new())
    }
}

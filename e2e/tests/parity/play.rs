//! One topic on one server: its steps are taken in their order, and what each printed is kept, normalised.

use std::collections::HashMap;
use std::fs::{create_dir_all, write};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use regex::{Captures, Regex};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::command::{self, Background, Output, Programs};
use crate::normal;
use crate::request::{self, Answer};
use crate::script::{Action, Lines, Patience, Step, Topic};
use crate::server::Server;

/// How long a step is repeated until it prints what it is expected to print.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// The headers of an answer that are compared.
const HEADERS: [&str; 6] =
    ["content-type", "warning", "allow", "accept-patch", "retry-after", "www-authenticate"];

/// What came of one step.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) title: String,
    pub(crate) source: String,
    pub(crate) lines: Vec<String>,
}

/// What a step printed, before it is normalised.
#[derive(Default)]
struct Printed {
    head: Vec<String>,
    stdout: String,
    stderr: String,
    code: i32,
}

struct Stage<'a> {
    server: &'a Server,
    programs: &'a Programs,
    namespace: &'a str,
    folder: PathBuf,
    variables: HashMap<String, String>,
    background: Option<Background>,
    last: String,
}

/// Takes the steps of a topic in a new namespace of its name.
pub(crate) async fn play(topic: &Topic, server: &Server, programs: &Programs) -> Result<Vec<Outcome>> {
    let folder = server.folder.join(&topic.name);
    create_dir_all(&folder)?;
    server.write_kubeconfig(&folder.join("kubeconfig"), &topic.name)?;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": topic.name}});
    let made =
        request::send(server, ("POST", "/api/v1/namespaces"), &[], namespace.to_string(), None).await?;
    ensure!(made.status == 201, "namespace {}: {}", topic.name, made.body);
    let mut stage = Stage {
        server,
        programs,
        namespace: &topic.name,
        folder,
        variables: HashMap::new(),
        background: None,
        last: String::new(),
    };
    let mut outcomes = Vec::new();
    for step in &topic.steps {
        let taken = stage.take(step).await;
        let taken = taken.unwrap_or_else(|error| Some((step.title.clone(), vec![format!("[{error:#}]")])));
        outcomes.extend(taken.map(|(title, lines)| Outcome { title, source: step.source.clone(), lines }));
    }
    Ok(outcomes)
}

impl Stage<'_> {
    /// Takes a step; its title and lines, if it is one that is compared.
    async fn take(&mut self, step: &Step) -> Result<Option<(String, Vec<String>)>> {
        match &step.action {
            Action::File { path, text } => {
                let path = self.folder.join(path);
                create_dir_all(path.parent().context("a file is in a folder")?)?;
                write(path, self.filled(text))?;
                Ok(None)
            }
            Action::Capture { variable, pointer } => {
                let value = captured(&self.last, pointer.as_deref());
                self.variables.insert(variable.clone(), value);
                Ok(None)
            }
            Action::Finish { lines } => {
                let background = self.background.take().context("nothing runs in the background")?;
                let title = format!("{} (to its end)", background.title);
                let printed = Printed::from(background.finish(*lines).await?);
                Ok(Some((title, self.normal(&printed, step.lines))))
            }
            Action::Command { words, .. } if matches!(step.patience, Patience::Background(_)) => {
                let Patience::Background(lines) = step.patience else { unreachable!() };
                let words: Vec<_> = words.iter().map(|word| self.filled(word)).collect();
                let command = self.programs.command(&words, &self.folder, self.namespace)?;
                self.background = Some(Background::start(command, &step.title, lines).await?);
                Ok(None)
            }
            action => self.repeat(action, step).await.map(|lines| Some((step.title.clone(), lines))),
        }
    }

    async fn repeat(&mut self, action: &Action, step: &Step) -> Result<Vec<String>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let printed = self.once(action, &step.patience).await?;
            let lines = self.normal(&printed, step.lines);
            let says =
                |text: &str| printed.stdout.contains(text) || lines.iter().any(|line| line.contains(text));
            let enough = match &step.patience {
                Patience::Text(text) => says(text),
                _ => true,
            };
            self.last = printed.stdout;
            match &step.patience {
                Patience::Text(text) if !enough => {
                    if Instant::now() > deadline {
                        return Ok([lines, vec![format!("[waited in vain for: {text}]")]].concat());
                    }
                    sleep(PAUSE).await;
                }
                _ => return Ok(lines),
            }
        }
    }

    async fn once(&self, action: &Action, patience: &Patience) -> Result<Printed> {
        let limit = match patience {
            Patience::Lines(lines) => Some(*lines),
            _ => None,
        };
        match action {
            Action::Command { words, stdin } => {
                let words: Vec<_> = words.iter().map(|word| self.filled(word)).collect();
                let command = self.programs.command(&words, &self.folder, self.namespace)?;
                let output = match limit {
                    Some(lines) => Background::start(command, "", lines).await?.finish(lines).await?,
                    None => command::run(command, &self.filled(stdin)).await?,
                };
                Ok(output.into())
            }
            Action::Request { method, path, headers, body } => {
                let headers: Vec<_> =
                    headers.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect();
                let line = (method.as_str(), &*self.filled(path));
                Ok(request::send(self.server, line, &headers, self.filled(body), limit).await?.into())
            }
            _ => bail!("only commands and requests are repeated"),
        }
    }

    /// The text with the values of its variables.
    fn filled(&self, text: &str) -> String {
        static VARIABLE: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"\$\{([A-Z]+)\}").expect("the pattern is a constant"));
        let value = |found: &Captures<'_>| {
            self.variables.get(&found[1]).cloned().unwrap_or_else(|| found[0].to_owned())
        };
        VARIABLE.replace_all(text, value).into_owned()
    }

    fn normal(&self, printed: &Printed, shown: Lines) -> Vec<String> {
        let own =
            [(self.folder.display().to_string(), "<folder>"), (self.server.url.clone(), "https://<server>")];
        let mut lines = normal::lines(&printed.stdout, &own);
        let mut stderr = normal::lines(&printed.stderr, &own);
        match shown {
            Lines::All => (),
            Lines::Sorted => [&mut lines, &mut stderr].into_iter().for_each(|lines| lines.sort()),
            Lines::Last => lines = lines.split_off(lines.len().saturating_sub(1)),
        }
        let stderr = stderr.into_iter().map(|line| format!("! {line}"));
        let code = (printed.code != 0).then(|| format!("[exit code {}]", printed.code));
        printed.head.iter().cloned().chain(lines).chain(stderr).chain(code).collect()
    }
}

impl From<Output> for Printed {
    fn from(Output { code, stdout, stderr }: Output) -> Self {
        Self { head: Vec::new(), stdout, stderr, code: code.unwrap_or_default() }
    }
}

impl From<Answer> for Printed {
    fn from(answer: Answer) -> Self {
        let status = format!("HTTP {}", answer.status);
        let header = |name: &'static str| {
            let values = answer.headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
            values.map(|value| format!("{name}: {value}")).collect::<Vec<_>>()
        };
        let head = [status].into_iter().chain(HEADERS.into_iter().flat_map(header)).collect();
        Self { head, stdout: answer.body, ..Self::default() }
    }
}

/// A part of JSON, or all of the text.
fn captured(text: &str, pointer: Option<&str>) -> String {
    let Some(pointer) = pointer else { return text.trim().to_owned() };
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

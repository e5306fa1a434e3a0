//! The language of the transcripts in `e2e/parity`: the text of a topic comes in, its steps go out.
//!
//! ```text
//! ## What the next steps are about
//! # what the next step is about: its title; a step without one is called as it is written
//! $ kubectl apply -f - <<EOF          a command: split into arguments as a shell would, but run without one
//! ...                                 its standard input
//! EOF
//! => RV /metadata/resourceVersion     ${RV} is from here on that part of the JSON that the last step printed
//! PATCH /api/v1/namespaces/x/pods/y   a request with the administrator's token; headers, then the body
//! Content-Type: application/json-patch+json
//! [{"op": "remove", "path": "/metadata/labels"}]
//! file chart/Chart.yaml <<EOF         a file in the folder in which the topic's commands run
//! @until TEXT                         the next step is repeated until it prints this
//! @lines N                            the next step is ended after so many lines: a watch
//! @start N                            the next command goes on in the background once it has printed so many lines
//! @finish N                           ends that command when it has printed so many lines in all
//! @sort                               the lines of the next step have no order
//! @last                               of the next step only the last line counts: those before tell of progress
//! ```
//! `{{a*300}}` stands for `a` 300 times.

use std::iter::Peekable;
use std::mem::take;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail, ensure};
use regex::Regex;

/// What is tried on both servers in a namespace of the same name.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug)]
pub(crate) struct Step {
    /// Words that are the same after steps were added before it, and that no other step of the topic has.
    pub(crate) title: String,
    /// The step as it is written.
    pub(crate) source: String,
    pub(crate) action: Action,
    pub(crate) patience: Patience,
    pub(crate) lines: Lines,
}

/// Which lines of an output are compared, and how.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) enum Lines {
    #[default]
    All,
    Sorted,
    Last,
}

#[derive(Debug)]
pub(crate) enum Action {
    Command { words: Vec<String>, stdin: String },
    Request { method: String, path: String, headers: Vec<(String, String)>, body: String },
    File { path: String, text: String },
    Capture { variable: String, pointer: Option<String> },
    Finish { lines: usize },
}

/// When a step is over.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) enum Patience {
    #[default]
    End,
    Text(String),
    Lines(usize),
    Background(usize),
}

static HEADER: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([A-Z][A-Za-z-]*): ?(.*)$"));
static NEXT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^($|#|\$ |=> |@|file |[A-Z]+ /)"));
static REPEAT: LazyLock<Regex> = LazyLock::new(|| pattern(r"\{\{(.+?)\*(\d+)\}\}"));

impl Topic {
    /// Reads a transcript.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self> {
        let mut reader = Reader {
            lines: text.lines().peekable(),
            title: None,
            patience: Patience::End,
            shown: Lines::All,
        };
        let mut steps: Vec<Step> = Vec::new();
        while let Some(line) = reader.lines.next() {
            let step = reader.step(line).with_context(|| format!("{name}: {line}"))?;
            steps.extend(step);
        }
        tell_apart(&mut steps);
        Ok(Self { name: name.to_owned(), steps })
    }
}

impl Action {
    /// Whether what comes of it is compared, so that it counts as a step.
    pub(crate) fn is_shown(&self) -> bool {
        matches!(self, Self::Command { .. } | Self::Request { .. } | Self::Finish { .. })
    }
}

struct Reader<'a> {
    lines: Peekable<std::str::Lines<'a>>,
    title: Option<String>,
    patience: Patience,
    shown: Lines,
}

impl Reader<'_> {
    fn step(&mut self, line: &str) -> Result<Option<Step>> {
        if let Some(comment) = line.strip_prefix("# ") {
            self.title = Some(comment.trim().to_owned());
            return Ok(None);
        }
        if line.trim().is_empty() || line.starts_with('#') {
            self.title = None;
            return Ok(None);
        }
        let Some(action) = self.action(line)? else { return Ok(None) };
        let title = match self.title.take() {
            Some(title) if action.is_shown() => title,
            _ => line.trim_start_matches("$ ").to_owned(),
        };
        let (patience, lines) = (take(&mut self.patience), take(&mut self.shown));
        Ok(Some(Step { title, source: line.to_owned(), action, patience, lines }))
    }

    fn action(&mut self, line: &str) -> Result<Option<Action>> {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match first {
            "$" => self.command(rest).map(Some),
            "=>" => capture(rest).map(Some),
            "file" => self.file(rest).map(Some),
            "@finish" => Ok(Some(Action::Finish { lines: rest.parse()? })),
            word if word.starts_with('@') => self.modify(word, rest).map(|()| None),
            method if method.bytes().all(|byte| byte.is_ascii_uppercase()) && rest.starts_with('/') => {
                Ok(Some(self.request(method, rest)))
            }
            _ => bail!("neither a command, a request nor a comment"),
        }
    }

    fn modify(&mut self, word: &str, rest: &str) -> Result<()> {
        match word {
            "@until" => self.patience = Patience::Text(rest.to_owned()),
            "@lines" => self.patience = Patience::Lines(rest.parse()?),
            "@start" => self.patience = Patience::Background(rest.parse()?),
            "@sort" => self.shown = Lines::Sorted,
            "@last" => self.shown = Lines::Last,
            _ => bail!("no such word"),
        }
        Ok(())
    }

    fn command(&mut self, line: &str) -> Result<Action> {
        let (line, stdin) = self.here_document(line)?;
        let words = shlex::split(&repeated(line)).context("quotes are not closed")?;
        Ok(Action::Command { words, stdin })
    }

    fn file(&mut self, line: &str) -> Result<Action> {
        let (path, text) = self.here_document(line)?;
        Ok(Action::File { path: path.trim().to_owned(), text })
    }

    fn request(&mut self, method: &str, path: &str) -> Action {
        let (mut headers, mut body) = (Vec::new(), String::new());
        while let Some(line) = self.lines.next_if(|line| !NEXT.is_match(line)) {
            match HEADER.captures(line) {
                Some(header) if body.is_empty() => headers.push((header[1].to_owned(), header[2].to_owned())),
                _ => body.extend([line, "\n"]),
            }
        }
        let body = repeated(body.trim_end());
        Action::Request { method: method.to_owned(), path: repeated(path), headers, body }
    }

    /// Cuts `<<EOF` off, and takes the lines up to `EOF`.
    fn here_document<'a>(&mut self, line: &'a str) -> Result<(&'a str, String)> {
        let Some(line) = line.strip_suffix("<<EOF") else { return Ok((line, String::new())) };
        let mut text = String::new();
        loop {
            match self.lines.next().context("EOF is missing")? {
                "EOF" => return Ok((line, repeated(&text))),
                more => text.extend([more, "\n"]),
            }
        }
    }
}

fn capture(line: &str) -> Result<Action> {
    let (variable, pointer) = match line.split_once(' ') {
        Some((variable, pointer)) => (variable, Some(pointer.trim().to_owned())),
        None => (line, None),
    };
    ensure!(!variable.is_empty(), "which variable?");
    Ok(Action::Capture { variable: variable.to_owned(), pointer })
}

fn repeated(text: &str) -> String {
    let times = |count: &str| count.parse().unwrap_or_default();
    REPEAT.replace_all(text, |found: &regex::Captures<'_>| found[1].repeat(times(&found[2]))).into_owned()
}

/// Numbers the steps that have the same title.
fn tell_apart(steps: &mut [Step]) {
    let mut seen = std::collections::HashMap::new();
    for step in steps.iter_mut().filter(|step| step.action.is_shown()) {
        let times = seen.entry(step.title.clone()).or_insert(0);
        *times += 1;
        if *times > 1 {
            step.title = format!("{} ({times})", step.title);
        }
    }
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_read_as_it_is_written() -> Result<()> {
        let text = "## Words.\n\n# it is made\n$ kubectl apply -f - --as='a b' <<EOF\na: {{x*3}}\nEOF\n=> RV /metadata/x\n\
                    @until Gone\nPUT /api/a?x=${RV}\nAccept: text/plain\n{\"a\":\n1}\n$ kubectl get a\n$ kubectl get a\n";
        let topic = Topic::parse("topic", text)?;
        let titles: Vec<_> = topic.steps.iter().map(|step| step.title.as_str()).collect();
        let expected =
            ["it is made", "=> RV /metadata/x", "PUT /api/a?x=${RV}", "kubectl get a", "kubectl get a (2)"];
        assert_eq!(titles, expected);
        let Action::Command { words, stdin } = &topic.steps[0].action else { bail!("a command") };
        assert_eq!(words.join("|"), "kubectl|apply|-f|-|--as=a b");
        assert_eq!(stdin, "a: xxx\n");
        let Action::Request { method, path, headers, body } = &topic.steps[2].action else {
            bail!("a request")
        };
        assert_eq!((method.as_str(), path.as_str(), body.as_str()), ("PUT", "/api/a?x=${RV}", "{\"a\":\n1}"));
        assert_eq!(headers, &[("Accept".to_owned(), "text/plain".to_owned())]);
        assert_eq!(topic.steps[2].patience, Patience::Text("Gone".to_owned()));
        Ok(())
    }

    #[test]
    fn what_is_no_step_is_refused() {
        assert!(Topic::parse("topic", "kubectl get pods").is_err());
        assert!(Topic::parse("topic", "$ kubectl get 'pods").is_err());
        assert!(Topic::parse("topic", "$ kubectl apply <<EOF\na").is_err());
        assert!(Topic::parse("topic", "@sometimes").is_err());
    }
}

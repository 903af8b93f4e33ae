//! Scenes of load on a control plane of their own: what is counted, and ratios within one run. Times differ between
//! machines and are printed, never asserted.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

use crate::report::say;

mod bare;
mod calls;
mod cluster;
mod controller;
mod many;
mod scenes;
mod siege;

/// Runs a scene by its name: `SCENE [--objects N] [--foreign N] [--controller PATH]`.
///
/// # Errors
/// A command line that names none, or what went wrong.
pub async fn run(args: &[String]) -> Result<()> {
    let Some((name, rest)) = args.split_first() else { bail!("{}", usage()) };
    let options = Options::read(rest)?;
    match name.as_str() {
        "cold-start" => scenes::cold_start(&options).await,
        "keys" => scenes::keys(&options).await,
        "restart" => scenes::restart(&options).await,
        "backlog" => scenes::backlog(&options).await,
        "memory" => scenes::memory(&options).await,
        "hostile" => scenes::hostile(&options).await,
        "hundred-thousand" => many::run(&options).await,
        "siege" => siege::run(&options).await,
        _ => bail!("there is no scene `{name}`\n{}", usage()),
    }
}

fn usage() -> String {
    "usage: cargo load SCENE [--objects N] [--foreign N] [--changes N] [--parts N] [--controller PATH]\n\
     scenes:\n  \
     cold-start  many new objects and one key, beside a bare program that makes the same calls\n  \
     keys        new objects under 24 keys: written in the keys' times, restored by namespace, restored in any order\n  \
     restart     many objects in sync, and the controller anew\n  \
     backlog     new objects while many others wait\n  \
     memory      many objects, many foreign Secrets, many changes\n  \
     hostile     one object with 2,000 values that no key opens, and 24 keys, beside honest ones\n  \
     hundred-thousand  very many objects applied in parts, and restarts with and without a checkpoint\n  \
     siege       costly posts, connections that never end, huge objects and endless templates at once, beside honest ones"
        .to_owned()
}

/// What a scene may be told.
#[derive(Debug, Default)]
struct Options {
    numbers: BTreeMap<String, usize>,
    controller: Option<String>,
}

impl Options {
    fn read(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        for pair in args.chunks(2) {
            let [flag, value] = pair else { bail!("`{}` needs a value", pair.join(" ")) };
            match flag.strip_prefix("--") {
                Some("controller") => options.controller = Some(value.clone()),
                Some(name @ ("objects" | "foreign" | "changes" | "parts")) => {
                    let number = value.parse().with_context(|| format!("--{name} {value} is no number"))?;
                    options.numbers.insert(name.to_owned(), number);
                }
                _ => bail!("unknown flag `{flag}`\n{}", usage()),
            }
        }
        Ok(options)
    }

    fn number(&self, name: &str, default: usize) -> usize {
        self.numbers.get(name).copied().unwrap_or(default)
    }
}

/// Prints one figure.
fn figure(name: &str, value: impl std::fmt::Display) {
    say(&format!("  {name:<44} {value}"));
}

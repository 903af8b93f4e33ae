//! Whether corrupted answers show a value: runs after all others behind the corrupting proxy, and searches what the
//! controllers logged and published meanwhile for every value that passed through it.

use anyhow::{Context as _, Result, ensure};
use sealer_core::Scope;
use sealer_tests::faults::Proxy;
use sealer_tests::faults::corruption::{AnswerKind, Corruption};
use sealer_tests::faults::rule::{Fault, Refusal, Rule, Times};
use sealer_tests::report::say;

use crate::scene::Scene;

pub(crate) async fn corrupted_answers_show_no_value_anywhere(scene: Scene) -> Result<()> {
    let proxy = scene.suite.proxy.as_ref().context("there is no proxy")?;
    let steady = proxy.steady().context("nothing is corrupted")?;
    let mut round = 0;
    while !is_enough(&steady.corruption) {
        round += 1;
        ensure!(round <= MOST_ROUNDS, "too little is corrupted: {}", table(&steady.corruption));
        make_traffic(&scene, round).await?;
        list_again(proxy);
        if round.is_multiple_of(5) {
            scene.without_controller(async || Ok(())).await?;
        }
    }
    let everything = everything(&scene).await?;
    say(&format!(
        "corrupted, by kind and manner:\n{}{} canaries, {} bytes of logs, events, statuses and metrics, {round} rounds more",
        table(&steady.corruption),
        steady.canaries.count(),
        everything.len(),
    ));
    ensure!(steady.canaries.count() >= 100, "there are too few values to look for");
    ensure!(everything.contains("cannot be read"), "nothing that was corrupted is told");
    let shown = steady.canaries.shown_in(&everything)?;
    ensure!(shown.is_empty(), "{} values are shown, and first in these lines:\n{shown:#?}", shown.len());
    Ok(())
}

/// Whether every kind of answer was corrupted often, and in every manner that changes it.
fn is_enough(corruption: &Corruption) -> bool {
    let corrupted = corruption.corrupted();
    AnswerKind::ALL.iter().all(|kind| {
        let manners = corrupted.get(kind);
        manners.is_some_and(|manners| manners.len() >= MANNERS && manners.values().sum::<usize>() >= OFTEN)
    })
}

fn table(corruption: &Corruption) -> String {
    let corrupted = corruption.corrupted();
    let line = |kind: &AnswerKind| {
        let manners = corrupted.get(kind).cloned().unwrap_or_default();
        format!("  {} {kind}: {manners:?}\n", manners.values().sum::<usize>())
    };
    AnswerKind::ALL.iter().map(line).collect()
}

/// Has everything listed again.
fn list_again(proxy: &Proxy) {
    let expired = Fault::WatchError(Refusal::new(410, "Expired", "too old resource version"));
    // Secrets are watched twice: the keys by themselves.
    for (call, watches) in [("watch sealedsecrets", 1), ("watch secrets", 2)] {
        proxy.add(Rule { times: Times::First(watches), ..Rule::always(call, expired.clone()) });
    }
    proxy.cut_watches();
}

/// Objects come and change, a Secret is taken away, and one is in the way.
async fn make_traffic(scene: &Scene, round: usize) -> Result<()> {
    let name = format!("more-{round}");
    let value = format!("canary-7d1f9b3c-{round}");
    scene.apply(&scene.sealed(&name, &[("password", &value)], Scope::Strict).await?).await?;
    scene.holds(&name, &[("password", &value)]).await?;
    let value = format!("{value}-changed");
    scene.apply(&scene.sealed(&name, &[("password", &value)], Scope::Strict).await?).await?;
    scene.holds(&name, &[("password", &value)]).await?;
    scene.shell().must(&format!("kubectl delete secret {name} -n {}", scene.namespace)).await?;
    scene.holds(&name, &[("password", &value)]).await?;
    let foreign = format!("foreign-{round}");
    let make =
        format!("kubectl create secret generic {foreign} --from-literal=password={value} -n {}", scene.namespace);
    scene.shell().must(&make).await?;
    scene.apply(&scene.sealed(&foreign, &[("password", &value)], Scope::Strict).await?).await?;
    scene.synced(&foreign, "False").await.map(drop)
}

/// All that controllers logged, and what can be read of them in the cluster.
async fn everything(scene: &Scene) -> Result<String> {
    let events = scene.shell().must("kubectl get events -A -o json").await?;
    let statuses = scene.shell().must("kubectl get sealedsecrets -A -o jsonpath='{.items[*].status}'").await?;
    Ok([scene.suite.whole_logs(), events, statuses, scene.metrics().await?].join("\n"))
}

/// How often each kind of answer must have been corrupted.
const OFTEN: usize = 20;
/// In how many manners at least: not every answer has a time or a name to change.
const MANNERS: usize = 5;
const MOST_ROUNDS: usize = 40;

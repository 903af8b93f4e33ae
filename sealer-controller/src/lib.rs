//! Makes the cluster match its SealedSecrets: reads keys, watches objects, writes Secrets, serves the certificate.
//!
//! `args` reads flags into a [`Config`]; `keys` holds the ring; `watch` feeds the `queue`; `reconcile` works it off:
//! it opens, plans (pure) and applies; templates are rendered in the processes of `sandbox`. `http` serves clients, `admin` serves metrics.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::{Config, Request};
use crate::context::Context;
use crate::error::StartError;
use crate::signals::Signals;

mod admin;
mod args;
mod checkpoint;
mod cluster;
mod context;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod hardening;
mod http;
mod keys;
mod metrics;
mod queue;
mod readiness;
mod reconcile;
mod refusal;
mod reserved;
pub mod sandbox;
mod signals;
mod telemetry;
mod throttle;
mod watch;

/// Runs the program: reads flags and environment, then works until it is told to stop. With the argument of a worker it
/// renders templates instead, and touches nothing else.
pub fn main(args: Vec<String>, variable: impl Fn(&str) -> Option<String>) -> ExitCode {
    if args.first().is_some_and(|first| first == sandbox::ARGUMENT) {
        return sandbox::work();
    }
    let hardening = hardening::harden();
    let config = match args::read(&args, variable) {
        Ok(Request::Run(config)) => config,
        Ok(Request::Print(text)) => return telemetry::print(&text),
        Err(error) => return telemetry::refuse(&error.to_string(), USAGE_ERROR),
    };
    telemetry::init(&config.log);
    telemetry::quiet_panics();
    hardening.tell();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.map_err(StartError::Runtime).and_then(|runtime| {
        let outcome = runtime.block_on(run(*config));
        // Arithmetic under way would be waited for otherwise, and nobody needs its result any longer.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => telemetry::refuse(&error.to_string(), FAILURE),
    }
}

/// Gets ready, then works until told to stop.
async fn run(config: Config) -> Result<(), StartError> {
    tracing::info!(version = VERSION, "Starting sealed-secrets controller");
    if let Some((old, new)) = config.deprecated {
        tracing::warn!("Flag --{old} has been deprecated, please use {new} instead");
    }
    // kube takes the process's provider; a second one in the tree would make the choice ambiguous.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut signals = Signals::catch()?;
    let context = Arc::new(Context::connect(config).await?);
    let ready = async {
        keys::start(&context).await?;
        checkpoint::recall(&context).await;
        Ok(())
    };
    tokio::select! {
        ready = ready => ready?,
        () = signals.end(|| context.keys.ask_for_new_key()) => return Ok(()),
    }
    work(&context, &mut signals).await
}

/// Starts every task, waits for a signal or for a task that cannot go on, and drains.
async fn work(context: &Arc<Context>, signals: &mut Signals) -> Result<(), StartError> {
    let stop = CancellationToken::new();
    let mut tasks = start(context, &stop);
    let first = tokio::select! {
        first = tasks.join_next() => first,
        () = signals.end(|| context.keys.ask_for_new_key()) => None,
    };
    tracing::info!("Shutting down controller");
    stop.cancel();
    // Do not block shutdown on requests to an unresponsive API server.
    let _ = tokio::time::timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
    let _ = tokio::time::timeout(LAST_WRITE, checkpoint::write(context)).await;
    first.unwrap_or(Ok(Ok(()))).unwrap_or(Err(StartError::Task))
}

fn start(context: &Arc<Context>, stop: &CancellationToken) -> JoinSet<Result<(), StartError>> {
    let mut tasks = JoinSet::new();
    tasks.spawn(http::serve(context.clone(), stop.clone()));
    tasks.spawn(admin::serve(context.clone(), stop.clone()));
    tasks.spawn(keys::follow(context.clone(), stop.clone()));
    tasks.spawn(keys::renew(context.clone(), stop.clone()));
    tasks.spawn(watch::run(context.clone(), stop.clone()));
    tasks.spawn(reconcile::work(context.clone(), stop.clone()));
    tasks.spawn(checkpoint::keep(context.clone(), stop.clone()));
    tasks
}

/// Version that is logged, printed and shown as a metric.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// A Pod is killed after half a minute.
const DRAIN: Duration = Duration::from_secs(20);
const LAST_WRITE: Duration = Duration::from_secs(5);
const USAGE_ERROR: u8 = 2;
const FAILURE: u8 = 1;

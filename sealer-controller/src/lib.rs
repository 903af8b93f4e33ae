//! Makes the cluster match its SealedSecrets: reads keys, watches objects, writes Secrets, serves the certificate.
//!
//! `args` reads flags into a `Config`; `keys` keeps the ring current; `informers` feed the `cache` and the queue; `workers`
//! hand its objects to `reconcile`, which opens, plans (pure) and applies; templates are rendered in the processes of
//! `sandbox`. `http` serves clients, `admin` serves metrics.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::{Config, Request};
use crate::cache::checkpoint::{self, Checkpoint};
use crate::cache::store::Cache;
use crate::cache::watched_namespaces::WatchedNamespaces;
use crate::context::Context;
use crate::error::StartError;
use crate::informers::Informers;
use crate::keys::Keys;
use crate::readiness::Readiness;
use crate::readiness::progress::Progress;
use crate::reconcile::Reconciler;
use crate::ring::SharedRing;
use crate::signals::Signals;
use crate::threads::Threads;
use crate::version::VERSION;
use crate::workers::queue::{Priority, Queue};

mod admin;
mod args;
mod cache;
mod context;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod hardening;
mod http;
mod informers;
mod keys;
mod kube;
mod metrics;
mod readiness;
mod reconcile;
mod reserved;
mod ring;
pub mod sandbox;
mod signals;
mod telemetry;
mod threads;
mod version;
mod workers;

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
        Err(error) => return telemetry::exit_with_error(&error.to_string(), USAGE_ERROR),
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
        Err(error) => telemetry::exit_with_error(&error.to_string(), FAILURE),
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
    let parts = Parts::new(Context::connect(config).await?);
    let ready = async {
        keys::start(&parts.keys).await?;
        checkpoint::recall(&parts.checkpoint, &parts.ring.load()).await;
        Ok(())
    };
    tokio::select! {
        ready = ready => ready?,
        () = signals.wait_for_shutdown(|| parts.keys.ask_for_new_key()) => return Ok(()),
    }
    work(&parts, &mut signals).await
}

/// What the tasks own, each its own, with the handles that they share.
struct Parts {
    context: Arc<Context>,
    ring: Arc<SharedRing>,
    readiness: Arc<Readiness>,
    keys: Arc<Keys>,
    checkpoint: Arc<Checkpoint>,
    informers: Arc<Informers>,
    reconciler: Arc<Reconciler>,
}

impl Parts {
    fn new(context: Context) -> Self {
        let cache = Arc::new(Cache::new(&context.config));
        let (context, threads) = (Arc::new(context), Threads::all_cores());
        let (ring, queue, readiness) = <(Arc<SharedRing>, Arc<Queue>, Arc<Readiness>)>::default();
        let (progress, watched) = <(Arc<Progress>, Arc<WatchedNamespaces>)>::default();
        let shared = keys::Shared {
            context: context.clone(),
            ring: ring.clone(),
            threads: threads.clone(),
            progress: progress.clone(),
        };
        let (objects, waiting) = (cache.clone(), queue.clone());
        let on_new_key = move || objects.unopened().into_iter().for_each(|key| waiting.add(key, Priority::Low));
        Self {
            keys: Arc::new(Keys::new(shared, on_new_key)),
            checkpoint: Arc::new(Checkpoint::new(context.clone(), cache.clone())),
            informers: Arc::new(Informers {
                context: context.clone(),
                cache: cache.clone(),
                queue: queue.clone(),
                watched: watched.clone(),
                progress,
                readiness: readiness.clone(),
            }),
            reconciler: Arc::new(Reconciler {
                context: context.clone(),
                ring: ring.clone(),
                cache,
                queue,
                watched,
                threads,
                predictor: Arc::default(),
                templates: sandbox::Pool::default(),
            }),
            context,
            ring,
            readiness,
        }
    }
}

/// Starts every task, waits for a signal or for a task that cannot go on, and drains.
async fn work(parts: &Parts, signals: &mut Signals) -> Result<(), StartError> {
    let stop = CancellationToken::new();
    let mut tasks = start(parts, &stop);
    let first = tokio::select! {
        first = tasks.join_next() => first,
        () = signals.wait_for_shutdown(|| parts.keys.ask_for_new_key()) => None,
    };
    tracing::info!("Shutting down controller");
    stop.cancel();
    // Do not block shutdown on requests to an unresponsive API server.
    let _ = tokio::time::timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
    let _ = tokio::time::timeout(LAST_WRITE, checkpoint::write(&parts.checkpoint)).await;
    first.unwrap_or(Ok(Ok(()))).unwrap_or(Err(StartError::Task))
}

fn start(parts: &Parts, stop: &CancellationToken) -> JoinSet<Result<(), StartError>> {
    let Parts { context, ring, readiness, keys, checkpoint, informers, reconciler } = parts;
    let mut tasks = JoinSet::new();
    tasks.spawn(http::serve(context.clone(), ring.clone(), stop.clone()));
    let cache = reconciler.cache.clone();
    let count = Box::new(move || cache.counts());
    tasks.spawn(admin::serve(context.clone(), ring.clone(), readiness.clone(), count, stop.clone()));
    tasks.spawn(keys::follow(keys.clone(), stop.clone()));
    tasks.spawn(keys::renew(keys.clone(), stop.clone()));
    tasks.spawn(informers::run(informers.clone(), stop.clone()));
    tasks.spawn(reconcile::work(reconciler.clone(), stop.clone()));
    tasks.spawn(checkpoint::keep(checkpoint.clone(), stop.clone()));
    tasks
}

/// A Pod is killed after half a minute.
const DRAIN: Duration = Duration::from_secs(20);
const LAST_WRITE: Duration = Duration::from_secs(5);
const USAGE_ERROR: u8 = 2;
const FAILURE: u8 = 1;

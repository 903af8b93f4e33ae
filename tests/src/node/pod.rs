//! One Pod's life: started, probed, started again when it ends, stopped when it is deleted.

use std::time::{Duration, Instant};

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::control_plane::http_answers;
use crate::node::Host;
use crate::node::container::{self, Container};
use crate::node::status::{State, status};
use crate::report::say;

/// A Pod that the node looks after.
#[derive(Debug)]
pub(crate) struct Running {
    stop: watch::Sender<Option<Duration>>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(host: Host, pod: Pod, address: String) -> Self {
        let (stop, asked) = watch::channel(None);
        let task = tokio::spawn(async move {
            let name = pod.name_any();
            let life = Life { host, pod, address, asked, restarts: 0, told: None };
            if let Err(error) = life.run().await {
                say(&format!("node: pod {name}: {error:#}"));
            }
        });
        Self { stop, task }
    }

    /// Asks the Pod's process to end within its grace period.
    pub(crate) fn stop(&self, grace: Duration) {
        self.stop.send_if_modified(|asked| asked.replace(grace).is_none());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Life {
    host: Host,
    pod: Pod,
    address: String,
    asked: watch::Receiver<Option<Duration>>,
    restarts: i32,
    told: Option<State>,
}

impl Life {
    async fn run(mut self) -> Result<()> {
        loop {
            let container = match container::prepare(&self.host, &self.pod).await {
                Ok(container) => container,
                // What is missing may come: an image, a Secret.
                Err(error) => {
                    self.tell(State::Waiting(error.to_string())).await?;
                    if self.pause(RETRY).await {
                        return self.gone().await;
                    }
                    continue;
                }
            };
            if self.watch(container).await? {
                return self.gone().await;
            }
            self.tell(State::Stopped(self.restarts)).await?;
            self.restarts += 1;
            let backoff = Duration::from_secs(1 << self.restarts.min(5));
            if self.pause(backoff).await {
                return self.gone().await;
            }
        }
    }

    /// Runs the container until it ends (false) or the Pod is deleted (true).
    async fn watch(&mut self, container: Container) -> Result<bool> {
        let mut process = container.start(&self.host)?;
        self.host.network.routes.remove(&self.address);
        for (port, local) in &container.ports {
            self.host.network.routes.add(&self.address, *port, *local);
        }
        let mut not_live_since: Option<Instant> = None;
        loop {
            if process.ended().is_some() {
                return Ok(false);
            }
            let ready = container.readiness.as_ref().is_none_or(|probe| http_answers(probe.port, &probe.path));
            self.tell(if ready { State::Ready(self.restarts) } else { State::Starting(self.restarts) }).await?;
            let live =
                !ready && container.liveness.as_ref().is_some_and(|probe| !http_answers(probe.port, &probe.path));
            not_live_since = if live { not_live_since.or_else(|| Some(Instant::now())) } else { None };
            if not_live_since.is_some_and(|since| since.elapsed() > NOT_LIVE) {
                process.stop(Duration::from_secs(1));
                return Ok(false);
            }
            if self.pause(PROBE).await {
                let grace = (*self.asked.borrow()).unwrap_or_default();
                tokio::task::spawn_blocking(move || process.stop(grace)).await?;
                return Ok(true);
            }
        }
    }

    /// Waits; says whether the Pod was deleted meanwhile.
    async fn pause(&mut self, time: Duration) -> bool {
        if self.asked.borrow().is_some() {
            return true;
        }
        tokio::select! {
            () = tokio::time::sleep(time) => false,
            changed = self.asked.changed() => changed.is_ok(),
        }
    }

    async fn tell(&mut self, state: State) -> Result<()> {
        if self.told.as_ref() == Some(&state) {
            return Ok(());
        }
        let patch = serde_json::json!({ "status": status(&self.pod, &self.address, &state) });
        let patched =
            self.api().patch_status(&self.pod.name_any(), &PatchParams::default(), &Patch::Strategic(patch)).await;
        match patched {
            Ok(_) => self.told = Some(state),
            // Deleted meanwhile: the next look will tell.
            Err(kube::Error::Api(answer)) if answer.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The last word on a deleted Pod.
    async fn gone(&self) -> Result<()> {
        self.host.network.routes.remove(&self.address);
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        match self.api().delete(&self.pod.name_any(), &now).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(answer)) if answer.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn api(&self) -> Api<Pod> {
        Api::namespaced(self.host.client.clone(), &self.pod.namespace().unwrap_or_default())
    }
}

const PROBE: Duration = Duration::from_millis(200);
const RETRY: Duration = Duration::from_secs(1);
/// How long a container may fail its liveness probe: three probes of ten seconds, as by default.
const NOT_LIVE: Duration = Duration::from_secs(30);

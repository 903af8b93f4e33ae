//! When each watch last got an answer: a controller that hears nothing any longer is not ready.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::kube::stream::Event;
use crate::readiness::{Check, Readiness};

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Watcher {
    SealedSecrets,
    Secrets,
    Keys,
}

impl Watcher {
    const ALL: [Self; 3] = [Self::SealedSecrets, Self::Secrets, Self::Keys];

    fn check(self) -> Check {
        match self {
            Self::SealedSecrets => Check::SealedSecretWatch,
            Self::Secrets => Check::SecretWatch,
            Self::Keys => Check::KeyWatch,
        }
    }
}

/// When each watch last got an answer.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<BTreeMap<(Watcher, Option<String>), Instant>>);

impl Progress {
    /// A watch told something. A list that begins again and again, and is never through, is no progress.
    pub(crate) fn told<T>(&self, watcher: Watcher, namespace: Option<&str>, event: &Event<T>) {
        if !matches!(event, Event::Begin | Event::Listed(_) | Event::Unreadable(_)) {
            self.heard(watcher, namespace);
        }
    }

    /// A watch got an answer, or begins to ask.
    pub(crate) fn heard(&self, watcher: Watcher, namespace: Option<&str>) {
        let mut all = self.lock();
        let now = Instant::now();
        // Told of every object: most often it is there.
        match all.iter_mut().find(|((known, of), _)| *known == watcher && of.as_deref() == namespace) {
            Some((_, last)) => *last = now,
            None => _ = all.insert((watcher, namespace.map(str::to_owned)), now),
        }
    }

    /// There is no such watch now, and none is expected.
    pub(crate) fn ended(&self, watcher: Watcher, namespace: Option<&str>) {
        self.lock().remove(&(watcher, namespace.map(str::to_owned)));
    }

    /// Tells readiness which watches got no answer for too long.
    pub(crate) fn report(&self, readiness: &Readiness) {
        let all = self.lock();
        for watcher in Watcher::ALL {
            let of = all.iter().filter(|((one, _), _)| *one == watcher);
            if of.into_iter().any(|(_, last)| last.elapsed() > LONGEST_SILENCE) {
                readiness.fail(watcher.check());
            } else {
                readiness.pass(watcher.check());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Watcher, Option<String>), Instant>> {
        self.0.lock()
    }
}

/// A watch ends and is begun again after 290 seconds, and a server says once a minute that nothing happened.
const LONGEST_SILENCE: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_hears_nothing_is_told() {
        let (progress, readiness) = (Progress::default(), Readiness::default());
        readiness.pass(Check::Keys);
        let failures = || {
            progress.report(&readiness);
            readiness.failures().len()
        };
        assert_eq!(failures(), 0, "nothing is watched");
        progress.heard(Watcher::Secrets, Some("a"));
        progress.heard(Watcher::SealedSecrets, None);
        tokio::time::advance(LONGEST_SILENCE).await;
        assert_eq!(failures(), 0);
        progress.told(Watcher::SealedSecrets, None, &Event::<()>::Quiet);
        progress.told(Watcher::Secrets, Some("a"), &Event::<()>::Begin);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(failures(), 1);
        assert_eq!(readiness.failures(), ["the watch of Secrets does not progress"]);
        progress.ended(Watcher::Secrets, Some("a"));
        assert_eq!(failures(), 0);
    }
}

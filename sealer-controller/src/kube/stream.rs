//! One watch that never ends. Its first look is streamed object by object where the server can do that, and else listed
//! in pages. Each object is read by itself: one that cannot be read spoils no other.

mod told;

use std::collections::VecDeque;
use std::time::Duration;

use futures::stream::{BoxStream, StreamExt as _};
use kube::api::WatchParams;
use kube::core::Status;
use kube::runtime::utils::Backoff as _;
use kube::runtime::watcher::DefaultBackoff;
use tokio::time::Instant;

use crate::kube::call::{list, send};
use crate::kube::collection::Collection;
use crate::kube::lines::Lines;
use crate::kube::page::{self, LONGEST_OBJECT, Page};
use crate::kube::refusal;
use crate::kube::unreadable::{Unreadable, unreadable_answer};

pub(crate) use told::Event;
use told::Told;

/// Why a watch breaks; it goes on afterwards.
#[derive(Debug)]
pub(crate) enum WatchError {
    /// A list or a watch was refused.
    Refused(kube::Error),
    /// The server ended the watch.
    Ended(Box<Status>),
    /// What came is no event, or has no version to go on from.
    Garbled,
}

impl WatchError {
    /// What is told of it, without a word of what was asked or answered.
    pub(crate) fn answer(&self) -> String {
        match self {
            Self::Refused(error) => refusal::answer(error),
            Self::Ended(status) => refusal::text(status),
            Self::Garbled => "malformed watch event; listing again".to_owned(),
        }
    }

    /// Whether a watch ended because the right to it is missing.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused(kube::Error::Api(status)) if status.is_forbidden())
    }
}

pub(crate) type Answer<T> = Result<Event<T>, WatchError>;

/// What is watched, and how its objects are read.
pub(crate) struct Source<T> {
    pub(crate) collection: Collection,
    pub(crate) selector: Option<String>,
    pub(crate) metadata_only: bool,
    pub(crate) read: fn(&str) -> Result<T, Unreadable>,
}

impl<T> Source<T> {
    async fn open(&self, version: &str, initial: bool) -> Result<Lines, kube::Error> {
        let params = WatchParams {
            label_selector: self.selector.clone(),
            bookmarks: true,
            send_initial_events: initial,
            ..WatchParams::default()
        };
        let request = self.collection.request();
        let request =
            if self.metadata_only { request.watch_metadata(&params, version) } else { request.watch(&params, version) };
        let mut request = request.map_err(kube::Error::BuildRequest)?;
        // An event must arrive when it happens, not when a block of compressed ones is full.
        let plain = http::HeaderValue::from_static("identity");
        request.headers_mut().insert(http::header::ACCEPT_ENCODING, plain);
        Ok(Lines::new(send(self.collection.client(), request).await?, LONGEST_OBJECT))
    }
}

/// What happens to the objects of a source.
pub(crate) fn events<T: Send + 'static>(source: Source<T>) -> BoxStream<'static, Answer<T>> {
    let watch = Watch {
        source,
        state: State::Empty,
        ready: VecDeque::new(),
        streams: true,
        listed: false,
        whole: true,
        backoff: DefaultBackoff::default(),
        pause: None,
    };
    futures::stream::unfold(watch, |mut watch| async { Some((watch.next().await, watch)) }).boxed()
}

struct Watch<T> {
    source: Source<T>,
    state: State,
    /// What was read and not told yet.
    ready: VecDeque<Event<T>>,
    /// Whether the server is asked to stream its lists.
    streams: bool,
    /// Whether a list was ever complete.
    listed: bool,
    /// Whether every object of this list had a name.
    whole: bool,
    /// Grows until a watch brings an event that can be read: a list alone is no progress, since whatever spoils the
    /// watch after it would have everything listed again each time.
    backoff: DefaultBackoff,
    /// To wait before anything is asked for again.
    pause: Option<Duration>,
}

enum State {
    /// Nothing is known.
    Empty,
    /// The next page of a list.
    Page(Page),
    /// The first look, object by object.
    Streaming(Lines),
    /// Everything up to a version is known.
    Listed(String),
    Watching(Following),
}

struct Following {
    version: String,
    lines: Lines,
    began: Instant,
}

impl<T> Watch<T> {
    async fn next(&mut self) -> Answer<T> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            if let Some(pause) = self.pause.take() {
                tokio::time::sleep(pause).await;
            }
            if let Err(error) = self.step().await {
                self.pause = self.backoff.next();
                return Err(error);
            }
        }
    }

    /// One step further, whatever comes of it. After an error the state is one to go on from.
    async fn step(&mut self) -> Result<(), WatchError> {
        match std::mem::replace(&mut self.state, State::Empty) {
            State::Empty if self.streams => self.begin_stream().await,
            State::Empty => {
                self.begin(State::Page(Page::first()));
                Ok(())
            }
            State::Page(page) => self.page(page).await,
            State::Streaming(lines) => self.stream(lines).await,
            State::Listed(version) => self.resume(version).await,
            State::Watching(following) => self.follow(following).await,
        }
    }

    fn begin(&mut self, state: State) {
        self.whole = true;
        self.state = state;
        self.ready.push_back(Event::Begin);
    }

    async fn begin_stream(&mut self) -> Result<(), WatchError> {
        let opened = self.source.open("0", true);
        let opened = if self.listed { Ok(opened.await) } else { tokio::time::timeout(FIRST_TIMEOUT, opened).await };
        match opened {
            Ok(Ok(lines)) => self.begin(State::Streaming(lines)),
            Ok(Err(kube::Error::Api(status))) if cannot_stream(&status) => self.fall_back(),
            // A server that streams says something.
            Err(_) => self.fall_back(),
            Ok(Err(error)) => return Err(WatchError::Refused(error)),
        }
        Ok(())
    }

    /// From now on lists come in pages.
    fn fall_back(&mut self) {
        tracing::debug!("the API server does not stream lists; listing in pages");
        self.streams = false;
        self.state = State::Empty;
    }

    async fn page(&mut self, mut page: Page) -> Result<(), WatchError> {
        let source = &self.source;
        let request = source.collection.request();
        let selector = source.selector.as_deref();
        let bytes = list(source.collection.client(), &request, selector, source.metadata_only, &mut page).await;
        let bytes = bytes.map_err(WatchError::Refused)?;
        let text = String::from_utf8_lossy(&bytes);
        let listed = page::split(&text).ok_or_else(|| WatchError::Refused(unreadable_answer()))?;
        let read = source.read;
        for item in listed.items {
            let event = read(item).map_or_else(Event::Unreadable, Event::Listed);
            self.take(event);
        }
        match (listed.next, listed.version) {
            (Some(next), _) => {
                page.continue_with(next);
                self.state = State::Page(page);
            }
            (None, Some(version)) => {
                self.complete();
                self.state = State::Listed(version);
            }
            (None, None) => return Err(WatchError::Garbled),
        }
        Ok(())
    }

    fn take(&mut self, event: Event<T>) {
        if let Event::Unreadable(unreadable) = &event {
            self.whole &= unreadable.key().is_some();
        }
        self.ready.push_back(event);
    }

    fn complete(&mut self) {
        self.listed = true;
        self.ready.push_back(Event::Complete { whole: self.whole });
    }

    async fn stream(&mut self, mut lines: Lines) -> Result<(), WatchError> {
        let line =
            match tokio::time::timeout(if self.listed { IDLE_TIMEOUT } else { FIRST_TIMEOUT }, lines.next()).await {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.pause = self.backoff.next();
                    return Ok(());
                }
                // A server that was rolled back streams no longer, and may not say so.
                Err(_) => {
                    self.fall_back();
                    return Ok(());
                }
            };
        match told::read(&line, self.source.read).ok_or(WatchError::Garbled)? {
            Told::Mark { version, is_end } => {
                if is_end {
                    self.complete();
                    self.state = State::Watching(Following { version, lines, began: Instant::now() });
                } else {
                    self.state = State::Streaming(lines);
                }
            }
            Told::Change { event, .. } => {
                match event {
                    Event::Applied(object) => self.take(Event::Listed(object)),
                    Event::Unreadable(_) => self.take(event),
                    // Nothing goes before it came.
                    _ => {}
                }
                self.state = State::Streaming(lines);
            }
            Told::Error(status) => return Err(WatchError::Ended(status)),
        }
        Ok(())
    }

    async fn resume(&mut self, version: String) -> Result<(), WatchError> {
        match self.source.open(&version, false).await {
            Ok(lines) => {
                self.ready.push_back(Event::Quiet);
                self.state = State::Watching(Following { version, lines, began: Instant::now() });
                Ok(())
            }
            Err(error) => {
                // Where the version is too old, all is listed again.
                let is_gone = matches!(&error, kube::Error::Api(status) if status.code == GONE);
                self.state = if is_gone { State::Empty } else { State::Listed(version) };
                Err(WatchError::Refused(error))
            }
        }
    }

    async fn follow(&mut self, mut following: Following) -> Result<(), WatchError> {
        // What came without a readable name may be any object: all is listed again, though not at once.
        let left = if self.whole { IDLE_TIMEOUT } else { INCOMPLETE.saturating_sub(following.began.elapsed()) };
        let line = match tokio::time::timeout(left, following.lines.next()).await {
            Err(_) if !self.whole => return Ok(()),
            Ok(Some(line)) => line,
            Ok(None) | Err(_) => {
                // Watches end, and nothing is wrong. One that ends at once is not asked for again at once.
                if following.began.elapsed() < SHORTEST_WATCH {
                    self.pause = self.backoff.next();
                }
                self.state = State::Listed(following.version);
                return Ok(());
            }
        };
        match told::read(&line, self.source.read).ok_or(WatchError::Garbled)? {
            Told::Mark { version, .. } => {
                following.version = version;
                self.backoff.reset();
                self.ready.push_back(Event::Quiet);
            }
            Told::Change { version, event } => {
                following.version = version.ok_or(WatchError::Garbled)?;
                if !matches!(event, Event::Unreadable(_)) {
                    self.backoff.reset();
                }
                if self.whole {
                    self.take(event);
                    if !self.whole {
                        following.began = Instant::now();
                    }
                } else {
                    self.ready.push_back(event);
                }
            }
            Told::Error(status) if status.code == GONE => return Err(WatchError::Ended(status)),
            Told::Error(status) => {
                self.state = State::Watching(following);
                return Err(WatchError::Ended(status));
            }
        }
        self.state = State::Watching(following);
        Ok(())
    }
}

/// What servers answer that know nothing of streamed lists, or have them turned off.
fn cannot_stream(status: &Status) -> bool {
    matches!(status.code, 400 | 422)
}

const GONE: u16 = 410;
/// The first look takes seconds; how long the next object of it may take.
const FIRST_TIMEOUT: Duration = Duration::from_secs(30);
/// The server ends a watch after 290 seconds.
const IDLE_TIMEOUT: Duration = Duration::from_secs(295);
/// How long a list is good of which an object had no readable name.
const INCOMPLETE: Duration = Duration::from_secs(15);
const SHORTEST_WATCH: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;

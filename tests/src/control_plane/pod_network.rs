//! The network between the API server and Pods: a socket that takes CONNECT, and a table from Pod addresses to ports.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// Where each Pod's ports really are.
#[derive(Clone, Debug, Default)]
pub struct Routes(Arc<Mutex<HashMap<String, u16>>>);

impl Routes {
    /// Leads `address:port` of a Pod to a port on loopback.
    pub fn add(&self, address: &str, port: u16, local: u16) {
        self.with(|routes| routes.insert(format!("{address}:{port}"), local));
    }

    /// Forgets all ports of a Pod.
    pub fn remove(&self, address: &str) {
        let prefix = format!("{address}:");
        self.with(|routes| routes.retain(|target, _| !target.starts_with(&prefix)));
    }

    fn find(&self, target: &str) -> Option<u16> {
        self.with(|routes| routes.get(target).copied())
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<String, u16>) -> T) -> T {
        act(&mut self.0.lock())
    }
}

/// The listening socket.
#[derive(Debug)]
pub struct PodNetwork {
    /// The table.
    pub routes: Routes,
    task: JoinHandle<()>,
}

impl PodNetwork {
    /// Listens on a Unix socket.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn start(socket: &Path) -> Result<Self> {
        let listener = UnixListener::bind(socket)?;
        let routes = Routes::default();
        let table = routes.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, table.clone()));
            }
        });
        Ok(Self { routes, task })
    }
}

impl Drop for PodNetwork {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: UnixStream, routes: Routes) {
    let Some(target) = target(&mut stream).await else { return };
    let pod = match routes.find(&target) {
        Some(port) => TcpStream::connect(("127.0.0.1", port)).await.ok(),
        None => None,
    };
    let Some(mut pod) = pod else {
        let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
        return;
    };
    if stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_ok() {
        let _ = copy_bidirectional(&mut stream, &mut pod).await;
    }
}

/// The address behind `CONNECT`; the head ends with an empty line.
async fn target(stream: &mut UnixStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST_HEAD {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    head.strip_prefix("CONNECT ")?.split_whitespace().next().map(str::to_owned)
}

const LONGEST_HEAD: usize = 4096;

//! SOCKS 5 (RFC 1928, RFC 1929), as Go's `golang.org/x/net/internal/socks` speaks it: the proxy looks names up.

use std::net::IpAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::network::boxed_io::BoxedIo;

/// Has the proxy connect to a host.
pub(crate) async fn tunnel(
    mut stream: BoxedIo,
    host: &str,
    port: u16,
    user: Option<(&[u8], &[u8])>,
) -> Result<BoxedIo, String> {
    let methods: &[u8] =
        if user.is_some() { &[VERSION, 2, NO_AUTHENTICATION, PASSWORD] } else { &[VERSION, 1, NO_AUTHENTICATION] };
    send(&mut stream, methods).await?;
    match receive::<2>(&mut stream).await? {
        [VERSION, NO_AUTHENTICATION] => {}
        [VERSION, PASSWORD] => authenticate(&mut stream, user.unwrap_or_default()).await?,
        [VERSION, _] => return Err("no acceptable authentication methods".to_owned()),
        [other, _] => return Err(format!("unexpected protocol version {other}")),
    }
    let mut request = vec![VERSION, CONNECT, 0];
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => request.extend([&[IPV4][..], &ip.octets()].concat()),
        Ok(IpAddr::V6(ip)) => request.extend([&[IPV6][..], &ip.octets()].concat()),
        Err(_) => {
            let length = u8::try_from(host.len()).map_err(|_| "FQDN too long".to_owned())?;
            request.extend([&[NAME, length][..], host.as_bytes()].concat());
        }
    }
    request.extend(port.to_be_bytes());
    send(&mut stream, &request).await?;
    let [version, status, _, kind] = receive::<4>(&mut stream).await?;
    if version != VERSION {
        return Err(format!("unexpected protocol version {version}"));
    }
    if status != 0 {
        return Err(format!("unknown error {}", STATUS.get(usize::from(status)).unwrap_or(&"of an unknown kind")));
    }
    // The address that the proxy took is of no use.
    let length = match kind {
        IPV4 => 4,
        IPV6 => 16,
        NAME => usize::from(u8::from_be_bytes(receive::<1>(&mut stream).await?)),
        other => return Err(format!("unknown address type {other}")),
    };
    let mut bound = vec![0; length + 2];
    stream.read_exact(&mut bound).await.map_err(|error| super::os_words(&error))?;
    Ok(stream)
}

async fn authenticate(stream: &mut BoxedIo, (name, password): (&[u8], &[u8])) -> Result<(), String> {
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).map_err(|_| "invalid username/password".to_owned());
    let message = [&[1, length(name)?][..], name, &[length(password)?], password].concat();
    send(stream, &message).await?;
    match receive::<2>(stream).await? {
        [1, 0] => Ok(()),
        _ => Err("username/password authentication failed".to_owned()),
    }
}

async fn send(stream: &mut BoxedIo, bytes: &[u8]) -> Result<(), String> {
    stream.write_all(bytes).await.map_err(|error| super::os_words(&error))?;
    stream.flush().await.map_err(|error| super::os_words(&error))
}

async fn receive<const N: usize>(stream: &mut BoxedIo) -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await.map_err(|error| super::os_words(&error))?;
    Ok(bytes)
}

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const PASSWORD: u8 = 2;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
/// RFC 1928, section 6.
const STATUS: [&str; 9] = [
    "succeeded",
    "general SOCKS server failure",
    "connection not allowed by ruleset",
    "network unreachable",
    "host unreachable",
    "connection refused",
    "TTL expired",
    "command not supported",
    "address type not supported",
];

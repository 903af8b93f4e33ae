//! What bytes go through, whatever it is made of.

use tokio::io::{AsyncRead, AsyncWrite};

/// Anything that bytes go through.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// One of a type that is known only when it runs.
pub(crate) type BoxedIo = Box<dyn Io>;

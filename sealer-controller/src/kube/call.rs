//! One request and its answer, of which so much is read and no more. kube's own decoding is not used: it logs the body
//! of an answer that it cannot decode.

use http::{Request, Response};
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::core::Status;
use kube::{Client, core};

use crate::kube::page::{LONGEST_OBJECT, Page};
use crate::kube::unreadable::unreadable_answer;

/// Sends a request; a refusal is an error. The body is still to be read.
pub(crate) async fn send(client: &Client, request: Request<Vec<u8>>) -> Result<Response<Body>, kube::Error> {
    let response = client.send(request.map(Body::from)).await?;
    let code = response.status();
    if !code.is_client_error() && !code.is_server_error() {
        return Ok(response);
    }
    let text = read(response, LONGEST_REFUSAL).await.unwrap_or_default();
    Err(kube::Error::Api(Box::new(refusal(&text, code.as_u16()))))
}

/// The answer to a request about one object, as text.
pub(crate) async fn call(client: &Client, request: Request<Vec<u8>>) -> Result<String, kube::Error> {
    let bytes = read(send(client, request).await?, LONGEST_OBJECT).await.map_err(Cut::into_error)?;
    String::from_utf8(bytes).map_err(|_| unreadable_answer())
}

/// One page of a list, as bytes. One that is too long is asked for again with fewer objects.
pub(crate) async fn list(
    client: &Client,
    request: &core::Request,
    selector: Option<&str>,
    metadata_only: bool,
    page: &mut Page,
) -> Result<Vec<u8>, kube::Error> {
    loop {
        let params = page.params(selector);
        let request = if metadata_only { request.list_metadata(&params) } else { request.list(&params) };
        let response = send(client, request.map_err(kube::Error::BuildRequest)?).await?;
        match read(response, page.longest()).await {
            Ok(bytes) => {
                page.fits(bytes.len());
                return Ok(bytes);
            }
            Err(Cut::TooLong) if page.shrink() => {}
            Err(cut) => return Err(cut.into_error()),
        }
    }
}

/// A body that was not read to its end.
#[derive(Debug)]
enum Cut {
    TooLong,
    Broken(tower::BoxError),
}

impl Cut {
    fn into_error(self) -> kube::Error {
        match self {
            Self::TooLong => unreadable_answer(),
            Self::Broken(error) => kube::Error::Service(error),
        }
    }
}

async fn read(response: Response<Body>, longest: usize) -> Result<Vec<u8>, Cut> {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Cut::Broken(error.into()))?;
        let Ok(part) = frame.into_data() else { continue };
        if bytes.len() + part.len() > longest {
            return Err(Cut::TooLong);
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// What an API server, or something before it, says of a refusal.
fn refusal(text: &[u8], code: u16) -> Status {
    let status = serde_json::from_slice(text).unwrap_or_else(|_| Status::failure("", ""));
    Status { code, ..status }
}

/// A refusal of one object quotes of it at most what fits here; a longer one counts by its code alone.
const LONGEST_REFUSAL: usize = 256 << 10;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

    use super::*;

    fn server(code: u16, body: Vec<u8>) -> Client {
        let service = tower::service_fn(move |_: Request<Body>| {
            let answer = Response::builder().status(code).body(Body::from(body.clone()));
            futures::future::ready(Ok::<_, std::convert::Infallible>(answer.unwrap()))
        });
        Client::new(service, "default")
    }

    async fn error(code: u16, body: &[u8]) -> kube::Error {
        let request = Request::get("/x").body(Vec::new()).unwrap();
        call(&server(code, body.to_vec()), request).await.unwrap_err()
    }

    #[tokio::test]
    async fn refusals_of_every_shape_keep_their_code() {
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        for body in
            [&b"{}"[..], b"", b"<html>", b"{\"code\":\"x\"}", b"\xff\xfe", &deep, b"{\"message\":\"m\",\"code\":200}"]
        {
            let kube::Error::Api(status) = error(409, body).await else { panic!("no refusal") };
            assert_eq!(status.code, 409);
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_or_no_text_is_unreadable() {
        for body in [vec![b' '; LONGEST_OBJECT + 1], vec![0xff]] {
            assert!(matches!(error(200, &body).await, kube::Error::SerdeError(_)));
        }
    }
}
